"""The shipped simulated Twilio and the shipped webhook endpoints as real servers, for the length of a test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
import uvicorn
from starlette.types import ASGIApp

from tenant_portal import db
from tenant_portal.config import settings
from tenant_portal.simulator import twilio_server
from tenant_portal.simulator.stand_in.faults import Fault
from tenant_portal.simulator.stand_in.records import Account, Number, Sender, new_sid
from tenant_portal.simulator.stand_in.world import World
from tenant_portal.tenants import jobs, service
from tenant_portal.twilio_gateway.simulated_account import simulated_parent_credentials
from tenant_portal.webhook_routes import webhook_app
from tests.cast import Company

SPEED = 400.0


@dataclass(frozen=True, slots=True)
class SimulatedTwilio:
    """The stand-in as tests look into it."""

    origin: str
    world: World

    def accounts(self, status: str = "active") -> list[Account]:
        """Subaccounts in this state."""
        found = self.world.store.all(Account)
        return [one for one in found if not one.is_parent and one.status == status]

    def numbers(self) -> list[Number]:
        """Bought numbers of all accounts."""
        return self.world.store.all(Number)

    def senders(self) -> list[Sender]:
        """WhatsApp senders of all accounts."""
        return self.world.store.all(Sender)

    def fail(self, kind: str, **what: object) -> None:
        """Let the next fitting request go wrong; see `Fault`."""
        self.world.faults.add(Fault(kind=kind, **what))  # type: ignore[arg-type]


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two bound sockets, Twilio's and the portal's, which the settings name."""
    twilio, portal = _bound(), _bound()
    monkeypatch.setenv("PORTAL_TWILIO_BASE_URL", _origin(twilio))
    monkeypatch.setenv("PORTAL_PUBLIC_URL", _origin(portal))
    settings.cache_clear()
    with twilio, portal:
        yield twilio, portal
    monkeypatch.undo()
    settings.cache_clear()


@pytest_asyncio.fixture
async def twilio(
    addresses: tuple[socket.socket, socket.socket], tmp_path: Path, database: str
) -> AsyncIterator[SimulatedTwilio]:
    """The simulated Twilio, a few hundred times faster than life."""
    parent = simulated_parent_credentials(settings())
    app = twilio_server.build(tmp_path / "twilio", parent, settings().origin, speed=SPEED)
    async with serving(app, addresses[0]):
        yield SimulatedTwilio(settings().twilio_origin, app.state.world)


@pytest_asyncio.fixture
async def portal(addresses: tuple[socket.socket, socket.socket], database: str) -> AsyncIterator[str]:
    """The origin under which the portal's webhooks answer."""
    async with serving(webhook_app, addresses[1]):
        yield settings().origin


@asynccontextmanager
async def serving(app: ASGIApp, bound: socket.socket) -> AsyncIterator[None]:
    """Serve an application in the test's own event loop."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.005)
        if task.done():
            await task
    try:
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task


def enter_twilio(twilio: SimulatedTwilio, company: Company) -> None:
    """The company's subaccount, number and WhatsApp sender, as its channels left them."""
    store, sid = twilio.world.store, company.account_sid
    parent = next(account for account in store.all(Account) if account.is_parent)
    names = {"sid": sid, "account_sid": sid, "friendly_name": company.name}
    store.put(Account(**names, auth_token=company.auth_token, owner_sid=parent.sid))
    number = {"phone_number": company.number, "friendly_name": company.number, "country": "US", "number_type": "local"}
    store.put(Number(sid=new_sid("PN"), account_sid=sid, **number))
    sender = {"phone_number": company.number, "code": "123456", "status": "ONLINE"}
    store.put(Sender(sid=new_sid("XE"), account_sid=sid, **sender))


async def make_client(name: str = "Acme") -> UUID:
    """A client whose subaccount is there."""
    async with db.staff_session() as session:
        tenant_id = await service.create(session, name)
    await jobs.settle(tenant_id)
    return tenant_id


def _bound() -> socket.socket:
    bound = socket.socket()
    # Accepted sockets inherit it; without it each answer waits 40 ms for a delayed acknowledgement.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


def _origin(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"
