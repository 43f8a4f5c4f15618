"""The seed scenarios: what is sent to one client's number arrives there and nowhere else, on all three channels."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from sqlalchemy import text

from tenant_portal.db import staff_session, tenant_session
from tenant_portal.inbox import service as inbox
from tenant_portal.models.enums import ChannelKind
from tenant_portal.simulator.handset import handset
from tenant_portal.simulator.two_tenant_check import canaries, forms
from tenant_portal.simulator.two_tenant_check.actors import Actor
from tenant_portal.simulator.two_tenant_check.browser import tab
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, Probe, Skipped, family, leak_if, probe
from tenant_portal.tenants import service as tenants

ARRIVAL_SECONDS = 20.0
ROUTES = {
    ChannelKind.SMS: f"{forms.PREFIX}/sms",
    ChannelKind.WHATSAPP: f"{forms.PREFIX}/whatsapp",
    ChannelKind.VOICEMAIL: f"{forms.PREFIX}/voicemail",
}
NO_NUMBERS = "numbers are not bought at the real Twilio for a check, so nothing can be sent to them"


@family(Group.ROUTING)
def seed_scenarios(_: Context) -> Iterator[Probe]:
    """To A and to B, on each channel."""
    for kind in ChannelKind:
        for letter in "AB":
            title = f"{kind.value} to client {letter}'s number reaches client {letter} only"
            run = partial(_reaches_one, kind, letter)
            yield Probe(f"seed.{kind.value}.{letter.lower()}", title, Group.ROUTING, run)


async def _reaches_one(kind: ChannelKind, letter: str, context: Context) -> str:
    receiver = context.a if letter == "A" else context.b
    other, marker = context.stage.other(receiver), f"seed{secrets.token_hex(6)}"
    before = await canaries.fingerprint(other.tenant_id)
    how = await _send(context, receiver, kind, marker)
    await until(lambda: canaries.holds(receiver.tenant_id, marker))
    leak_if(await canaries.holds(other.tenant_id, marker), f"it also arrived at client {other.letter}")
    leak_if(await canaries.fingerprint(other.tenant_id) != before, f"rows of client {other.letter} changed")
    return f"{how}; it is with client {receiver.letter} and not with client {other.letter}"


async def _send(context: Context, receiver: Actor, kind: ChannelKind, marker: str) -> str:
    if context.is_live:
        await canaries.deliver(context.visitor, receiver, ROUTES[kind], marker)
        return "sent as a signed request of its subaccount"
    lead = new_phone()
    async with handset() as phones:
        if kind is ChannelKind.VOICEMAIL:
            await phones.call(lead, receiver.number, caller_name=marker)
        else:
            await phones.write(lead, receiver.number, marker, whatsapp=kind is ChannelKind.WHATSAPP)
    return f"sent from {lead} to {receiver.number}"


def new_phone() -> str:
    """A phone that has written to nobody yet."""
    return f"+1628555{secrets.randbelow(9000) + 1000}"


async def until(is_done: Callable[[], Awaitable[bool]], seconds: float = ARRIVAL_SECONDS) -> None:
    """Wait for something to arrive where it belongs, or fail."""
    deadline = time.monotonic() + seconds
    while not await is_done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not arrive where it belongs in {seconds:.0f} s")
        await asyncio.sleep(0.05)


@family(Group.ROUTING)
def leads_on_pages(_: Context) -> Iterator[Probe]:
    """Leads, there and back."""
    for letter in "AB":
        title = f"client {letter}'s leads are on client {letter}'s page and not on the other's"
        yield Probe(f"seed.leads.{letter.lower()}", title, Group.ROUTING, partial(_leads_are_apart, letter))


async def _leads_are_apart(letter: str, context: Context) -> str:
    owner = context.a if letter == "A" else context.b
    shown = {}
    for actor in (owner, context.stage.other(owner)):
        async with tab(context.visitor.address, origin=context.visitor.origin, cookie=actor.owner.cookie) as opened:
            shown[actor.letter] = " ".join(await opened.load(context.surface.load_event, "/leads"))
    other = context.stage.other(owner).letter
    leak_if(owner.canary in shown[other], f"client {other}'s page shows a lead of client {letter}")
    if owner.canary not in shown[letter]:
        raise RuntimeError(f"client {letter}'s own page does not show its lead: nothing is proven")
    return f"{shown[letter].count(owner.canary)} mentions on its own page, none on the other's"


@probe(Group.ROUTING, "seed.picture", "A picture sent to client A is fetched, and client B cannot open it")
async def picture(context: Context) -> str:
    needs_numbers(context)
    lead = new_phone()
    async with handset() as phones:
        await phones.write(lead, context.a.number, "With a picture", pictures=1)
    await until(lambda: _has_stored_media(context.a, lead))
    async with tenant_session(context.a.tenant_id) as session:
        media_id = await session.scalar(text(MEDIA_OF.format("media.id")), _of(context.a, lead))
    own = await context.visitor.get(f"/media/{media_id}", context.a.owner.cookie)
    foreign = await context.visitor.get(f"/media/{media_id}", context.b.owner.cookie)
    nothing = await context.visitor.get(f"/media/{forms.unknown_id()}", context.b.owner.cookie)
    leak_if(foreign.shape != nothing.shape, f"client B is answered {foreign.status} instead of {nothing.status}")
    if own.status != 200:
        raise RuntimeError(f"client A itself is answered {own.status}")
    return f"client A gets {own.headers.get('content-type')}, client B {foreign.status} as for a file that never was"


MEDIA_OF = (
    "select {} from media join message on message.tenant_id = media.tenant_id and message.id = media.message_id"
    " where media.tenant_id = :tenant and message.lead_number = :lead"
)


def _of(actor: Actor, lead: str) -> dict[str, object]:
    return {"tenant": actor.tenant_id, "lead": lead}


async def _has_stored_media(actor: Actor, lead: str) -> bool:
    async with tenant_session(actor.tenant_id) as session:
        return bool(await session.scalar(text(MEDIA_OF.format("media.state = 'stored'")), _of(actor, lead)))


@probe(Group.ROUTING, "seed.answer", "Client A's answer leaves from client A's number and reaches its lead only")
async def answer(context: Context) -> str:
    needs_numbers(context)
    lead, marker = new_phone(), f"answer{secrets.token_hex(6)}"
    async with handset() as phones:
        for actor in (context.a, context.b):
            await phones.write(lead, actor.number, "Hello")
        await reply(context.a, lead, marker)
        await until(lambda: is_on_phone(lead, marker))
        entries = [entry for entry in await phones.conversation(lead) if marker in entry.text]
    senders = {entry.other for entry in entries}
    leak_if(senders != {context.a.number} or len(entries) != 1, f"it came {len(entries)} times, from {senders}")
    leak_if(await canaries.holds(context.b.tenant_id, marker), "it is in client B's thread with the same lead")
    return f"the lead, who writes to both, got it once, from {context.a.number}"


async def reply(actor: Actor, lead: str, body: str) -> None:
    """The client's owner answers a lead that has written."""
    query = text(
        "select c.id from conversation c join lead l on l.tenant_id = c.tenant_id and l.id = c.lead_id"
        " where c.tenant_id = :tenant and l.address = :lead"
    )
    async with tenant_session(actor.tenant_id) as session:
        conversation_id = await session.scalar(query, _of(actor, lead))
        await inbox.queue_reply(session, actor.owner.person, conversation_id, body)


