"""Answering and repeating: what a person does in the inbox. The tenant comes from the signed-in person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue
from tenant_portal.audit.service import Actor, record
from tenant_portal.db import announce
from tenant_portal.errors import Conflict, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import rules
from tenant_portal.inbox.activity import HOUR
from tenant_portal.inbox.queries import CONVERSATION, LEAD, MEDIA, MESSAGE
from tenant_portal.leads import consent
from tenant_portal.leads.rules import is_phone_number
from tenant_portal.models import Message, metadata
from tenant_portal.models.enums import (
    ChannelKind,
    ChannelState,
    Direction,
    MediaState,
    MessageStatus,
    TemplateState,
    TenantState,
)
from tenant_portal.models.ids import uuid7
from tenant_portal.templates import rules as template_rules
from tenant_portal.templates.queries import get_template
from tenant_portal.tenants.rules import QuietHours

CHANNEL = metadata.tables["channel"]
TENANT = metadata.tables["tenant"]
NO_TEMPLATES = "Templates are sent on WhatsApp only."
SENDABLE = (ChannelKind.SMS, ChannelKind.WHATSAPP)


class Quiet(Conflict):
    """Nobody has chosen to send within the quiet hours of this lead; `until` is when they are over."""

    def __init__(self, until: datetime) -> None:
        super().__init__(rules.QUIET)
        self.until = until


@dataclass(frozen=True, slots=True)
class ReplyOption:
    """One way to answer a lead. `reason` says why it is closed and is None where it is open.

    `template_reason` is the same for an approved template, which may go where a free text may not.
    """

    kind: ChannelKind
    our_number: str
    lead_number: str
    reason: str | None
    template_reason: str | None
    window_closes_at: datetime | None
    quiet_hours: QuietHours

    def why_not(self, details: Mapping[str, Any]) -> str | None:
        """Why a message with these details cannot go; None where it can."""
        return self.template_reason if "template" in details else self.reason

    def quiet_until(self, at: datetime) -> datetime | None:
        """When the quiet hours of this lead are over; None where it is outside of them."""
        return self.quiet_hours.end_for(self.lead_number.removeprefix("whatsapp:"), at)


@dataclass(frozen=True, slots=True)
class ReplyOptions:
    """All ways to answer a lead; `preferred` is the channel of the lead's last message."""

    preferred: ReplyOption
    others: tuple[ReplyOption, ...]

    def of(self, kind: ChannelKind | None) -> ReplyOption:
        """The option of this kind, or the preferred one."""
        return next((option for option in self.others if option.kind is kind), self.preferred)


async def reply_options(session: AsyncSession, tenant_id: UUID, conversation_id: UUID) -> ReplyOptions:
    """How this lead can be answered now; NotFound if this tenant has no such thread."""
    lead = await _lead_of(session, tenant_id, conversation_id)
    connected = await _connected_numbers(session, tenant_id)
    latest = await _latest_incoming(session, tenant_id, conversation_id)
    is_active = lead.tenant_state is TenantState.ACTIVE
    now = datetime.now(UTC)
    options = {}
    for kind in SENDABLE:
        ours = _our_number(connected.get(kind, ()), latest.get(kind))
        last_whatsapp = latest[ChannelKind.WHATSAPP]["created_at"] if ChannelKind.WHATSAPP in latest else None
        theirs = _their_number(lead.address, latest.get(kind))
        standing = rules.Standing(
            kind,
            is_active,
            is_phone_number(theirs),
            lead.blocked_at is not None,
            bool(lead.sms_withdrawn if kind is ChannelKind.SMS else lead.whatsapp_withdrawn),
            bool(ours),
            last_whatsapp,
        )
        options[kind] = ReplyOption(
            kind,
            our_number=rules.wire_address(kind, ours),
            lead_number=rules.wire_address(kind, theirs),
            reason=rules.why_not(standing, now),
            template_reason=rules.why_never(standing) if kind is ChannelKind.WHATSAPP else NO_TEMPLATES,
            window_closes_at=last_whatsapp + rules.WHATSAPP_WINDOW
            if kind is ChannelKind.WHATSAPP and last_whatsapp
            else None,
            quiet_hours=QuietHours(lead.quiet_from, lead.quiet_until, lead.timezone),
        )
    # Calls do not count: who has also written is answered where they wrote.
    last = max(latest, key=lambda kind: latest[kind]["created_at"], default=None)
    preferred = options.pop(rules.reply_kind(last, frozenset(connected)))
    return ReplyOptions(preferred, tuple(options.values()))


async def queue_reply(
    session: AsyncSession, person: Actor, conversation_id: UUID, body: str, kind: ChannelKind | None = None
) -> UUID:
    """Put an answer into the outbox; the id of its message.

    BadInput for an empty or too long text, and as for `queue`.
    """
    return await queue(session, person, conversation_id, rules.clean_body(body), kind)


