"""Faults of the kind a bad day brings, planted into a running portal through its own seams, and taken back."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
from sqlalchemy import text

from tenant_portal.errors import NotFound
from tenant_portal.front_door import door, verify
from tenant_portal.front_door.accounts import Account, Accounts
from tenant_portal.front_door.limits import Buckets, Limits
from tenant_portal.front_door.refusal import Refused
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import http as media_route
from tenant_portal.inbox.queries import StoredFile
from tenant_portal.models import row_level_security as wall
from tenant_portal.simulator.two_tenant_check.actors import Stage
from tenant_portal.ui import event_gate, gate, live, session_state
from tenant_portal.ui.pages.leads import list_state as leads_page
from tenant_portal.ui.pages.tenants import list_state as tenants_page

Fault = Callable[[Stage, str], AbstractAsyncContextManager[None]]
FAULTS: dict[str, Fault] = {}


def fault(plant: Callable[[Stage, str], Any]) -> Callable[[Stage, str], Any]:
    """Register a fault under its function's name."""
    FAULTS[plant.__name__] = plant
    return plant


def rebuilt(table: str) -> list[str]:
    """What puts a table's part of the wall back as it was written."""
    part = next(part for part in wall.WALLS if part.table == table)
    names = [name for name, _, _ in part.policies()]
    drop = [f"drop policy if exists {name} on {table}" for name in names]
    revoke = [f"revoke all on {table} from {role}" for role in wall.DOOR_ROLES]
    return [*drop, *revoke, *part.statements()]


@asynccontextmanager
async def run_as_superuser(admin_url: str, plant: list[str], take_back: list[str]) -> AsyncIterator[None]:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        for statement in plant:
            await connection.execute(statement)
        try:
            yield
        finally:
            for statement in take_back:
                await connection.execute(statement)


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@asynccontextmanager
async def replacing(owner: Any, name: str, value: Any) -> AsyncIterator[None]:
    with replaced(owner, name, value):
        yield


def sql(table: str, *plant: str) -> Callable[[Callable[..., None]], Fault]:
    """A fault in one table of the wall."""

    def register(named: Callable[..., None]) -> Fault:
        def make(_: Stage, admin_url: str) -> AbstractAsyncContextManager[None]:
            return run_as_superuser(admin_url, list(plant), rebuilt(table))

        FAULTS[named.__name__] = make
        return make

    return register


@sql("lead", "drop policy tenant_isolation on lead")
def policy_dropped() -> None: ...


@sql("message", "alter policy tenant_isolation on message using (true) with check (true)")
def policy_lets_all_through() -> None: ...


@sql("conversation", "alter table conversation disable row level security")
def row_level_security_off() -> None: ...


FAULTS["policy_without_a_check"] = lambda _, url: run_as_superuser(
    url,
    ["create policy loose on lead_note for insert to portal_app with check (true)"],
    ["drop policy loose on lead_note"],
)
FAULTS["staff_may_read_bodies"] = lambda _, url: run_as_superuser(
    url,
    [
        "grant select (body) on message to portal_staff",
        "create policy curious on message for select to portal_staff using (true)",
    ],
    ["drop policy curious on message", "revoke select (body) on message from portal_staff"],
)


@fault
def definer_function_leaks(_: Stage, admin_url: str) -> AbstractAsyncContextManager[None]:
    make = "create function peek() returns setof lead language sql security definer as 'select * from lead'"
    return run_as_superuser(
        admin_url, [make, "grant execute on function peek() to portal_app"], ["drop function peek()"]
    )


@fault
def view_of_the_owner(_: Stage, admin_url: str) -> AbstractAsyncContextManager[None]:
    return run_as_superuser(admin_url, ["create view all_leads as select * from lead"], ["drop view all_leads"])


