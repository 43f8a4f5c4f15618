"""PostgreSQL refuses to run as root. Root's server runs all the same, on closed paths, and nothing is opened for it."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tenant_portal.embedded_postgres import EmbeddedServer, account, cluster
from tenant_portal.embedded_postgres.account import Account
from tenant_portal.errors import SettingsError
from tests.embedded_postgres.processes import ROOT, User, ask, postmaster, status

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has these problems")
CAPABILITIES = {"own": 0, "read": 1 << 2, "override": 1 << 1, "namespace": 0}
NOBODY = 65534


def _can_make_namespaces() -> bool:
    return subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode == 0


@pytest.fixture(params=account.ROOT_WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way around, alone."""
    if request.param == "namespace" and not _can_make_namespaces():
        pytest.skip("this machine forbids user namespaces")
    monkeypatch.setattr(account, "ROOT_WAYS", (request.param,))
    return request.param


@pytest.fixture
def open_dir(made: Path) -> Path:
    """A data folder that everybody may enter, on a path that everybody may walk."""
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    folder.chmod(0o755)
    subprocess.run(["cp", "-a", made / "postgres", folder], check=True)
    yield folder
    subprocess.run(["rm", "-r", folder], check=True)


@pytest.fixture
def closed_binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel's files in a folder that only root may enter, as in a virtual environment below /root."""
    copy = tmp_path / "venv"
    copy.mkdir(mode=0o700)
    package = cluster.binaries().parents[1]
    subprocess.run(["cp", "-a", package, package.with_suffix(".libs"), copy], check=True)
    monkeypatch.setattr(cluster, "binaries", lambda: copy / package.name / "pginstall18" / "bin")
    return copy


def test_each_way_runs_the_server_without_roots_power(way: str, open_dir: Path) -> None:
    with EmbeddedServer(open_dir, fast=True) as server:
        assert ask(server.admin_url) == 1
        seen = status(postmaster(server))
        assert int(seen["CapEff"], 16) == CAPABILITIES[way]
        assert (seen["Uid"].split()[1] == "0") == (way == "namespace")


def test_binaries_and_data_may_be_where_only_root_may_go(
    way: str, data_dir: Path, closed_binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.parent.chmod(0o700)
    if way == "own":
        with pytest.raises(SettingsError, match="does not run as root"):
            EmbeddedServer(data_dir, fast=True).start()
        return
    with EmbeddedServer(data_dir, fast=True) as server:
        assert ask(server.admin_url, "select now() at time zone 'Europe/Berlin'")
        ask(server.admin_url, "do $$ begin null; end $$; select 1")


def test_a_first_start_works_each_way(way: str, tmp_path: Path) -> None:
    if way == "own":
        pytest.skip("needs a path that is open for all; the suite's is not")
    with EmbeddedServer(tmp_path, fast=True) as server:
        assert ask(server.admin_url) == 1


def test_no_folder_above_changes_its_mode(data_dir: Path) -> None:
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in data_dir.parents}
    with EmbeddedServer(data_dir, fast=True):
        assert {folder: stat.S_IMODE(folder.stat().st_mode) for folder in data_dir.parents} == before


def test_the_least_power_that_is_enough_is_taken(open_dir: Path, data_dir: Path) -> None:
    if _is_open(cluster.binaries()):
        assert account.choose(open_dir / "postgres", cluster.binaries()).way == "own"
    data_dir.chmod(0o700)
    assert account.choose(data_dir / "postgres", cluster.binaries()).way == "read"


def _is_open(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


@pytest.mark.parametrize(
    ("dropped", "expected"),
    [("-dac_read_search", 1 << 1), ("-dac_read_search,-dac_override", 0), ("-setuid", 0), ("-chown", 0)],
    ids=["as in Docker", "no way to read", "no other user", "files cannot be given away"],
)
def test_what_a_container_forbids_is_gone_around(data_dir: Path, dropped: str, expected: int) -> None:
    if expected == 0 and not _can_make_namespaces():
        pytest.skip("this machine forbids user namespaces")
    _give_back_to_root(data_dir)
    user = User(data_dir, prefix=["setpriv", f"--bounding-set={dropped}"])
    user.url()
    assert int(status(postmaster(EmbeddedServer(data_dir)))["CapEff"], 16) == expected
    user.kill()


def _give_back_to_root(folder: Path) -> None:
    subprocess.run(["chown", "-R", "root:root", folder], check=True)


def test_where_no_way_is_left_one_sentence_says_what_to_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "ROOT_WAYS", ())
    with pytest.raises(SettingsError, match="start the portal as another user, or set PORTAL_DATABASE_URL"):
        EmbeddedServer(data_dir, fast=True).start()


def test_the_files_follow_when_the_way_changes(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for way in ("read", "namespace", "override") if _can_make_namespaces() else ("read", "override"):
        monkeypatch.setattr(account, "ROOT_WAYS", (way,))
        with EmbeddedServer(data_dir, fast=True) as server:
            assert ask(server.admin_url) == 1


def test_a_change_of_owner_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").touch()
    os.chown(tmp_path / "a", 4711, 4711)
    Account("own", 4711).give(tmp_path)
    assert {path.stat().st_uid for path in [tmp_path, *tmp_path.rglob("*")]} == {4711}


def test_two_system_users_run_servers_side_by_side(server: EmbeddedServer, data_dir: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(exist_ok=True)
    os.chown(theirs, NOBODY, NOBODY)
    user = User(theirs, prefix=_as_nobody())
    assert ask(user.url()) == 1
    assert ask(server.admin_url) == 1
    user.kill()


def test_a_folder_of_another_user_is_refused_in_one_sentence(data_dir: Path) -> None:
    subprocess.run(["chmod", "-R", "a+rwX", data_dir], check=True)
    user = User(data_dir, prefix=_as_nobody())
    assert "belongs to another user" in user.errors()


def _as_nobody() -> list[str]:
    """Able to read everything, as the interpreter may be below /root, and to change nothing."""
    return Account("read", NOBODY).command(["/usr/bin/env", f"PYTHONPATH={ROOT}"])