async def queue(
    session: AsyncSession,
    person: Actor,
    conversation_id: UUID,
    body: str,
    kind: ChannelKind | None,
    *,
    details: Mapping[str, Any] | None = None,
    despite_quiet_hours: bool = False,
) -> UUID:
    """Put a text, or the filled template that `details` say it is, into the outbox; the id of its message.

    Conflict with the reason where the lead cannot be written to, Quiet where it is not to be written to yet.
    """
    details = dict(details or {})
    option = (await reply_options(session, _tenant_of(person), conversation_id)).of(kind)
    if reason := option.why_not(details):
        raise Conflict(reason)
    return await _put_in_outbox(
        session, person, conversation_id, option, body, details=details, despite_quiet_hours=despite_quiet_hours
    )


async def fill_template(
    session: AsyncSession, person: Person, template_id: UUID, values: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """The text of an approved template and the details of its message; BadInput where a variable has
    no value, Conflict where it is not approved.
    """
    template = await get_template(session, _tenant_of(person), template_id)
    if template.state is not TemplateState.APPROVED or template.content_sid is None:
        raise Conflict("WhatsApp has not approved this template, so it cannot be sent.")
    filled = template_rules.clean_values(template_rules.variables(template.body), values)
    sent = {
        "name": template.name,
        "sid": template.content_sid,
        "values": filled,
        "buttons": [[button.action, button.title] for button in template.buttons],
    }
    return template_rules.filled(template.body, filled), {"template": sent}


async def queue_automatic(
    session: AsyncSession, actor: Actor, conversation_id: UUID, body: str, *, our_number: str
) -> UUID:
    """Put an SMS that nobody typed into the outbox; the id of its message.

    From `our_number` where texts can be sent from it, else from another one. Conflict with the reason where the lead
    cannot be written to.
    """
    tenant_id = _tenant_of(actor)
    option = (await reply_options(session, tenant_id, conversation_id)).of(ChannelKind.SMS)
    if option.kind is not ChannelKind.SMS or option.reason:
        raise Conflict(option.reason or "There is no connected SMS channel.")
    if our_number in (await _connected_numbers(session, tenant_id))[ChannelKind.SMS]:
        option = replace(option, our_number=our_number)
    return await _put_in_outbox(session, actor, conversation_id, option, body, details={"automatic": True})


async def retry(session: AsyncSession, person: Person, message_id: UUID) -> UUID:
    """Send a failed message again, as a new one; the id of it. A message is repeated once.

    The failed one keeps its status and SID, since late callbacks of Twilio still speak about that attempt.
    """
    tenant_id = _tenant_of(person)
    found = sa.select(Message).where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id)
    failed = await session.scalar(found.with_for_update())
    if failed is None or failed.direction is not Direction.OUT:
        raise NotFound("This message does not exist.")
    if failed.status is MessageStatus.UNKNOWN:
        raise Conflict("Twilio is still being asked whether it has this message, so it is not sent again.")
    if failed.status not in rules.NOT_DELIVERED:
        raise Conflict("This message has not failed, so it is not sent again.")
    if "retried_as" in failed.details:
        raise Conflict("This message has already been sent again.")
    option = (await reply_options(session, tenant_id, failed.conversation_id)).of(failed.channel_kind)
    if reason := option.why_not(failed.details):
        raise Conflict(reason)
    kept = {"template": failed.details["template"]} if "template" in failed.details else {}
    again = await _put_in_outbox(
        session, person, failed.conversation_id, option, failed.body, details={"retry_of": str(message_id), **kept}
    )
    failed.details = {**failed.details, "retried_as": str(again)}
    return again


async def fetch_again(session: AsyncSession, person: Person, media_id: UUID) -> None:
    """Try once more, from the first pause on, to fetch a file that could not be fetched."""
    tenant_id = _tenant_of(person)
    found = sa.update(MEDIA).where(
        MEDIA.c.tenant_id == tenant_id, MEDIA.c.id == media_id, MEDIA.c.state == MediaState.FAILED
    )
    values = {"state": MediaState.WAITING, "attempts": 0, "next_attempt_at": sa.func.now(), "last_error": None}
    if not (await session.execute(found.values(values).returning(MEDIA.c.id))).first():
        raise NotFound("This file does not exist or is being fetched already.")
    await job_queue.wake(session, "inbox.fetch_media", tenant_id)
    await announce(session, tenant_id)


