"""Who may reach the server, from where, and what it writes down."""

import os
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tenant_portal.embedded_postgres import EmbeddedServer, cluster
from tests.embedded_postgres.processes import ask, eventually, postmaster

CANARY = "CANARY-4f1c"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another user's place")


@pytest.fixture
def long_dir(made: Path, tmp_path: Path) -> Path:
    """A folder whose path is longer than a socket's may be."""
    folder = tmp_path / ("x" * 60) / ("y" * 60)
    folder.mkdir(parents=True)
    subprocess.run(["cp", "-a", made, folder / "data"], check=True)
    return folder / "data"


def test_nobody_gets_in_without_the_password(server: EmbeddedServer) -> None:
    parts = urlsplit(server.admin_url)
    for login in ("postgres@", "postgres:wrong@"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            ask(parts._replace(netloc=login).geturl())


def test_the_password_is_readable_by_its_owner_only(server: EmbeddedServer) -> None:
    assert stat.S_IMODE(server.files.password_file.stat().st_mode) == 0o600
    assert len(server.files.password_file.read_text()) >= 32


def test_the_server_listens_on_no_network(server: EmbeddedServer) -> None:
    assert ask(server.admin_url, "show listen_addresses") == ""
    assert "ssl" not in Path(f"/proc/{postmaster(server)}/net/tcp").read_text()


@pytest.mark.parametrize("folder", ["data_dir", "long_dir"])
def test_the_socket_is_in_a_folder_of_its_own_user(request: pytest.FixtureRequest, folder: str) -> None:
    with EmbeddedServer(request.getfixturevalue(folder), fast=True) as server:
        place = cluster.socket_folder(server.files)
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert stat.S_IMODE((place / cluster.SOCKET_NAME).stat().st_mode) == 0o700
        assert len(str(place / cluster.SOCKET_NAME)) <= cluster.LONGEST_SOCKET_PATH


@needs_root
@pytest.mark.parametrize("folder", ["data_dir", "long_dir"])
def test_another_system_user_cannot_reach_the_socket(request: pytest.FixtureRequest, folder: str) -> None:
    with EmbeddedServer(request.getfixturevalue(folder), fast=True) as server:
        place = cluster.socket_folder(server.files)
        seen = subprocess.run(["ls", place], user="nobody", capture_output=True, text=True)
        assert "Permission denied" in seen.stderr


def test_a_long_path_works_and_keeps_its_address_over_a_restart(long_dir: Path) -> None:
    with EmbeddedServer(long_dir, fast=True) as server:
        before = server.admin_url
        assert ask(before) == 1
    with EmbeddedServer(long_dir, fast=True) as server:
        assert server.admin_url == before


def test_a_socket_folder_that_somebody_else_has_put_there_is_not_used(long_dir: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    trap.chmod(0o777)
    server = EmbeddedServer(long_dir, fast=True)
    server.files.socket_choice.write_text(str(trap))
    with server:
        assert cluster.socket_folder(server.files) != trap
        assert ask(server.admin_url) == 1


def test_a_path_with_odd_characters_works(made: Path, tmp_path: Path) -> None:
    odd = tmp_path / "it's a \"folder\", 100% ünïcode"
    subprocess.run(["cp", "-a", made, odd], check=True)
    with EmbeddedServer(odd, fast=True) as server:
        assert ask(server.admin_url, "select length('ü')") == 1


def test_a_relative_path_means_the_folder_of_its_start(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data_dir.parent)
    with EmbeddedServer(Path("data"), fast=True) as server:
        monkeypatch.chdir("/")
        assert ask(server.start()) == 1


def test_no_secret_of_the_portal_is_in_the_servers_environment(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_SECRET_KEYS", CANARY)
    monkeypatch.setenv("PGPORT", "1")
    with EmbeddedServer(data_dir, fast=True) as server:
        environment = Path(f"/proc/{postmaster(server)}/environ").read_text()
        assert CANARY not in environment
        assert "PGPORT" not in environment


def test_the_log_holds_neither_statements_nor_values(server: EmbeddedServer) -> None:
    for question in (
        f"select '{CANARY}'::int", f"selekt {CANARY}", f"do $$ begin raise warning '{CANARY}'; end $$",
        f"create table t (n text unique); insert into t values ('{CANARY}'), ('{CANARY}')",
    ):  # fmt: skip
        with pytest.raises((psycopg.Error, AssertionError)):
            ask(server.admin_url, question)
    with psycopg.connect(server.admin_url) as victim, pytest.raises(psycopg.OperationalError):
        kill = f"copy (select 1) to program 'kill -9 $PPID # {CANARY}'"
        victim.execute(kill.encode())
    assert eventually(lambda: server.is_running() and "terminated by signal 9" in _log(server))
    assert CANARY not in _log(server)


def _log(server: EmbeddedServer) -> str:
    files = [server.files.start_log, *(server.files.cluster / "log").iterdir()]
    return "\n".join(file.read_text() for file in files)


def test_the_log_is_rotated_and_private(server: EmbeddedServer) -> None:
    assert ask(server.admin_url, "show log_rotation_age") == "1d"
    assert ask(server.admin_url, "show log_truncate_on_rotation") == "on"
    assert {stat.S_IMODE(file.stat().st_mode) for file in (server.files.cluster / "log").iterdir()} == {0o600}
    assert stat.S_IMODE(server.files.start_log.stat().st_mode) == 0o600


@pytest.mark.parametrize(("fast", "expected"), [(False, "on"), (True, "off")])
@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_only_tests_give_durability_up(data_dir: Path, fast: bool, expected: str, setting: str) -> None:
    with EmbeddedServer(data_dir, fast=fast) as server:
        assert ask(server.admin_url, f"show {setting}") == expected


def test_names_sort_the_same_on_every_machine(server: EmbeddedServer) -> None:
    assert ask(server.admin_url, "select datlocale from pg_database where datlocprovider = 'b' limit 1") == "C.UTF-8"
    assert ask(server.admin_url, "select upper('élan')") == "ÉLAN"


def test_the_servers_processes_are_not_in_the_terminals_session(server: EmbeddedServer) -> None:
    assert os.getsid(postmaster(server)) != os.getsid(0)
