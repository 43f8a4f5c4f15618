"""The Makefile: few commands that list themselves, install only what changed, and delete data only when told to."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.running_portal import ROOT

TARGETS = {"help", "run", "test", "chaos", "lint", "install", "lock", "clean"}


def make(folder: Path, *arguments: str, answer: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder, without the variables of a make around the suite."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PORT", "PORTAL_PORT"}}
    environment = {name: value for name, value in kept.items() if not name.startswith("MAKE")} | variables
    return subprocess.run(
        ["make", "--file", ROOT / "Makefile", *arguments], cwd=folder, env=environment, input=answer,
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which everything is installed already."""
    needed = ("requirements.txt", "requirements-dev.txt", "deploy/requirements-tracing.txt")
    for name in (*needed, ".venv/bin/pip", ".venv/installed", ".venv/installed-dev"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (len(name), len(name)))
    for stamp in ("installed", "installed-dev"):
        (tmp_path / ".venv" / stamp).touch()
    return tmp_path


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_it_lists_its_commands(tmp_path: Path, arguments: list[str]) -> None:
    listed = re.findall(r"make (\S+) +\S", make(tmp_path, *arguments).stdout)
    assert set(listed) == TARGETS


@pytest.mark.parametrize(
    ("arguments", "variables", "port"),
    [
        ([], {}, "3000"),
        (["PORT=4000"], {}, "4000"),
        ([], {"PORT": "4001"}, "4001"),
        ([], {"PORTAL_PORT": "4002"}, "4002"),
        (["PORT=4003"], {"PORTAL_PORT": "4002"}, "4003"),
    ],
)
def test_the_port_can_be_said_in_each_usual_way(
    installed: Path, arguments: list[str], variables: dict[str, str], port: str
) -> None:
    assert f"PORTAL_PORT={port} " in make(installed, "--dry-run", "run", *arguments, **variables).stdout


def test_nothing_is_installed_twice(installed: Path) -> None:
    assert "pip install" not in make(installed, "--dry-run", "install").stdout


def test_changed_requirements_are_installed(installed: Path) -> None:
    os.utime(installed / "requirements.txt", (2**32, 2**32))
    assert "pip install" in make(installed, "--dry-run", "install").stdout


def test_a_half_made_environment_is_made_again(installed: Path) -> None:
    (installed / ".venv" / "bin" / "pip").unlink()
    (installed / ".venv" / "installed").unlink()
    assert "-m venv --clear .venv" in make(installed, "--dry-run", "install").stdout


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    answer = make(tmp_path, "install", "PYTHON=false")
    assert answer.returncode != 0
    assert answer.stderr.startswith("Python 3.11 or newer is needed")
    assert not (tmp_path / ".venv").exists()


def test_make_test_does_lint_types_and_the_whole_suite(installed: Path) -> None:
    commands = make(installed, "--dry-run", "test").stdout
    assert re.search(r"ruff check \.\n.*-m mypy\n.*-m pytest", commands, re.DOTALL)


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes please\n"])
def test_clean_keeps_the_data_unless_told_otherwise(tmp_path: Path, answer: str) -> None:
    (tmp_path / ".portal" / "postgres").mkdir(parents=True)
    (tmp_path / ".venv").mkdir()
    done = make(tmp_path, "clean", answer=answer)
    assert done.returncode == 0
    assert (tmp_path / ".portal" / "postgres").exists()
    assert not (tmp_path / ".venv").exists()


def test_clean_deletes_the_data_when_told_to(tmp_path: Path) -> None:
    (tmp_path / ".portal" / "postgres").mkdir(parents=True)
    assert "database, keys and files" in make(tmp_path, "clean", answer="y\n").stdout
    assert not (tmp_path / ".portal").exists()


def test_clean_asks_nothing_where_there_are_no_data(tmp_path: Path) -> None:
    assert make(tmp_path, "clean").stdout == ""


def test_every_requirement_is_pinned_and_says_what_it_is_for() -> None:
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line and not line.startswith(("#", "-r"))
    ]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+(; [^#]+)? +# \S.+", line)] == []


@pytest.mark.parametrize("script", [".ci/run"])
def test_the_scripts_are_sound(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / script], capture_output=True).returncode == 0
