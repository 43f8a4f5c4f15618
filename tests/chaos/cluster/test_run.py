"""`run` with several processes of each kind: one port, nothing refused while one starts again, and a real browser."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.chaos.cluster.conftest import WEB, WORKERS
from tests.cluster.servers import RedisServer, needs, running_redis
from tests.running_portal import ROOT, RunningPortal, environment, eventually

pytestmark = [pytest.mark.chaos, needs("redis-server"), pytest.mark.timeout(400)]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LOST = "text=The connection to the portal is lost"
REQUESTS = 60


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Of this file's portal."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def portal(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """Started by the one command."""
    running = RunningPortal(
        tmp_path_factory.mktemp("run") / "data",
        PORTAL_REDIS_URL=redis.url,
        PORTAL_WEB_WORKERS=str(WEB),
        PORTAL_WORKERS=str(WORKERS),
    ).wait_until_ready()
    yield running
    running.stop()


def _connections(pid: int) -> int:
    """Sockets that a process has open."""
    return sum(
        os.readlink(link).startswith("socket:") for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()
    )


def test_each_process_gets_its_share(portal: RunningPortal) -> None:
    assert (len(portal.pids("web")), len(portal.pids("worker"))) == (WEB, WORKERS)
    # One of them was enough for the portal to be ready.
    assert eventually(lambda: all(map(_connections, portal.pids("web"))), 60)
    with ExitStack() as stack:
        for _ in range(REQUESTS):
            stack.enter_context(socket.create_connection(("127.0.0.1", portal.port)))
        assert eventually(lambda: min(map(_connections, portal.pids("web"))) > REQUESTS // WEB // 3)


def test_nothing_is_refused_while_a_process_starts_again(portal: RunningPortal) -> None:
    before = set(portal.pids("web"))
    os.kill(min(before), signal.SIGKILL)
    # Each is a connection of its own: those dealt to the dead process wait for its successor.
    answers = [httpx.get(f"http://127.0.0.1:{portal.port}/healthz", timeout=60) for _ in range(REQUESTS)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(set(portal.pids("web")) & before) == WEB - 1
    assert len(portal.pids("web")) == WEB


def test_the_two_tenant_check_finds_no_way_over_several_processes(portal: RunningPortal, redis: RedisServer) -> None:
    settings = {"PORTAL_PORT": str(portal.port), "PORTAL_REDIS_URL": redis.url, "PORTAL_WEB_WORKERS": str(WEB)}
    command = [sys.executable, "-m", "tenant_portal", "simulate", "--json"]
    checked = subprocess.run(
        command, cwd=ROOT, env=environment(portal.data_dir, settings), capture_output=True, text=True, timeout=350
    )
    report = json.loads(checked.stdout)
    assert (checked.returncode, report["tight"], report["counts"]["leak"], report["counts"]["error"]) == (0, True, 0, 0)
    assert report["counts"]["pass"] > 200


def test_more_web_processes_without_redis_are_refused_with_a_sentence(tmp_path: Path) -> None:
    portal = RunningPortal(tmp_path, PORTAL_WEB_WORKERS="2")
    assert portal.process.wait(30) == 2
    assert eventually(lambda: portal.output)
    portal.stop()
    assert portal.lines[-1] == "PORTAL_WEB_WORKERS: more than one web process needs PORTAL_REDIS_URL"


@pytest.fixture
def page(portal: RunningPortal) -> Iterator[Page]:
    """A client in front of the inbox."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
        opened.goto(f"{portal.address}/login")
        email = next(address for address in portal.sign_ins if address.startswith("alice"))
        opened.fill("#email", email)
        opened.fill("#password", portal.sign_ins[email])
        opened.click("button[type=submit]")
        opened.wait_for_selector("main h1")
        yield opened
        browser.close()


def test_a_page_says_that_redis_is_lost_and_heals(page: Page, portal: RunningPortal, redis: RedisServer) -> None:
    page.goto(f"{portal.address}/leads")
    expect(page.locator(".skeleton")).to_have_count(0, timeout=15_000)
    redis.stop()
    page.wait_for_selector(LOST, timeout=10_000)
    redis.start()
    page.wait_for_selector(LOST, state="detached", timeout=15_000)
    page.click("nav a:has-text('Channels') >> visible=true")
    expect(page.locator("main h1").first).to_have_text("Channels")
    expect(page.locator(".skeleton")).to_have_count(0, timeout=15_000)
