"""The outbox: rows of `message` on their way to Twilio. Claim, send and settle are three steps with a commit between.

A row is `queued` until claimed, `sending` while the request runs, `unknown` where no clear answer came. Only a `queued`
row is ever sent, so nothing is sent twice: a crash or time-out leaves `sending` or `unknown`, which is looked up at
Twilio instead of repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.db import announce
from tenant_portal.inbox import pacing, rules
from tenant_portal.inbox.activity import HOUR
from tenant_portal.inbox.queries import CONVERSATION, LEAD, MESSAGE
from tenant_portal.leads import consent
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, Direction, MessageStatus, TenantState
from tenant_portal.models.ids import earliest_id
from tenant_portal.twilio_gateway.error_codes import OPTED_OUT, OUTSIDE_WHATSAPP_WINDOW, describe, is_opt_out
from tenant_portal.twilio_gateway.errors import TwilioError
from tenant_portal.twilio_gateway.gateway import TwilioMessage

TENANT = metadata.tables["tenant"]
MOST_LOOK_UPS = 20
# Before the moment a row became unknown: the time-out of the request and its repeats.
LOOK_BACK = timedelta(minutes=5)
# Between the clock of a web process, which makes the ids of what it receives, and the database's.
ID_SLACK = timedelta(hours=1)
COLUMNS = ("id", "our_number", "lead_number", "body", "status_at", "details")
NOT_CONFIRMED = "Twilio did not confirm this message, and it is not in Twilio's list. Press Retry to send it again."
UNREACHABLE = "Twilio could not be reached for an hour, so this message was not sent. Press Retry to send it now."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way. After a claim the caller, and nobody else, may send it once; `status_at` is since when.

    `details` names the template that it is, if it is one.
    """

    id: UUID
    our_number: str
    lead_number: str
    body: str
    status_at: datetime
    details: dict[str, Any]


async def give_up_lost(session: AsyncSession, tenant_id: UUID) -> None:
    """Rows that were `sending` when their worker died become `unknown`, since the time they were claimed.

    To be called only where no other sender of this tenant runs: the job's lock sees to that.
    """
    lost = sa.update(MESSAGE).where(*_in_outbox(tenant_id, MessageStatus.SENDING))
    await session.execute(lost.values(status=MessageStatus.UNKNOWN))


async def claim(session: AsyncSession, tenant_id: UUID) -> Outgoing | None:
    """The oldest queued message that may go now, from here on `sending`; None if none may, or the tenant is suspended.

    Those before it that shall not go any more are failed: to leads who were blocked or have opted out meanwhile, and
    those that waited too long for Twilio.
    """
    while (oldest := await _oldest(session, tenant_id)) is not None:
        if (reason := _why_never(oldest)) is not None:
            await _fail(session, tenant_id, oldest.id, MessageStatus.FAILED, *reason)
            await announce(session, tenant_id)
        elif await pacing.take(session, tenant_id, oldest.our_number):
            return await _mark_sending(session, tenant_id, oldest.id)
        else:
            return None
    return None


def _why_never(message: sa.Row[Any]) -> tuple[int | None, str] | None:
    """Code and sentence of a message that shall not go any more."""
    if message.is_blocked:
        return None, rules.BLOCKED
    if message.opted_out:
        return OPTED_OUT, describe(OPTED_OUT)
    if message.is_outside_window:
        return OUTSIDE_WHATSAPP_WINDOW, describe(OUTSIDE_WHATSAPP_WINDOW)
    return (None, UNREACHABLE) if message.is_too_late else None


async def seconds_to_next(session: AsyncSession, tenant_id: UUID) -> float | None:
    """How long until the next queued message may go; None if none waits, or the tenant is suspended."""
    queued = sa.select(MESSAGE.c.our_number).where(*_in_outbox(tenant_id, MessageStatus.QUEUED), _is_active(tenant_id))
    return await pacing.seconds_to_next(session, tenant_id, queued.distinct().subquery())


async def _oldest(session: AsyncSession, tenant_id: UUID) -> sa.Row[Any] | None:
    too_old = MESSAGE.c.created_at < datetime.now(UTC) - rules.GIVE_UP_SENDING
    found = (
        sa.select(
            MESSAGE.c.id,
            MESSAGE.c.our_number,
            _of_lead(tenant_id, LEAD.c.blocked_at.is_not(None)).label("is_blocked"),
            _of_lead(tenant_id, consent.is_withdrawn(MESSAGE.c.channel_kind)).label("opted_out"),
            _is_outside_window(tenant_id).label("is_outside_window"),
            sa.and_(too_old, MESSAGE.c.next_attempt_at.is_not(None)).label("is_too_late"),
        )
        .where(*_in_outbox(tenant_id, MessageStatus.QUEUED), _is_active(tenant_id), *pacing.may_go(tenant_id))
        .order_by(MESSAGE.c.id)
        .limit(1)
        .with_for_update()
    )
    return (await session.execute(found)).first()


