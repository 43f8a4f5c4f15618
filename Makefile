# The two commands are `make run` and `make test`. Python 3.11+ and make are all they need.
.DEFAULT_GOAL := help
# Or each of the portal's processes would compile the portal anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test chaos lint install lock clean

PORTAL_PORT ?= 3000
PORT ?= $(PORTAL_PORT)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# One process more than the usual two cores, since tests wait a lot; `JOBS=0` runs in one, with its output as it comes.
JOBS ?= 3
# How often `make chaos` does each thing; what it measures, it measures alone, after the rest. No test for ARGS is no failure.
REPEAT ?= 5
CHAOS := REPEAT=$(REPEAT) $(RUN) -m pytest tests/chaos

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed ## Start the portal on http://localhost:3000 (PORT=4000 for another port)
	@PORTAL_PORT=$(PORT) exec $(RUN) -m tenant_portal run

test: lint ## Lint, types and the whole suite (ARGS="-k words" for a part)
	@$(RUN) -m tenant_portal.frontend_build
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		echo "No Chromium on PATH: the browser journeys are skipped. On Debian: apt-get install chromium"
	@$(RUN) -m pytest --numprocesses $(JOBS) $(ARGS)

chaos: $(VENV)/installed-dev ## Kill, freeze and fill all parts under load, REPEAT=5 times each: half an hour or more
	@$(CHAOS) -m "chaos and not alone" --numprocesses $(JOBS) $(ARGS) || test $$? = 5
	@$(CHAOS) -m "chaos and alone" $(ARGS) || test $$? = 5

lint: $(VENV)/installed-dev ## Lint and types only
	@$(VENV)/bin/ruff check .
	@$(RUN) -m mypy

install: $(VENV)/installed ## Make the environment and install the pinned requirements

lock: $(VENV)/installed ## Build the pages and renew reflex.lock/ after a page took a new package
	@$(RUN) -m tenant_portal.frontend_build --force

clean: ## Delete what was built and, if you say so, the data
	@rm -rf $(VENV) .web .states .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -e .portal ]; then \
		printf 'Delete .portal too, with its database, keys and files? [y/N] '; read -r answer; \
		if [ "$$answer" = y ]; then rm -rf .portal; else echo 'Kept .portal.'; fi; \
	fi

# pip is the last thing that venv makes: where it is missing, the environment is not complete.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

# Each stamp is newer than the requirements that were installed; an installation that was cut short leaves none.
$(VENV)/installed: requirements.txt | $(VENV)/bin/pip
	@echo "Installing the requirements, once after each change ..."
	@$(RUN) -m pip install -qq --no-compile --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements.txt requirements-dev.txt deploy/requirements-tracing.txt | $(VENV)/bin/pip
	@echo "Installing the tools of the tests, once after each change ..."
	@$(RUN) -m pip install -qq --no-compile --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@ $(VENV)/installed
