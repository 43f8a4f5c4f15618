"""Two clients made by the same services as real ones, with their owners signed in through the front; and their end."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from tenant_portal import db
from tenant_portal.channels import numbers
from tenant_portal.channels import service as channels
from tenant_portal.config import settings
from tenant_portal.errors import Conflict
from tenant_portal.identity import service as identity
from tenant_portal.identity import sessions, team
from tenant_portal.identity.cookies import read_token
from tenant_portal.models import Channel
from tenant_portal.models.enums import ChannelKind, ChannelState, Role, TenantState
from tenant_portal.simulator.handset import handset
from tenant_portal.simulator.two_tenant_check import canaries, cleaning, ghosts
from tenant_portal.simulator.two_tenant_check.actors import Actor, Member, Stage
from tenant_portal.simulator.two_tenant_check.visitor import Answer, Visitor
from tenant_portal.tenants import jobs as tenant_jobs
from tenant_portal.tenants import queries as tenant_queries
from tenant_portal.tenants import service as tenants
from tenant_portal.twilio_gateway.clients import parent_credentials
from tenant_portal.twilio_gateway.gateway import SenderStatus

SETUP_SECONDS = 60.0
LOOK_SECONDS = 0.1
REFUSALS_SECONDS = 1.5
LOCK = 7_221_904_417


@dataclass(frozen=True, slots=True)
class Agency:
    """The agency as the one who invites."""

    user_id: UUID | None = None
    tenant_id: UUID | None = None
    name: str = "Two-tenant check"


@asynccontextmanager
async def stage(visitor: Visitor) -> AsyncIterator[Stage]:
    """Set everything up, and take it down again whatever happens. Conflict while another check is under way."""
    async with _alone():
        await cleaning.sweep()
        try:
            yield await _build(visitor)
        finally:
            # Shielded: Ctrl-C in the middle must not leave two clients and their subaccounts behind.
            await asyncio.shield(_strike())


async def _strike() -> None:
    # The front door writes refusals down once a second; those of this check must be there to be taken away.
    await asyncio.sleep(REFUSALS_SECONDS)
    await cleaning.sweep()


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    # Of the transaction, which a pooler in transaction mode keeps on one server; a lock of the session it would lose.
    async with db.engine().begin() as connection:
        if not await connection.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}):
            raise Conflict("Another two-tenant check is under way. Wait for it to end.")
        yield


async def _build(visitor: Visitor) -> Stage:
    run_id = secrets.token_hex(4)
    staff = await _staff(visitor, run_id)
    a, b = await asyncio.gather(_client(visitor, run_id, "A"), _client(visitor, run_id, "B"))
    agent = await ghosts.another_member(b, run_id)
    async with db.staff_session() as session:
        await tenant_queries.sum_traffic(session)
    return Stage(run_id, a, b, staff, agent, parent_credentials()[1])


async def _staff(visitor: Visitor, run_id: str) -> Member:
    email, password = cleaning.email("staff", run_id), secrets.token_urlsafe(24)
    async with db.identity_session() as session:
        await identity.create_user(session, email=email, name="Check Staff", role=Role.STAFF, password=password)
    return await _enter(visitor, await visitor.submit("/auth/login", (("email", email), ("password", password))))


async def _client(visitor: Visitor, run_id: str, letter: str) -> Actor:
    label = f"Check {letter} {secrets.token_hex(4)}"
    async with db.staff_session() as session:
        tenant_id = await tenants.create(session, label, is_synthetic=True)
    await _until(lambda: _is_active(tenant_id), f"the subaccount of client {letter}")
    owner = await _owner(visitor, tenant_id, letter, run_id)
    old_token = await _rotated(tenant_id)
    async with db.tenant_session(tenant_id) as session:
        found = await tenants.credentials(session, tenant_id)
    actor = Actor(
        letter=letter,
        tenant_id=tenant_id,
        canary=f"canary{letter.lower()}{secrets.token_hex(6)}",
        label=label,
        account_sid=found.account_sid,
        auth_token=found.auth_token,
        old_token=old_token,
        number=await _connect(tenant_id, letter),
        owner=owner,
        call=("", ""),
        sent=("", ""),
    )
    return await canaries.fill(visitor, actor)


async def _owner(visitor: Visitor, tenant_id: UUID, letter: str, run_id: str) -> Member:
    async with db.tenant_session(tenant_id) as session:
        address = cleaning.email(f"owner-{letter.lower()}", run_id)
        token = await team.invite_owner(session, Agency(), tenant_id, email=address, now=datetime.now(UTC))
    form = (("token", token), ("name", f"Owner {letter}"), ("password", secrets.token_urlsafe(24)))
    return await _enter(visitor, await visitor.submit("/auth/invitation", form))


async def _enter(visitor: Visitor, answer: Answer) -> Member:
    """Whoever the portal has just signed in, as the cookie says."""
    cookie = answer.headers.get("set-cookie", "").split(";")[0]
    token = read_token(cookie)
    if token is None:
        raise canaries.NotStaged(f"the portal at {visitor.address} did not sign a new person in ({answer.status})")
    async with db.identity_session() as session:
        person = await sessions.resume(session, token, datetime.now(UTC))
    if person is None:
        raise canaries.NotStaged("a session that has just begun is not known: is this another database?")
    return Member(person, cookie)


async def _rotated(tenant_id: UUID) -> str:
    """Replace the subaccount's token, and end the time in which the one before is still good; that one."""
    async with db.tenant_session(tenant_id) as session:
        before = await tenants.credentials(session, tenant_id)
    await tenant_jobs.rotate_token(tenant_id)
    async with db.tenant_session(tenant_id) as session:
        past = text("update subaccount set previous_token_until = now() - interval '1 s' where tenant_id = :tenant")
        await session.execute(past, {"tenant": tenant_id})
    return before.auth_token


