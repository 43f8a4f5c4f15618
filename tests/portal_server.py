"""The real web process on a port of its own, and a browser tab as an attacker would write one."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import socketio

from tests.cast import PASSWORD, Someone

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "/_event"
STATE = "reflex___state____state"
COOKIE = "portal_session"
PULSE = "tests___ui___attack_app____pulse_state"
START_SECONDS = 40.0
SILENCE_SECONDS = 0.6


@dataclass
class Portal:
    """A running web process: `origin` is how the portal calls itself, `address` where this process is reached."""

    origin: str
    database_url: str
    log: Path
    address: str
    process: subprocess.Popen[Any]
    cookies: dict[str, str] = field(default_factory=dict)

    def http(self, cookie: str = "", *, origin: str | None = None) -> httpx.Client:
        """A client that follows nothing; `origin` defaults to the portal's own, empty sends none."""
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        if sent := self.origin if origin is None else origin:
            headers["Origin"] = sent
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, timeout=20)

    def sign_in(self, who: Someone, password: str = PASSWORD) -> str:
        """The session token of a fresh sign-in."""
        with self.http() as http:
            answer = http.post("/auth/login", data={"email": who.email, "password": password})
        assert answer.status_code == 303, answer.text
        return answer.cookies[COOKIE]

    def session(self, who: Someone) -> str:
        """The session token of a sign-in that tests share; they do not end it."""
        if who.email not in self.cookies:
            self.cookies[who.email] = self.sign_in(who)
        return self.cookies[who.email]

    def logged(self) -> str:
        """Everything the process has logged so far."""
        return self.log.read_text()


@contextlib.contextmanager
def running_portal(
    database_url: str, log: Path, *, factory: str = "tenant_portal.asgi:create", with_pages: bool = False
) -> Iterator[Portal]:
    """The web process, as its own process, on a free port; ready when this returns."""
    mounted = {"__REFLEX_MOUNT_FRONTEND_COMPILED_APP": str(with_pages).lower()}
    portal = launch(database_url, log, factory=factory, settings=mounted)
    try:
        wait_until_ready(portal)
        yield portal
    finally:
        end(portal)


def launch(
    database_url: str,
    log: Path,
    *,
    factory: str = "tenant_portal.asgi:create",
    address: str = "",
    origin: str = "",
    settings: Mapping[str, str],
) -> Portal:
    """A web process that is about to start, at `address` or on a free port; it calls itself `origin` or by that."""
    address = address or free_address()
    environment = os.environ | {
        "PORTAL_PORT": address.rpartition(":")[2],
        "PORTAL_PUBLIC_URL": origin or address,
        "PORTAL_DATABASE_APP_URL": database_url,
        "REFLEX_TELEMETRY_ENABLED": "false",
        **settings,
    }
    port = environment["PORTAL_PORT"]
    command = [sys.executable, "-m", "uvicorn", factory, "--factory", "--host", "127.0.0.1", "--port", port]
    with log.open("a") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    return Portal(origin or address, database_url, log, address, process)


def end(portal: Portal) -> None:
    """Ask it to stop, and see to it."""
    portal.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        portal.process.wait(10)
    portal.process.kill()
    portal.process.wait()


def free_address() -> str:
    """Of a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def wait_until_ready(portal: Portal, seconds: float = START_SECONDS) -> None:
    """Return when it serves; AssertionError with its log if it does not come to that."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError), portal.http() as http:
            if http.get("/readyz").status_code == 200:
                return
        assert portal.process.poll() is None, portal.logged()
        time.sleep(0.1)
    raise AssertionError(f"The portal did not become ready.\n{portal.logged()}")


def name_of(state: str, handler: str = "") -> str:
    """Full name of a state, or of a handler of it, as a browser sends it."""
    full = f"{STATE}.{state}" if state else STATE
    return f"{full}.{handler}" if handler else full


