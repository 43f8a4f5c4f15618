"""`make run`: starts everything, looks after it, and leaves nothing behind however it ends."""

import io
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from os import kill
from pathlib import Path
from time import monotonic

import httpx
import pytest
from rich.console import Console

from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.supervisor import Supervisor
from tests.embedded_postgres.processes import is_stopped, postmaster
from tests.running_portal import ROOT, RUN, RunningPortal, environment, eventually, free_ports, is_gone

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the first start, used by all."""
    return tmp_path_factory.mktemp("run") / "data"


@pytest.fixture(scope="module")
def portal(data_dir: Path) -> Iterator[RunningPortal]:
    """A portal after its first start."""
    portal = RunningPortal(data_dir).wait_until_ready()
    yield portal
    if portal.process.poll() is None:
        portal.stop()


def test_the_first_start_prints_the_address_and_how_to_sign_in(portal: RunningPortal) -> None:
    assert f"Open http://localhost:{portal.port}" in portal.output
    assert len(portal.sign_ins) == 3
    assert "Twilio is simulated" in portal.output


def test_the_printed_password_opens_the_portal(portal: RunningPortal) -> None:
    email, password = next(iter(portal.sign_ins.items()))
    with httpx.Client(base_url=portal.address, headers={"Origin": portal.address}) as browser:
        browser.get("/login")
        answer = browser.post("/auth/login", data={"email": email, "password": password})
    assert answer.status_code == httpx.codes.SEE_OTHER
    assert "httponly" in answer.headers["set-cookie"].lower()


def test_it_listens_on_loopback_only(portal: RunningPortal) -> None:
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {local for _, local, _, state, *_ in sockets if state == "0A"}
    for port in (portal.port, portal.port + 1):
        assert {address for address in listening if address.endswith(f":{port:04X}")} == {f"0100007F:{port:04X}"}


def test_nobody_else_can_look_into_the_data_folder(portal: RunningPortal) -> None:
    assert stat.S_IMODE(portal.data_dir.stat().st_mode) == 0o700


def test_the_processes_do_not_know_the_administrators_password(portal: RunningPortal) -> None:
    password = EmbeddedServer(portal.data_dir).files.password_file.read_text()
    for name in ("web", "worker", "twilio"):
        assert password not in Path(f"/proc/{portal.children()[name]}/environ").read_text()


@pytest.mark.parametrize("name", ["worker", "twilio", "web"])
def test_a_process_that_dies_is_started_again(portal: RunningPortal, name: str) -> None:
    before = portal.children()[name]
    kill(before, signal.SIGKILL)
    assert eventually(lambda: portal.children().get(name, before) != before)
    assert eventually(lambda: portal.status() == httpx.codes.OK, 30)
    assert f"{name} │ ended (signal SIGKILL), starts again" in portal.output


def test_a_database_that_dies_is_started_again(portal: RunningPortal) -> None:
    server = EmbeddedServer(portal.data_dir)
    before = postmaster(server)
    kill(before, signal.SIGKILL)
    assert eventually(lambda: server.is_running() and postmaster(server) != before)
    assert eventually(lambda: portal.status() == httpx.codes.OK)


def test_a_database_that_cannot_start_for_want_of_space_is_tried_again(tmp_path: Path) -> None:
    said = io.StringIO()
    supervisor = Supervisor(Console(file=said))
    supervisor.server = EmbeddedServer(tmp_path, fast=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        supervisor.server.start()
        kill(postmaster(supervisor.server), signal.SIGKILL)
        assert eventually(lambda: is_stopped(EmbeddedServer(tmp_path)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        supervisor._look_after_database()
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "File too large" in said.getvalue()
        supervisor._look_after_database()
        assert supervisor.server.is_running()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        supervisor.server.stop()


def test_a_busy_port_is_one_clear_sentence(portal: RunningPortal, tmp_path: Path) -> None:
    answer = subprocess.run(
        [*RUN, "--port", str(portal.port)], cwd=ROOT, env=environment(tmp_path, {}), capture_output=True, text=True
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"Port {portal.port} (PORTAL_PORT) is in use by another program")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORTAL_PORT": "many"}, "PORTAL_PORT: "),
        ({"PORTAL_TWILIO_AUTH_TOKEN": "x"}, "PORTAL_TWILIO_ACCOUNT_SID and PORTAL_TWILIO_AUTH_TOKEN must be set"),
        ({"PORTAL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "PORTAL_DATABASE_URL: connection failed"),
    ],
)
def test_a_bad_setting_is_one_clear_sentence(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    settings = {"PORTAL_PORT": str(free_ports()), **settings}
    answer = subprocess.run(RUN, cwd=ROOT, env=environment(tmp_path, settings), capture_output=True, text=True)
    assert answer.returncode == 2
    assert answer.stderr.startswith(sentence)
    assert len(answer.stderr.splitlines()) == 1


def test_ctrl_c_stops_everything_it_started(portal: RunningPortal, data_dir: Path) -> None:
    started, begin = portal.children(), monotonic()
    assert portal.stop(signal.SIGINT) == 0
    assert monotonic() - begin < 8
    assert all(is_gone(pid) for pid in started.values())
    assert is_stopped(EmbeddedServer(data_dir))


def test_after_a_violent_end_the_next_start_is_as_if_nothing_had_been(portal: RunningPortal, data_dir: Path) -> None:
    killed = RunningPortal(data_dir).wait_until_ready()
    started = killed.children()
    killed.stop(signal.SIGKILL)
    following = RunningPortal(data_dir, PORTAL_PORT=str(killed.port)).wait_until_ready()
    assert all(is_gone(pid) for pid in started.values())
    assert following.sign_ins == killed.sign_ins == portal.sign_ins
    assert following.stop(signal.SIGTERM) == 0


def test_killing_make_ends_what_make_started(data_dir: Path) -> None:
    portal = RunningPortal(data_dir, ["make", "run"]).wait_until_ready()
    portal.stop(signal.SIGKILL)
    assert eventually(lambda: is_stopped(EmbeddedServer(data_dir)), 30)
    assert portal.status() == 0