async def _connect(tenant_id: UUID, letter: str) -> str:
    """A number with all three channels: bought at the simulated Twilio, made up at the real one, where it costs."""
    if settings().twilio_mode == "live":
        return await _pretend_channels(tenant_id, letter)
    actor = channels.operator(tenant_id)
    found = await numbers.on_sale(actor, numbers.Search(country="US", sms=True, voice=True))
    # Both clients look at the same moment and see the same list: from opposite ends they do not take one number.
    chosen = [number for number in found if not number.obstacle][0 if letter == "A" else -1]
    wish = channels.Wish(
        kinds=frozenset(ChannelKind),
        phone_number=chosen.phone_number,
        country="US",
        sms=True,
        voice=True,
        display_name=f"Check {letter}",
    )
    async with db.tenant_session(tenant_id) as session:
        await channels.connect(session, actor, wish)
    handed_in: set[UUID] = set()
    await _until(lambda: _is_connected(tenant_id, handed_in), f"the channels of client {letter}")
    return chosen.phone_number


async def _pretend_channels(tenant_id: UUID, letter: str) -> str:
    number = f"+1500555{'01' if letter == 'A' else '02'}{secrets.randbelow(90) + 10}"
    async with db.tenant_session(tenant_id) as session:
        for kind in ChannelKind:
            row = Channel(tenant_id=tenant_id, kind=kind, state=ChannelState.ACTIVE, phone_number=number, country="US")
            session.add(row)
    return number


async def _is_active(tenant_id: UUID) -> bool:
    async with db.staff_session() as session:
        query = text("select state = :active from tenant where id = :tenant")
        return bool(await session.scalar(query, {"active": TenantState.ACTIVE, "tenant": tenant_id}))


async def _is_connected(tenant_id: UUID, handed_in: set[UUID]) -> bool:
    """Whether all channels are; hands in WhatsApp's code where it waits for one, as a person would."""
    async with db.tenant_session(tenant_id) as session:
        query = text("select id, kind, state, sender_status, phone_number from channel where tenant_id = :tenant")
        found = list(await session.execute(query, {"tenant": tenant_id}))
    for row in found:
        waits = row.state == ChannelState.VERIFYING and row.sender_status == SenderStatus.PENDING_VERIFICATION
        if waits and row.id not in handed_in:
            handed_in.add(row.id)
            await _hand_in_code(tenant_id, row.id, row.phone_number)
    return all(row.state == ChannelState.ACTIVE for row in found)


async def _hand_in_code(tenant_id: UUID, channel_id: UUID, number: str) -> None:
    async with handset() as phones:
        code = (await phones.verification_codes()).get(number)
    # It may have come as a text to the number itself meanwhile, and been used.
    with contextlib.suppress(Conflict):
        async with db.tenant_session(tenant_id) as session:
            if code is not None:
                await channels.submit_code(session, channels.operator(tenant_id), channel_id, code)


async def _until(is_done: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + SETUP_SECONDS
    while not await is_done():
        if time.monotonic() > deadline:
            raise canaries.NotStaged(f"{what} did not come about in {SETUP_SECONDS:.0f} s: is a worker running?")
        await asyncio.sleep(LOOK_SECONDS)
