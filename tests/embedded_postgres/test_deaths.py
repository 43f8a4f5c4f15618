"""Whatever dies, and whenever: the next start works, and nothing keeps running that nobody uses."""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from tenant_portal.embedded_postgres import EmbeddedServer, cluster
from tenant_portal.embedded_postgres import server as server_module
from tenant_portal.errors import PortalError, SettingsError
from tests.embedded_postgres.processes import (
    User,
    ask,
    eventually,
    is_stopped,
    parent,
    postmaster,
    status,
)

PR_SET_CHILD_SUBREAPER = 36


@pytest.mark.parametrize("seconds", [0.1, 0.25, 0.4, 0.55, 0.7, 0.9])
def test_a_first_start_that_is_killed_does_not_spoil_the_folder(tmp_path: Path, seconds: float) -> None:
    user = User(tmp_path)
    time.sleep(seconds)
    user.kill_group()
    with EmbeddedServer(tmp_path, fast=True) as server:
        assert ask(server.admin_url) == 1


@pytest.mark.parametrize("seconds", [0.35])
def test_neither_does_one_whose_starter_alone_is_killed(tmp_path: Path, seconds: float) -> None:
    user = User(tmp_path)
    time.sleep(seconds)
    user.kill()
    with EmbeddedServer(tmp_path, fast=True) as server:
        assert ask(server.admin_url) == 1


def test_what_a_killed_first_start_left_behind_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / "postgres" / "new-abc"
    (leftover / "cluster").mkdir(parents=True)
    with EmbeddedServer(tmp_path, fast=True) as server:
        assert not leftover.exists()
        assert ask(server.admin_url, "select datname from pg_database where datname = 'postgres'") == "postgres"


@pytest.mark.parametrize(
    "content",
    ["", "12", "4711\n/nowhere\n", "not a number\n", "{me}\n{folder}\n1\n5432\n{socket}\n\n1 1\nready   \n"],
    ids=["empty", "half a number", "half a file", "nonsense", "a pid that another process has now"],
)
def test_a_stale_pid_file_does_not_matter(data_dir: Path, content: str) -> None:
    server = EmbeddedServer(data_dir, fast=True)
    text = content.format(me=os.getpid(), folder=server.files.cluster, socket=server.files.socket_folder)
    server.files.pid_file.write_text(text)
    with server:
        assert ask(server.admin_url) == 1


def test_a_dead_server_that_nobody_reaped_is_not_taken_for_a_living_one(server: EmbeddedServer) -> None:
    # Orphans come to this process, which does not look after them: like a container whose first process reaps nobody.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    pid = postmaster(server)
    keeper = parent(pid)
    os.kill(keeper, signal.SIGSTOP)
    # A signal takes its time, in which the keeper would reap the server.
    assert eventually(lambda: status(keeper)["State"].startswith("T"))
    os.kill(pid, signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    try:
        assert eventually(lambda: is_stopped(server))
        assert status(pid)["State"].startswith("Z")
        assert ask(server.start()) == 1
    finally:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        os.waitpid(pid, 0)


def test_the_process_that_had_a_server_gets_it_back_after_its_death(server: EmbeddedServer) -> None:
    before = server.admin_url
    os.kill(postmaster(server), signal.SIGKILL)
    assert eventually(lambda: not server.is_running())
    assert server.start() == before
    assert ask(before) == 1


def test_what_was_committed_survives_the_death_of_every_process(data_dir: Path) -> None:
    with EmbeddedServer(data_dir) as server:
        ask(server.admin_url, "create table kept (n int); insert into kept select generate_series(1, 500); select 1")
        os.kill(parent(postmaster(server)), signal.SIGSTOP)
        processes = [postmaster(server), *_children(postmaster(server)), parent(postmaster(server))]
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: is_stopped(server))
        assert ask(server.start(), "select count(*) from kept") == 500


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_server_without_keeper_stops_itself_and_comes_back(server: EmbeddedServer) -> None:
    before = server.admin_url
    os.kill(parent(postmaster(server)), signal.SIGKILL)
    assert eventually(lambda: is_stopped(server))
    assert server.start() == before


def test_a_start_waits_as_long_as_recovery_takes(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = EmbeddedServer(data_dir, fast=True)
    # Recovery from an archive that takes its time; replaying gigabytes would take the suite's.
    slow = "hot_standby = off\nrestore_command = 'sleep 1; false'\n"
    (server.files.cluster / "recovery.signal").touch()
    (server.files.cluster / "postgresql.auto.conf").write_text(slow)
    monkeypatch.setattr(server_module, "NOTICE", 0.5)
    begin = time.monotonic()
    with server:
        assert time.monotonic() - begin > 0.9
        assert ask(server.admin_url, "select pg_is_in_recovery()") is False
    assert "replaying its log" in caplog.text


def test_one_users_violent_death_leaves_the_server_to_the_others(server: EmbeddedServer, data_dir: Path) -> None:
    other = User(data_dir)
    assert other.url() == server.admin_url
    other.kill()
    assert ask(server.admin_url) == 1
    server.stop()
    assert is_stopped(server)


def test_the_server_outlives_the_user_that_started_it(data_dir: Path) -> None:
    first, server = User(data_dir), EmbeddedServer(data_dir, fast=True)
    first.url()
    with server:
        first.kill()
        assert ask(server.admin_url) == 1
    assert is_stopped(server)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_last_users_death_stops_the_server(data_dir: Path, number: int) -> None:
    user = User(data_dir)
    user.url()
    user.kill(number)
    assert eventually(lambda: is_stopped(EmbeddedServer(data_dir)))


def test_eight_processes_may_start_a_fresh_folder_at_once(tmp_path: Path) -> None:
    users = [User(tmp_path) for _ in range(8)]
    urls = {user.url() for user in users}
    assert len(urls) == 1
    assert ask(urls.pop()) == 1
    for user in users:
        user.kill()
    assert eventually(lambda: is_stopped(EmbeddedServer(tmp_path)))


def test_a_server_started_by_hand_on_the_folder_is_not_disturbed(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, fast=True)
    stranger = subprocess.Popen(["sleep", "60"], cwd=server.files.cluster)
    try:
        server.files.pid_file.write_text(f"{stranger.pid}\n")
        with pytest.raises(SettingsError, match=f"process {stranger.pid}"):
            server.start()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, fast=True)
    (server.files.cluster / "global" / "pg_control").unlink()
    with pytest.raises(PortalError, match=r"did not start: .*pg_control"):
        server.start()


def test_data_of_another_version_are_refused_in_one_sentence(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, fast=True)
    (server.files.cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(SettingsError, match="made by PostgreSQL 16"):
        server.start()


def test_stopping_twice_and_starting_twice_are_harmless(server: EmbeddedServer) -> None:
    assert server.start() == server.start()
    server.stop()
    server.stop()
    assert is_stopped(server)


def test_a_stopped_server_takes_no_connection(server: EmbeddedServer) -> None:
    url = server.admin_url
    server.stop()
    assert not server.is_running()
    with pytest.raises(psycopg.OperationalError):
        ask(url)


def test_dumps_can_be_made_with_the_wheels_own_tools(server: EmbeddedServer) -> None:
    command = [cluster.binaries() / "pg_dump", server.admin_url]
    assert "PostgreSQL database dump" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
