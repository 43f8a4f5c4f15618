"""A web process that is told to stop: it says so first, and refuses nothing until it is gone."""

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from tenant_portal import db, health
from tenant_portal.config import settings
from tenant_portal.front_door.door import FrontDoor
from tenant_portal.twilio_gateway.signatures import sign
from tenant_portal.web_server import DrainingServer
from tenant_portal.webhook_routes import lifespan, webhook_app
from tests.cast import Cast, Company
from tests.webhook_client import Portal, address, text_message

DRAIN_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Stopping:
    """A running web server that can be told to stop."""

    server: DrainingServer
    running: asyncio.Task[None]
    http: httpx.AsyncClient

    async def statuses(self) -> tuple[int, int, int]:
        """Of /healthz, /readyz and /readyz/proxy."""
        health, ready, proxy = [await self.http.get(path) for path in ("/healthz", "/readyz", "/readyz/proxy")]
        return health.status_code, ready.status_code, proxy.status_code

    async def webhook(self, company: Company) -> int:
        """The answer to a signed message."""
        form, url = text_message(company), address("sms", company)
        signature = sign(f"{settings().origin}{url}", list(form.items()), company.auth_token)
        return (await self.http.post(url, data=form, headers={"X-Twilio-Signature": signature})).status_code


@pytest_asyncio.fixture
async def stopping(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stopping]:
    """The portal's server, with webhooks and health, on a port of its own."""
    monkeypatch.setattr(health, "_left", threading.Event())
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    application = Starlette(routes=[*health.routes, Mount("/", webhook_app)])
    config = uvicorn.Config(application, log_config=None, lifespan="off", timeout_graceful_shutdown=3)
    server = DrainingServer(config, DRAIN_SECONDS)
    async with lifespan(), httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as http:
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield Stopping(server, running, http)
        server.should_exit = True
        await running
    listener.close()


async def test_it_says_that_it_leaves_and_still_takes_webhooks(stopping: Stopping, cast: Cast, admin_url: str) -> None:
    assert await stopping.statuses() == (200, 200, 200)
    signal.raise_signal(signal.SIGTERM)
    assert await stopping.statuses() == (200, 503, 503)
    assert await stopping.webhook(cast.acme) == 200
    await stopping.running
    door: FrontDoor | None = None
    assert (await Portal(stopping.http, door, admin_url).counts())["message"] == 1  # type: ignore[arg-type]
    with pytest.raises(httpx.ConnectError):
        await stopping.webhook(cast.acme)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_skips_the_wait(stopping: Stopping, second: signal.Signals) -> None:
    stopping.server.drain_seconds = 600
    stopping.server.handle_exit(signal.SIGTERM, None)
    assert not stopping.server.should_exit
    stopping.server.handle_exit(second, None)
    assert stopping.server.should_exit
    stopping.server._captured_signals.clear()  # or it would be raised again, in this process


async def test_without_a_time_to_drain_it_stops_at_once(stopping: Stopping) -> None:
    stopping.server.drain_seconds = 0
    stopping.server.handle_exit(signal.SIGTERM, None)
    assert stopping.server.should_exit
    stopping.server._captured_signals.clear()


async def test_a_proxy_goes_on_sending_when_only_the_database_is_away(stopping: Stopping) -> None:
    db.use_database("postgresql://portal_web@127.0.0.1:1/portal")
    await db.close()
    assert await stopping.statuses() == (200, 503, 200)