async def _put_in_outbox(
    session: AsyncSession,
    person: Actor,
    conversation_id: UUID,
    option: ReplyOption,
    body: str,
    *,
    details: dict[str, Any],
    despite_quiet_hours: bool = False,
) -> UUID:
    tenant_id, now = _tenant_of(person), datetime.now(UTC)
    if quiet_until := option.quiet_until(now):
        if not despite_quiet_hours:
            raise Quiet(quiet_until)
        details = {**details, "in_quiet_hours": True}
    # The thread's row first: its lock makes ids, and so the order of sending, follow the order of commits.
    touched = sa.update(CONVERSATION).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id == conversation_id)
    await session.execute(
        touched.values(
            preview=rules.preview_of(body),
            message_count=CONVERSATION.c.message_count + 1,
            last_channel=option.kind,
            last_direction=Direction.OUT,
            last_message_at=now,
        )
    )
    message = Message(
        id=uuid7(),
        tenant_id=tenant_id,
        conversation_id=conversation_id,
        channel_kind=option.kind,
        direction=Direction.OUT,
        status=MessageStatus.QUEUED,
        body=body,
        our_number=option.our_number,
        lead_number=option.lead_number,
        author_id=person.user_id,
        author_name=person.name,
        details=details,
        created_at=now,
    )
    session.add(message)
    await session.flush()
    if quiet_until:
        await record(session, person, "message:sent-in-quiet-hours", str(message.id))
    await session.execute(_count_out(tenant_id))
    await job_queue.wake(session, "inbox.send_outbox", tenant_id)
    await announce(session, tenant_id)
    return message.id


def _count_out(tenant_id: UUID) -> sa.Executable:
    hour = sa.func.date_trunc("hour", sa.func.now(), "UTC")
    first = insert(HOUR).values(tenant_id=tenant_id, hour=hour, messages_in=0, messages_out=1, failures=0)
    return first.on_conflict_do_update(
        index_elements=["tenant_id", "hour"], set_={"messages_out": HOUR.c.messages_out + 1}
    )


def _tenant_of(person: Actor) -> UUID:
    if person.tenant_id is None:
        raise NotFound("This conversation does not exist.")
    return person.tenant_id


async def _lead_of(session: AsyncSession, tenant_id: UUID, conversation_id: UUID) -> Any:
    of_tenant = (TENANT.c.state.label("tenant_state"), TENANT.c.quiet_from, TENANT.c.quiet_until, TENANT.c.timezone)
    withdrawn = (consent.is_withdrawn(sa.literal(kind.value)).label(f"{kind.value}_withdrawn") for kind in SENDABLE)
    found = sa.select(LEAD.c.address, LEAD.c.blocked_at, *of_tenant, *withdrawn).where(
        TENANT.c.id == tenant_id,
        LEAD.c.tenant_id == TENANT.c.id,
        LEAD.c.id == CONVERSATION.c.lead_id,
        CONVERSATION.c.tenant_id == tenant_id,
        CONVERSATION.c.id == conversation_id,
    )
    lead = (await session.execute(found)).first()
    if lead is None:
        raise NotFound("This conversation does not exist.")
    return lead


async def _connected_numbers(session: AsyncSession, tenant_id: UUID) -> dict[ChannelKind, tuple[str, ...]]:
    found = sa.select(CHANNEL.c.kind, CHANNEL.c.phone_number).where(
        CHANNEL.c.tenant_id == tenant_id, CHANNEL.c.state == ChannelState.ACTIVE, CHANNEL.c.kind.in_(SENDABLE)
    )
    numbers: dict[ChannelKind, tuple[str, ...]] = {}
    for kind, number in await session.execute(found.order_by(CHANNEL.c.created_at)):
        numbers[kind] = (*numbers.get(kind, ()), number)
    return numbers


async def _latest_incoming(
    session: AsyncSession, tenant_id: UUID, conversation_id: UUID
) -> dict[ChannelKind, sa.RowMapping]:
    # One short walk down the thread's index for each kind, however long the thread is; one round trip for all.
    walks = [
        sa.select(MESSAGE.c.channel_kind, MESSAGE.c.our_number, MESSAGE.c.lead_number, MESSAGE.c.created_at)
        .where(
            MESSAGE.c.tenant_id == tenant_id,
            MESSAGE.c.conversation_id == conversation_id,
            MESSAGE.c.direction == Direction.IN,
            MESSAGE.c.channel_kind == kind,
        )
        .order_by(MESSAGE.c.id.desc())
        .limit(1)
        .subquery()
        for kind in SENDABLE
    ]
    rows = await session.execute(sa.union_all(*(sa.select(walk) for walk in walks)))
    return {row["channel_kind"]: row for row in rows.mappings()}


def _our_number(connected: tuple[str, ...], last: sa.RowMapping | None) -> str:
    # The number the lead wrote to, so that the answer lands in the same chat on their phone.
    written_to = str(last["our_number"]).removeprefix("whatsapp:") if last else ""
    return written_to if written_to in connected else next(iter(connected), "")


def _their_number(address: str, last: sa.RowMapping | None) -> str:
    # Of a person with two numbers, the one they wrote from last.
    wrote_from = str(last["lead_number"]).removeprefix("whatsapp:") if last else ""
    return wrote_from if is_phone_number(wrote_from) else address