@dataclass
class Tab:
    """A browser tab without a browser: it sends what it likes."""

    client: socketio.AsyncClient
    token: str
    received: list[dict[str, Any]] = field(default_factory=list)
    new_token: str = ""
    beats: int = 0

    def take(self, update: dict[str, Any]) -> None:
        """An update has come; the answer to our own pulse is noted and left out."""
        delta = update.get("delta") or {}
        pulse = delta.pop(name_of(PULSE), None)
        if pulse is not None:
            self.beats = max(self.beats, pulse.get("beats_rx_state_", 0))
        if pulse is None or delta or update.get("events"):
            self.received.append(update)

    async def send(self, event: str, payload: Any = None, **router: Any) -> None:
        """One event, as state.js would send it."""
        data = {
            "name": event,
            "payload": {} if payload is None else payload,
            "router_data": {"pathname": "/", **router},
        }
        await self.client.emit("event", data, namespace=NAMESPACE)

    async def call(self, event: str, payload: Any = None, **router: Any) -> str:
        """Send an event and wait for what follows; everything received since, as one text."""
        before = len(self.received)
        await self.send(event, payload, **router)
        await self.settled()
        return repr(self.received[before:])

    async def settled(self) -> None:
        """Wait until everything sent so far is dealt with: events of one tab are handled in their order.

        Twice, since a handler's own follow-up queues behind the first pulse. A tab whose session has ended gets none;
        there, a silence of half a second must do.
        """
        await self._pulse()
        await self._pulse()

    async def _pulse(self) -> None:
        beats = self.beats
        await self.send(name_of(PULSE, "beat"))
        seen, since = len(self.received), time.monotonic()
        while self.beats == beats and self.client.connected and time.monotonic() - since < SILENCE_SECONDS:
            await asyncio.sleep(0.01)
            if seen != len(self.received):
                seen, since = len(self.received), time.monotonic()

    async def quiet(self, seconds: float = 0.1) -> None:
        """Wait until nothing has come for a while."""
        seen = -1
        while seen != len(self.received):
            seen = len(self.received)
            await asyncio.sleep(seconds)

    async def closed(self, within: float) -> bool:
        """Whether the server closes the socket in this time."""
        until = time.monotonic() + within
        while self.client.connected and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return not self.client.connected

    @property
    def all(self) -> str:
        """Everything this tab was ever sent."""
        return repr(self.received)

    def var(self, state: str, name: str) -> Any:
        """The newest value of a state's variable that this tab was sent."""
        values = [
            value
            for update in self.received
            for full, delta in (update.get("delta") or {}).items()
            if full.endswith(state)
            for key, value in delta.items()
            if re.fullmatch(rf"{name}(_rx_state_)?", key)
        ]
        return values[-1] if values else None


@contextlib.asynccontextmanager
async def open_tab(
    portal: Portal,
    cookie: str = "",
    *,
    token: str = "",
    origin: str | None = None,
    boot: str | None = "hydrate",
) -> AsyncIterator[Tab]:
    """A connected tab; `boot` is the event in the CONNECT packet (None sends none). ConnectionError if refused."""
    headers = {"Origin": portal.origin if origin is None else origin}
    if cookie:
        headers["Cookie"] = f"{COOKIE}={cookie}"
    client = socketio.AsyncClient(reconnection=False)
    tab = Tab(client, token or str(uuid4()))
    client.on("event", tab.take, namespace=NAMESPACE)
    client.on("new_token", lambda value: setattr(tab, "new_token", value), namespace=NAMESPACE)
    auth = {"event": {"name": name_of("", boot), "payload": {}, "router_data": {"pathname": "/"}}} if boot else None
    url = f"{portal.address}/_event?token={tab.token}"
    try:
        await client.connect(
            url,
            headers={key: value for key, value in headers.items() if value},
            transports=["websocket"],
            namespaces=[NAMESPACE],
            socketio_path="/_event",
            auth=auth,
            wait_timeout=20,
        )
        if boot:
            await tab.settled()
        yield tab
    except socketio.exceptions.ConnectionError as error:
        raise ConnectionError(str(error)) from None
    finally:
        await client.disconnect()
        # The client's own session is only closed by its garbage; give aiohttp a turn to do so.
        await asyncio.sleep(0)
