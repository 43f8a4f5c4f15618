"""The build of the pages: only when needed, from pinned packages, knowing no host."""

import json
import os
import re
from pathlib import Path

import pytest
from reflex_base.constants import PackageJson

from tenant_portal import frontend_build
from tenant_portal.ui.same_origin import same_origin

LOCK = frontend_build.LOCK_FOLDER
TABLE = "var e={PING:`http://localhost:8000/ping`,EVENT:`ws://localhost:8000/_event`};export{e as t};"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small portal to be built."""
    for name in ("rxconfig.py", "assets/a.css", "tenant_portal/ui/page.py", "tenant_portal/embedded_postgres/x.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    return tmp_path


@pytest.mark.parametrize("name", ["rxconfig.py", "assets/a.css", "tenant_portal/ui/page.py"])
def test_a_changed_input_is_seen(tree: Path, name: str) -> None:
    before = frontend_build.fingerprint(tree)
    (tree / name).write_text("2")
    assert frontend_build.fingerprint(tree) != before


@pytest.mark.parametrize("name", ["assets/new.css", "tenant_portal/ui/new.py", "reflex.lock/package-lock.json"])
def test_a_new_input_is_seen(tree: Path, name: str) -> None:
    before = frontend_build.fingerprint(tree)
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).touch()
    assert frontend_build.fingerprint(tree) != before


@pytest.mark.parametrize("name", ["tenant_portal/embedded_postgres/x.py", "README.md", "tests/test_x.py"])
def test_what_no_page_uses_is_no_input(tree: Path, name: str) -> None:
    before = frontend_build.fingerprint(tree)
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("2")
    assert frontend_build.fingerprint(tree) == before


def test_a_renamed_input_is_seen(tree: Path) -> None:
    before = frontend_build.fingerprint(tree)
    (tree / "assets" / "a.css").rename(tree / "assets" / "b.css")
    assert frontend_build.fingerprint(tree) != before


@pytest.mark.parametrize("missing", ["PAGES", "STAMP"])
def test_pages_that_are_half_there_are_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(frontend_build, "PAGES", tmp_path / "client")
    monkeypatch.setattr(frontend_build, "STAMP", tmp_path / "inputs")
    (tmp_path / "client").mkdir()
    (tmp_path / "client" / "index.html").touch()
    (tmp_path / "inputs").write_text("abc")
    assert frontend_build.is_built("abc")
    (tmp_path / {"PAGES": "client/index.html", "STAMP": "inputs"}[missing]).unlink()
    assert not frontend_build.is_built("abc")


def test_pages_of_other_inputs_are_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontend_build, "PAGES", tmp_path)
    monkeypatch.setattr(frontend_build, "STAMP", tmp_path / "inputs")
    (tmp_path / "index.html").touch()
    (tmp_path / "inputs").write_text("abc")
    assert not frontend_build.is_built("abd")


def test_the_build_takes_node_from_the_wheel_and_never_fetches_bun() -> None:
    environment = frontend_build.build_environment()
    first = Path(environment["PATH"].split(os.pathsep)[0])
    assert (first / "node").exists()
    assert (first / "npm").exists()
    assert environment["REFLEX_USE_NPM"] == "1"


def test_the_build_honours_the_machines_own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "https://packages.example.com/npm/")
    assert frontend_build.build_environment()["NPM_CONFIG_REGISTRY"] == "https://packages.example.com/npm/"


def test_the_build_knows_nothing_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TWILIO_AUTH_TOKEN", "secret")
    assert [name for name in frontend_build.build_environment() if name.startswith("PORTAL_")] == []


def test_a_build_that_fails_shows_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rxconfig.py").write_text("raise RuntimeError('no such theme')")
    monkeypatch.setattr(frontend_build, "ROOT", tmp_path)
    monkeypatch.setattr(frontend_build, "STAMP", tmp_path / "inputs")
    with pytest.raises(frontend_build.FrontendBuildFailed, match="no such theme"):
        frontend_build.ensure(force=True)


def test_the_lock_names_no_host() -> None:
    packages = json.loads((LOCK / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)


def test_the_lock_is_of_the_pinned_reflex() -> None:
    packages = json.loads((LOCK / "package-lock.json").read_text())["packages"]
    pinned = {**PackageJson.DEPENDENCIES, **PackageJson.DEV_DEPENDENCIES}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in pinned} == {
        name: version.removeprefix("v") for name, version in pinned.items()
    }


def test_the_lock_is_npms_alone() -> None:
    assert sorted(path.name for path in LOCK.iterdir()) == ["package-lock.json", "package.json"]


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of one package."""
    monkeypatch.setattr(frontend_build, "ROOT", tmp_path)
    monkeypatch.setattr(frontend_build, "LOCK_FOLDER", tmp_path)
    path = tmp_path / "package.json"
    path.write_text('{"a": 1, "b": 2}')
    return path


def test_a_lock_that_was_only_shuffled_stays_as_it_was(lock_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with frontend_build._kept_lock_files():
        lock_file.write_text('{"b": 2,\n"a": 1}')
    assert lock_file.read_text() == '{"a": 1, "b": 2}'
    assert caplog.text == ""


def test_a_lock_with_another_package_is_kept_and_reported(lock_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with frontend_build._kept_lock_files():
        lock_file.write_text('{"a": 1, "b": 3}')
    assert lock_file.read_text() == '{"a": 1, "b": 3}'
    assert "Commit it" in caplog.text


def test_addresses_become_those_of_the_page() -> None:
    script = same_origin(TABLE)
    assert "PING:location.origin+`/ping`" in script
    assert "EVENT:location.origin.replace(/^http/,`ws`)+`/_event`" in script


@pytest.mark.parametrize("part", ["`ws://localhost:8000/", "`http://localhost:8000/"])
def test_a_table_that_looks_different_stops_the_build(part: str) -> None:
    with pytest.raises(RuntimeError, match="has the version of Reflex changed"):
        same_origin(TABLE.replace(part, "`//elsewhere/"))


def test_the_built_pages_call_no_fixed_address() -> None:
    frontend_build.ensure()
    files = [path for path in frontend_build.PAGES.rglob("*") if path.suffix in {".js", ".html"}]
    texts = [path.read_text(errors="replace") for path in files]
    assert texts
    assert [text for text in texts if re.search(r"(localhost|127\.0\.0\.1):\d", text)] == []