def _is_outside_window(tenant_id: UUID) -> sa.ColumnElement[bool]:
    """Whether it is a free text on WhatsApp to somebody whose 24 hours have ended while it waited."""
    received, start = MESSAGE.alias("received"), datetime.now(UTC) - rules.WHATSAPP_WINDOW
    lately = sa.exists().where(
        received.c.tenant_id == tenant_id,
        received.c.conversation_id == MESSAGE.c.conversation_id,
        # Ids follow time: without this a long thread whose lead writes elsewhere would be read to its beginning.
        received.c.id > earliest_id(start - ID_SLACK),
        received.c.direction == Direction.IN,
        received.c.channel_kind == ChannelKind.WHATSAPP,
        received.c.created_at > start,
    )
    is_text = sa.not_(MESSAGE.c.details.has_key("template"))
    return sa.and_(MESSAGE.c.channel_kind == ChannelKind.WHATSAPP, is_text, ~lately)


def _of_lead(tenant_id: UUID, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether this holds for the lead of the message."""
    return sa.exists().where(
        CONVERSATION.c.tenant_id == tenant_id,
        CONVERSATION.c.id == MESSAGE.c.conversation_id,
        LEAD.c.tenant_id == tenant_id,
        LEAD.c.id == CONVERSATION.c.lead_id,
        condition,
    )


async def _mark_sending(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> Outgoing:
    taken = (
        sa.update(MESSAGE)
        .where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id)
        .values(status=MessageStatus.SENDING, status_at=sa.func.now(), next_attempt_at=None)
        .returning(*(MESSAGE.c[name] for name in COLUMNS))
    )
    return Outgoing(**(await session.execute(taken)).mappings().one())


def _is_active(tenant_id: UUID) -> sa.ColumnElement[bool]:
    return sa.exists().where(TENANT.c.id == tenant_id, TENANT.c.state == TenantState.ACTIVE)


async def settle_sent(session: AsyncSession, tenant_id: UUID, message_id: UUID, sent: TwilioMessage) -> None:
    """Twilio has the message: keep its SID, and its status unless a callback has moved it further already."""
    status = rules.from_twilio(sent.status) or MessageStatus.ACCEPTED
    if status in rules.NOT_DELIVERED:
        await _fail(session, tenant_id, message_id, status, sent.error_code, describe(sent.error_code), sid=sent.sid)
        return
    row = sa.update(MESSAGE).where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id)
    await session.execute(row.values(provider_sid=sa.func.coalesce(MESSAGE.c.provider_sid, sent.sid)))
    await session.execute(
        row.where(MESSAGE.c.status.in_(rules.below(status))).values(status=status, status_at=sa.func.now())
    )


async def settle_refused(session: AsyncSession, tenant_id: UUID, message_id: UUID, error: TwilioError) -> None:
    """Twilio will never take this message: failed, with the reason in the thread."""
    await _fail(session, tenant_id, message_id, MessageStatus.FAILED, error.code, error.message)


async def settle_unknown(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> None:
    """No clear answer: it may have been sent. A callback that was faster keeps what it said."""
    row = sa.update(MESSAGE).where(
        MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id, MESSAGE.c.status == MessageStatus.SENDING
    )
    await session.execute(row.values(status=MessageStatus.UNKNOWN, status_at=sa.func.now()))


async def put_back(session: AsyncSession, tenant_id: UUID, message_id: UUID, pause: float, *, heard: bool) -> None:
    """Certainly not sent: queued again, while the whole tenant pauses, which keeps the order.

    What waits because Twilio could not be reached is given up after an hour; where Twilio was `heard`, it has time.
    """
    row = sa.update(MESSAGE).where(
        MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id, MESSAGE.c.status == MessageStatus.SENDING
    )
    until = None if heard else datetime.now(UTC) + timedelta(seconds=pause)
    await session.execute(row.values(status=MessageStatus.QUEUED, status_at=sa.func.now(), next_attempt_at=until))


async def list_unknown(session: AsyncSession, tenant_id: UUID) -> list[Outgoing]:
    """The oldest messages of which nobody knows whether they were sent."""
    found = sa.select(*(MESSAGE.c[name] for name in COLUMNS)).where(*_in_outbox(tenant_id, MessageStatus.UNKNOWN))
    rows = await session.execute(found.order_by(MESSAGE.c.id).limit(MOST_LOOK_UPS))
    return [Outgoing(**row) for row in rows.mappings()]


async def reconcile(
    session: AsyncSession, tenant_id: UUID, message: Outgoing, at_twilio: Sequence[TwilioMessage]
) -> bool:
    """Match an unknown message with what Twilio lists; whether it is settled now.

    Found: it takes that SID and status. Not found after the grace: failed, and a person decides whether to repeat it.
    Twilio gives back no mark of ours with a message, only in its callbacks: so of unknown messages that are alike the
    callbacks say first which is which, and the list alone decides only after the grace.
    """
    is_over = datetime.now(UTC) - message.status_at >= rules.RECONCILE_GRACE
    if not is_over and await _has_twin(session, tenant_id, message):
        return False
    known = await _known_sids(session, tenant_id, [one.sid for one in at_twilio])
    ours = [one for one in at_twilio if one.sid not in known and _is_same(one, message)]
    if ours:
        await settle_sent(session, tenant_id, message.id, min(ours, key=_age))
    elif is_over:
        await _fail(session, tenant_id, message.id, MessageStatus.FAILED, None, NOT_CONFIRMED)
    return bool(ours) or is_over


async def _has_twin(session: AsyncSession, tenant_id: UUID, message: Outgoing) -> bool:
    """Whether another unknown message says the same to the same lead."""
    same = (MESSAGE.c[name] == getattr(message, name) for name in ("our_number", "lead_number", "body"))
    others = sa.exists().where(*_in_outbox(tenant_id, MessageStatus.UNKNOWN), MESSAGE.c.id != message.id, *same)
    return bool(await session.scalar(sa.select(others)))


def _is_same(theirs: TwilioMessage, ours: Outgoing) -> bool:
    # Twilio trims and normalises the text a little; the numbers are already narrowed by the caller. Its filter by time
    # is about the sending, of which a message that still waits there has none.
    return (
        _age(theirs) >= ours.status_at - LOOK_BACK
        and theirs.from_ == ours.our_number
        and theirs.body.split() == ours.body.split()
    )


def _age(message: TwilioMessage) -> datetime:
    return message.created_at or datetime.max.replace(tzinfo=UTC)


async def _known_sids(session: AsyncSession, tenant_id: UUID, sids: list[str]) -> set[str]:
    found = sa.select(MESSAGE.c.provider_sid).where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.provider_sid.in_(sids))
    return set(await session.scalars(found))


async def _fail(
    session: AsyncSession,
    tenant_id: UUID,
    message_id: UUID,
    status: MessageStatus,
    code: int | None,
    text: str,
    *,
    sid: str | None = None,
) -> None:
    row = sa.update(MESSAGE).where(
        MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id, MESSAGE.c.status.in_(rules.below(status))
    )
    values = {
        "status": status,
        "status_at": sa.func.now(),
        "error_code": code,
        "error_text": text,
        "next_attempt_at": None,
        "provider_sid": sa.func.coalesce(MESSAGE.c.provider_sid, sid),
    }
    failed = (await session.execute(row.values(values).returning(MESSAGE.c.id))).first()
    if failed is None:
        return
    await session.execute(_count_failure(tenant_id))
    if is_opt_out(code):
        # Twilio knows of a STOP that we never saw, from before this number was ours for instance.
        await consent.note_refused(session, tenant_id, message_id)


def _count_failure(tenant_id: UUID) -> sa.Executable:
    hour = sa.func.date_trunc("hour", sa.func.now(), "UTC")
    first = insert(HOUR).values(tenant_id=tenant_id, hour=hour, messages_in=0, messages_out=0, failures=1)
    return first.on_conflict_do_update(index_elements=["tenant_id", "hour"], set_={"failures": HOUR.c.failures + 1})


def _in_outbox(tenant_id: UUID, status: MessageStatus) -> tuple[sa.ColumnElement[Any], ...]:
    # Says what the partial index says, so that it is used however many messages the tenant has.
    return (
        MESSAGE.c.tenant_id == tenant_id,
        MESSAGE.c.direction == sa.literal_column(f"'{Direction.OUT.value}'"),
        MESSAGE.c.status.in_([sa.literal_column(f"'{word}'") for word in ("queued", "sending", "unknown")]),
        MESSAGE.c.status == status,
    )
