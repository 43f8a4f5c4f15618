"""Two web processes behind the shipped Caddyfile, restarted one after the other under a stream of signed webhooks."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from tenant_portal.twilio_gateway.signatures import sign
from tests.cast import Cast, Company
from tests.webhook_client import FORM, address, text_message

ROOT = Path(__file__).resolve().parents[3]
CADDY = shutil.which("caddy")
DRAIN_SECONDS = 1.5
START_SECONDS = 60
SENDERS = 6
PAUSE_SECONDS = 0.1

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(CADDY is None, reason="needs caddy on the PATH (apt-get install caddy)"),
]


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes to `log`, ended with the block."""
    with log.open("ab") as output:
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@dataclass
class Web:
    """One web process, which can be restarted."""

    port: int
    environment: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it as deploy/ does; `ready` waits for it."""
        command = [sys.executable, "-m", "tenant_portal", "web"]
        environment = self.environment | {"PORTAL_PORT": str(self.port)}
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)

    async def ready(self) -> None:
        """Return once it can serve."""
        until = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            while time.monotonic() < until:
                assert self.running is not None
                assert self.running.poll() is None, self.log.read_text()
                with suppress(httpx.TransportError):
                    if (await http.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise AssertionError(f"It did not become ready.\n{self.log.read_text()}")

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.running
        self.running.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.running.wait, 20)


@dataclass
class Stream:
    """Signed webhooks, one after the other, and what each was answered."""

    origin: str
    companies: tuple[Company, Company]
    answers: dict[str, int | str] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, http: httpx.AsyncClient, company: Company) -> None:
        """One message; its answer is kept under its SID."""
        form, url = text_message(company), f"{self.origin}{address('sms', company)}"
        headers = {"Content-Type": FORM, "X-Twilio-Signature": sign(url, list(form.items()), company.auth_token)}
        try:
            answer = await http.post(url, content=urlencode(form).encode(), headers=headers)
            self.answers[form["MessageSid"]] = answer.status_code
        except httpx.TransportError as error:
            self.answers[form["MessageSid"]] = type(error).__name__

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send as long as the block lasts; every request that was begun is answered after it."""
        async with httpx.AsyncClient(trust_env=False, timeout=15) as http, asyncio.TaskGroup() as group:
            for number in range(SENDERS):
                group.create_task(self._sender(http, self.companies[number % 2]))
            try:
                yield
            finally:
                self.over.set()

    async def has_answered(self, count: int) -> None:
        """Return after so many more answers."""
        wanted, until = len(self.answers) + count, time.monotonic() + START_SECONDS
        while len(self.answers) < wanted:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)

    async def _sender(self, http: httpx.AsyncClient, company: Company) -> None:
        while not self.over.is_set():
            await self.send(http, company)
            await asyncio.sleep(PAUSE_SECONDS)


@pytest.fixture
def webs(database: str, tmp_path: Path) -> Iterator[tuple[Web, Web, str]]:
    """Two web processes, not started yet, and the address of the proxy in front of them."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    settings = {
        "PORTAL_PUBLIC_URL": origin,
        "PORTAL_DATABASE_APP_URL": database,
        "PORTAL_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "false",
    }
    first, second = (Web(free_port(), os.environ | settings, tmp_path / f"web-{name}.log") for name in (1, 2))
    caddy = os.environ | {
        "HOME": str(tmp_path),
        "CADDY_ADMIN": "off",
        "PORTAL_SITE": origin,
        "PORTAL_UPSTREAMS": f"127.0.0.1:{first.port} 127.0.0.1:{second.port}",
        "PORTAL_HEALTH_INTERVAL": "250ms",
    }
    command = [str(CADDY), "run", "--config", str(ROOT / "deploy" / "Caddyfile"), "--adapter", "caddyfile"]
    try:
        with process(command, caddy, tmp_path / "caddy.log"):
            yield first, second, origin
    finally:
        for web in (first, second):
            if web.running:
                web.running.kill()
                web.running.wait()


def stored(admin_url: str, company: Company) -> set[str]:
    """SIDs of the messages that this client has."""
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute("select provider_sid from message where tenant_id = %s", (company.tenant_id,))
        return {row[0] for row in rows}


async def test_a_rolling_restart_refuses_and_loses_nothing(
    webs: tuple[Web, Web, str], cast: Cast, admin_url: str, turn: int, say: Callable[[str], None]
) -> None:
    first, second, origin = webs
    first.start()
    second.start()
    await asyncio.gather(first.ready(), second.ready())
    stream = Stream(origin, (cast.acme, cast.globex))
    async with stream.running():
        await stream.has_answered(50)
        for web in (first, second):
            assert await web.stop() == 0
            web.start()
            await web.ready()
            await stream.has_answered(50)

    failed = {sid: answer for sid, answer in stream.answers.items() if answer != 200}
    say(f"rolling restart behind Caddy: {len(stream.answers):,} sent, {len(failed)} without a 200")
    assert failed == {}
    assert stored(admin_url, cast.acme) | stored(admin_url, cast.globex) == set(stream.answers)
    assert stored(admin_url, cast.acme).isdisjoint(stored(admin_url, cast.globex))


async def test_the_proxys_log_holds_no_token(webs: tuple[Web, Web, str], tmp_path: Path) -> None:
    secrets = [f"canary{number}" for number in range(4)]
    headers = {"Cookie": f"portal_session={secrets[0]}", "Referer": f"{webs[2]}/invitation/{secrets[1]}"}
    # Nobody listens behind the proxy, so that its log of errors is looked at as well.
    transport = httpx.AsyncHTTPTransport(retries=5)
    async with httpx.AsyncClient(base_url=webs[2], headers=headers, transport=transport, timeout=15) as http:
        paths = f"/_event?token={secrets[2]}", f"/invitation/{secrets[3]}"
        answers = await asyncio.gather(*map(http.get, paths))
        assert all(answer.is_server_error for answer in answers)
    log = (tmp_path / "caddy.log").read_text()
    assert '"uri":"/_event?…"' in log
    assert '"logger":"http.log.error"' in log
    assert [secret for secret in secrets if secret in log] == []