@fault
def signature_skipped(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    return replacing(door, "is_signed", lambda _, account: account is not None)


@fault
def account_comparison_skipped(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    """The URL alone decides, whatever the body says."""
    honest = verify.claim

    def careless(received: Any) -> Any:
        sid = received.query.partition("account=")[2][:34]
        agreed = replace(received, body=received.body.replace(received.body[11:45], sid.encode(), 1))
        return replace(honest(agreed), received=received, parameters=verify.parse_form(received.body))

    return replacing(door, "claim", careless)


@fault
def token_cache_mixes_tenants(stage: Stage, _: str) -> AbstractAsyncContextManager[None]:
    """The entry of one account holds the other's token."""
    honest = Accounts.find

    async def find(self: Accounts, sid: str) -> Account | None:
        account = await honest(self, sid)
        if account is None or sid not in (stage.a.account_sid, stage.b.account_sid):
            return account
        other = stage.b if sid == stage.a.account_sid else stage.a
        return replace(account, token=other.auth_token)

    return replacing(Accounts, "find", find)


@fault
def old_token_accepted_for_ever(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    return replacing(Account, "tokens", lambda self: tuple(filter(None, (self.token, self.second_token))))


@fault
def event_gate_off(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    async def let_in(*_: Any, **__: Any) -> None:
        return None

    return replacing(event_gate.EventGate, "preprocess", let_in)


@fault
def asgi_gate_off(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    async def let_in(self: gate.AsgiGate, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    return replacing(gate.AsgiGate, "__call__", let_in)


@fault
def media_unchecked(stage: Stage, _: str) -> AbstractAsyncContextManager[None]:
    """Whoever asks: the file is looked for where it lies."""
    return replacing(media_route, "tenant_of", lambda _: stage.a.tenant_id)


@fault
def push_to_everybody(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    return replacing(live.Hub, "of_tenant", lambda self, _: list(self.sockets))


@fault
def page_of_the_wrong_tenant(stage: Stage, _: str) -> AbstractAsyncContextManager[None]:
    """A page that remembers the first client who opened it."""

    async def first_come(_: Any) -> Person:
        return stage.a.owner.person

    return replacing(leads_page, "client", first_come)


@fault
def tenant_filter_and_policy_gone(_: Stage, admin_url: str) -> AbstractAsyncContextManager[None]:
    """Both walls of one table are down: the query forgets the tenant, and row-level security is off."""

    async def by_id_alone(session: Any, _: Any, media_id: Any) -> StoredFile:
        query = text("select object_key, content_type, size_bytes from media where id = :id and object_key is not null")
        found = (await session.execute(query, {"id": media_id})).one_or_none()
        if found is None:
            raise NotFound
        return StoredFile(*found)

    @asynccontextmanager
    async def both() -> AsyncIterator[None]:
        async with run_as_superuser(admin_url, ["alter table media disable row level security"], rebuilt("media")):
            with replaced(media_route, "stored_file", by_id_alone):
                yield

    return both()


@fault
def staff_page_open_to_clients(stage: Stage, _: str) -> AbstractAsyncContextManager[None]:
    async def anybody(_: Any) -> Person:
        return stage.staff.person

    @asynccontextmanager
    async def both() -> AsyncIterator[None]:
        with replaced(tenants_page, "staff", anybody), replaced(event_gate, "may_call", lambda *_: True):
            yield

    return both()


@fault
def revoked_session_goes_on(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    """Sessions are looked up once and believed from then on."""
    honest, known = event_gate.resume, {}

    async def believing(session: Any, token: str, now: Any) -> Person | None:
        person = await honest(session, token, now) or known.get(token)
        known[token] = person
        return person

    @asynccontextmanager
    async def both() -> AsyncIterator[None]:
        with (
            replaced(gate, "resume", believing),
            replaced(event_gate, "resume", believing),
            replaced(session_state, "resume", believing),
        ):
            yield

    return both()


@fault
def bodies_are_logged(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    honest: Callable[[Any], Any] = door.claim

    def talkative(received: Any) -> Any:
        logging.getLogger("portal").warning("received %s", received.body.decode())
        return honest(received)

    return replacing(door, "claim", talkative)


@fault
def one_line_for_all_clients(_: Stage, __: str) -> AbstractAsyncContextManager[None]:
    """The flood line counts all clients together."""
    shared = Buckets(per_second=1, burst_seconds=20, most=1)

    def admit(_: Limits, account: Account) -> None:
        if not shared.take("everybody", time.monotonic()):
            raise Refused(429, "flood", account_sid=account.sid, is_signed=True)

    return replacing(Limits, "admit", admit)