async def is_on_phone(lead: str, marker: str) -> bool:
    """Whether a message with this marker is on the lead's phone."""
    async with handset() as phones:
        return any(marker in entry.text for entry in await phones.conversation(lead))


def needs_numbers(context: Context) -> None:
    """Skipped where the two clients have no real numbers."""
    if context.is_live:
        raise Skipped(NO_NUMBERS)


@probe(Group.ROUTING, "seed.suspended", "While client B is suspended, nothing is stored for it, rightly signed or not")
async def suspended(context: Context) -> str:
    async with staff_session() as session:
        await tenants.suspend(session, context.b.tenant_id)
    try:
        answers = {address.path: await _while_suspended(context, address.path) for address in context.surface.webhooks}
    finally:
        await _resume(context)
    return f"{len(answers)} addresses answered {', '.join(sorted(set(map(str, answers.values()))))}"


async def _while_suspended(context: Context, template: str) -> int:
    marker = f"suspended{secrets.token_hex(6)}"
    path = f"{forms.path_of(template, context.b)}?account={context.b.account_sid}"
    form = forms.form_of(template, context.b, marker)
    before = await canaries.fingerprint(context.b.tenant_id)
    answer = await context.visitor.call(path, form, context.visitor.signature(path, form, context.b.auth_token))
    leak_if(await canaries.fingerprint(context.b.tenant_id) != before, f"{template} changed rows of client B")
    leak_if(answer.status != 403, f"{template} answered {answer.status}")
    return answer.status


async def _resume(context: Context) -> None:
    """Back to active, here and at Twilio: a job of its own sets the subaccount going again."""
    async with staff_session() as session:
        await tenants.resume(session, context.b.tenant_id)
    query = text(
        "select twilio_status = 'active' and next_attempt_at is null from subaccount where tenant_id = :tenant"
    )

    async def is_settled() -> bool:
        async with staff_session() as session:
            return bool(await session.scalar(query, {"tenant": context.b.tenant_id}))

    await until(is_settled)
