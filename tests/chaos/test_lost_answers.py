"""kill -9 of the worker while it sends, twenty times: nothing is sent twice, nothing is missing, each end is true."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from tenant_portal import database_setup, db
from tenant_portal.inbox import outbox, service
from tenant_portal.models.enums import Role
from tenant_portal.simulator import twilio_server
from tenant_portal.simulator.stand_in.records import Message
from tests.cast import Company, Someone, found, hire
from tests.chaos.world import PATIENCE, World, kill, opened, pid_of
from tests.running_portal import free_ports
from tests.signed_in import person
from tests.simulated_twilio import SimulatedTwilio, enter_twilio
from tests.threads import open_thread
from tests.twilio.servers import read_body, running

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
# Of each moment.
KILLS = 5
# A killed worker's job is taken up after 30 to 50 s; what Twilio does not list is given up after 90 s.
SETTLE_SECONDS = 240.0
TWILIO_SPEED = 20.0
OPEN = """
    select count(*) from message where direction = 'out'
    and status not in ('delivered', 'failed', 'undelivered', 'canceled')"""
OURS = "select id, status, provider_sid, error_text from message where direction = 'out'"
Result = TypeVar("Result")


class Moment(StrEnum):
    """Where the send is when its worker is killed."""

    NEVER_TAKEN = "before Twilio has it, which never gets it"
    TAKEN_LATE = "before Twilio has it, which takes it all the same"
    NOT_ANSWERED = "Twilio has it, the answer is held"
    ANSWERED = "the answer is on its way"


@dataclass(frozen=True, slots=True)
class Hold:
    """One send that is held: `reached` is set when it is there, `let_go` ends it."""

    account_sid: str
    moment: Moment
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


class HeldLine:
    """The line to the simulated Twilio, which holds the next send of the account of `next`."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.next: Hold | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_send = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith("/Messages.json")
        if not is_send or self.next is None or self.next.account_sid not in scope["path"]:
            await self.app(scope, receive, send)
            return
        held, self.next = self.next, None
        await self._held(held, scope, await read_body(receive), send)

    async def _held(self, held: Hold, scope: Scope, body: bytes, send: Send) -> None:
        answers: list[Event] = []

        async def listen() -> Event:
            return {"type": "http.request", "body": body}

        async def keep(event: Event) -> None:
            answers.append(event)

        if held.moment in {Moment.NOT_ANSWERED, Moment.ANSWERED}:
            await self.app(scope, listen, keep)
        for event in answers if held.moment is Moment.ANSWERED else ():
            await send(event)
        held.reached.set()
        await asyncio.to_thread(held.let_go.wait)
        if held.moment is Moment.TAKEN_LATE:
            await self.app(scope, listen, keep)


@dataclass(frozen=True, slots=True)
class Client:
    """A client with one open thread; each kill meets another, since a killed tenant waits for half a minute."""

    company: Company
    owner: Someone
    thread: UUID
    messages: list[UUID]


def test_a_worker_killed_while_it_sends(tmp_path: Path, say: Callable[[str], None]) -> None:
    port = free_ports()
    origin = f"http://127.0.0.1:{port}"
    app = twilio_server.build(tmp_path / "twilio", (f"AC{'0' * 32}", "0" * 32), origin, speed=TWILIO_SPEED)
    line = HeldLine(app)
    with (
        running(line) as twilio,
        opened(tmp_path / "world", [port], PORTAL_TWILIO_BASE_URL=twilio, PORTAL_PUBLIC_URL=origin) as world,
    ):
        clients = _as_portal(world, _enter(SimulatedTwilio(twilio, app.state.world)))
        expected = {
            _kill_while_sending(world, line, client, moment): "failed" if moment is Moment.NEVER_TAKEN else "delivered"
            for client, moment in zip(clients, KILLS * list(Moment), strict=True)
        }
        _settle(world)
        told = _told(world, app)
        # The second message may meet a later kill.
        assert {first: told[first] for first in expected} == expected
        failed = [(client, one) for client in clients for one in client.messages if told[one] == "failed"]
        again = [_as_portal(world, _retry(client, one)) for client, one in failed]
        _settle(world)
        assert _told(world, app) == told | dict.fromkeys(again, "delivered")
    seen = f"{len(told)} messages, {len(again)} never taken and sent by Retry, 0 doubled, 0 missing"
    say(f"the worker was killed {len(clients)} times while it sent: {seen}")


def _kill_while_sending(world: World, line: HeldLine, client: Client, moment: Moment) -> UUID:
    """Two messages with one text, the first of which, which is returned, costs the worker its life."""
    held = line.next = Hold(client.company.account_sid, moment)
    client.messages.extend(_as_portal(world, _answer_twice(client)))
    assert held.reached.wait(PATIENCE), world.lines[-40:]
    # The pause before the next start is for what crashes by itself.
    world.worker.crashes = 0
    kill(pid_of(world.worker))
    held.let_go.set()
    return client.messages[0]


def _settle(world: World) -> None:
    world.wait_for(lambda: world.ask(OPEN)[0][0] == 0, SETTLE_SECONDS)


def _told(world: World, app: Starlette) -> dict[UUID, str]:
    """Status of each message as the portal tells it; AssertionError where Twilio's own records say otherwise."""
    sids: dict[UUID, list[str]] = {}
    for one in app.state.world.store.all(Message):
        if one.status_callback:
            sids.setdefault(UUID(urlsplit(one.status_callback).path.rpartition("/")[2]), []).append(one.sid)
    told = {}
    for message_id, status, sid, reason in world.ask(OURS):
        told[message_id] = status
        at_twilio = sids.pop(message_id, [])
        assert at_twilio == ([] if status == "failed" else [sid]), "doubled, missing, or told untruly"
        assert reason == (outbox.NOT_CONFIRMED if status == "failed" else None)
    assert sids == {}, "Twilio has what nobody wrote"
    return told


def _as_portal(world: World, work: Coroutine[Any, Any, Result]) -> Result:
    async def inside() -> Result:
        db.use_database(database_setup.login_url(world.admin_url))
        try:
            return await work
        finally:
            await db.close()

    return asyncio.run(inside())


async def _enter(twilio: SimulatedTwilio) -> list[Client]:
    clients = []
    for number in range(KILLS * len(Moment)):
        company = await found(f"Client{number}", f"+1415555{1000 + number}")
        enter_twilio(twilio, company)
        clients.append(Client(company, await hire("Olga", Role.OWNER, company), await open_thread(company), []))
    return clients


async def _answer_twice(client: Client) -> list[UUID]:
    return [await _answer(client) for _ in range(2)]


async def _answer(client: Client) -> UUID:
    # A commit each: two ids of one millisecond have no order, and the first is to be the one that is held.
    async with db.tenant_session(client.company.tenant_id) as session:
        return await service.queue_reply(session, person(client.owner), client.thread, "Yes")


async def _retry(client: Client, message_id: UUID) -> UUID:
    async with db.tenant_session(client.company.tenant_id) as session:
        return await service.retry(session, person(client.owner), message_id)
