"""The text to a caller whom nobody answered: decided once for each call, in the transaction that queues it.

The end of a call makes the row (front_door.store_call_end, once however often Twilio tells of it); this decides what
becomes of it. A row that waits for the end of the caller's night is decided again then, with what has happened since.

Who must not be written to at all (opted out, blocked, no channel) is the inbox's word: `inbox.service.queue_automatic`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue
from tenant_portal.audit.service import record
from tenant_portal.db import announce
from tenant_portal.errors import Conflict
from tenant_portal.inbox.queries import CONVERSATION, LEAD, MESSAGE
from tenant_portal.inbox.service import CHANNEL, Quiet, queue_automatic
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, ChannelState, Direction, TextBackState
from tenant_portal.tenants.rules import end_of_quiet, zones_of
from tenant_portal.voicemail import answering, rules

TEXT_BACK = metadata.tables["text_back"]
TASK = "voicemail.text_back"
# Twilio tells how ringing went at about the time at which it tells that the call has ended.
RINGING_PATIENCE, RINGING_STEP = timedelta(minutes=2), timedelta(seconds=10)
TURNED_OFF = "The text to missed callers was turned off."
AT_NIGHT = "It is night where the caller is."


@dataclass(frozen=True, slots=True)
class Portal:
    """The portal itself, as the one who writes."""

    tenant_id: UUID
    user_id: UUID | None = None
    name: str = "Automatic text"


async def list_due(session: AsyncSession, tenant_id: UUID, limit: int) -> list[UUID]:
    """Ids of what has to be decided now, the longest due first."""
    waiting = sa.select(TEXT_BACK.c.id).where(*_waiting(tenant_id), TEXT_BACK.c.due_at <= sa.func.now())
    return list(await session.scalars(waiting.order_by(TEXT_BACK.c.due_at).limit(limit)))


async def seconds_to_next(session: AsyncSession, tenant_id: UUID) -> float | None:
    """How long until something has to be decided; None if nothing waits."""
    first = sa.func.min(TEXT_BACK.c.due_at)
    seconds = await session.scalar(sa.select(sa.extract("epoch", first - sa.func.now())).where(*_waiting(tenant_id)))
    return None if seconds is None else max(0.0, float(seconds))


async def decide(session: AsyncSession, tenant_id: UUID, text_back_id: UUID, at: datetime) -> None:
    """Send the text, put it off, or leave it, and say why. What is decided already stays."""
    call = await _locked(session, tenant_id, text_back_id)
    if call is None:
        return
    wanted = (call.config or {}).get("text_back") or {}
    if not wanted.get("is_on"):
        await _settle(session, tenant_id, text_back_id, TextBackState.SKIPPED, TURNED_OFF)
    elif reason := rules.why_no_text(await _missed(session, tenant_id, call, int(wanted["window_hours"]), at)):
        await _settle(session, tenant_id, text_back_id, TextBackState.SKIPPED, reason)
    elif _may_still_be_answered(call, at):
        await put_off(session, tenant_id, text_back_id, at + RINGING_STEP, "")
    elif (morning := _end_of_night(call, wanted, at)) > at:
        await put_off(session, tenant_id, text_back_id, morning, AT_NIGHT)
    else:
        await _send(session, tenant_id, text_back_id, call, str(wanted["text"]))
    await announce(session, tenant_id)


async def _locked(session: AsyncSession, tenant_id: UUID, text_back_id: UUID) -> Any:
    """The row with its call, both locked against whoever else decides; None if it is decided."""
    row = sa.select(TEXT_BACK.c.message_id).where(*_waiting(tenant_id), TEXT_BACK.c.id == text_back_id)
    message_id = await session.scalar(row.with_for_update())
    if message_id is None:
        return None
    found = (
        sa.select(MESSAGE, LEAD.c.address, CHANNEL.c.config)
        .select_from(MESSAGE)
        .join(CONVERSATION, _same(CONVERSATION, MESSAGE.c.conversation_id, tenant_id))
        .join(LEAD, _same(LEAD, CONVERSATION.c.lead_id, tenant_id))
        .outerjoin(
            CHANNEL,
            sa.and_(
                CHANNEL.c.tenant_id == tenant_id,
                CHANNEL.c.kind == ChannelKind.VOICEMAIL,
                CHANNEL.c.phone_number == MESSAGE.c.our_number,
                CHANNEL.c.state != ChannelState.DISCONNECTED,
            ),
        )
        .where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id)
    )
    # The thread's row: two calls of one caller are decided one after the other.
    return (await session.execute(found.with_for_update(of=CONVERSATION))).one()


def _same(table: sa.Table, own_id: sa.ColumnElement[UUID], tenant_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.tenant_id == tenant_id, table.c.id == own_id)


async def _missed(session: AsyncSession, tenant_id: UUID, call: Any, window_hours: int, at: datetime) -> rules.Missed:
    in_thread = (MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id == call.conversation_id)
    texted = sa.exists().where(
        *in_thread,
        TEXT_BACK.c.tenant_id == tenant_id,
        TEXT_BACK.c.message_id == MESSAGE.c.id,
        sa.or_(
            sa.and_(
                TEXT_BACK.c.state == TextBackState.SENT,
                TEXT_BACK.c.settled_at > at - timedelta(hours=window_hours),
            ),
            # An earlier call of this caller waits for the morning: one text is enough for both.
            sa.and_(TEXT_BACK.c.state == TextBackState.WAITING, MESSAGE.c.id < call.id),
        ),
    )
    written = sa.exists().where(
        *in_thread,
        MESSAGE.c.id > call.id,
        MESSAGE.c.direction == Direction.OUT,
        MESSAGE.c.author_id.is_not(None),
    )
    was_texted, was_written = (await session.execute(sa.select(texted, written))).one()
    answered = "answered_seconds" in call.details
    return rules.Missed(call.address, answered, call.handled_at is not None, was_texted, was_written)


def _may_still_be_answered(call: Any, at: datetime) -> bool:
    rings = answering.ringing_of(call.config, call.created_at) is not None
    return rings and "dial_status" not in call.details and at < call.created_at + RINGING_PATIENCE


def _end_of_night(call: Any, wanted: dict[str, Any], at: datetime) -> datetime:
    zones = zones_of(call.address, otherwise=(call.config.get("hours") or {}).get("timezone", "UTC"))
    return end_of_quiet(at, zones, str(wanted["quiet_from"]), str(wanted["quiet_until"]))


async def _send(session: AsyncSession, tenant_id: UUID, text_back_id: UUID, call: Any, text: str) -> None:
    portal = Portal(tenant_id)
    try:
        sent = await queue_automatic(session, portal, call.conversation_id, text, our_number=call.our_number)
    except Quiet as quiet:
        await put_off(session, tenant_id, text_back_id, quiet.until, AT_NIGHT)
        return
    except Conflict as refusal:
        await _settle(session, tenant_id, text_back_id, TextBackState.SKIPPED, refusal.message)
        return
    await _settle(session, tenant_id, text_back_id, TextBackState.SENT, "", sent_as=sent)
    await record(session, portal, "call:texted-back", str(call.id))


async def put_off(session: AsyncSession, tenant_id: UUID, text_back_id: UUID, due_at: datetime, reason: str) -> None:
    """Have it decided later."""
    row = sa.update(TEXT_BACK).where(TEXT_BACK.c.tenant_id == tenant_id, TEXT_BACK.c.id == text_back_id)
    await session.execute(row.values(due_at=due_at, reason=reason))


async def _settle(
    session: AsyncSession,
    tenant_id: UUID,
    text_back_id: UUID,
    state: TextBackState,
    reason: str,
    sent_as: UUID | None = None,
) -> None:
    row = sa.update(TEXT_BACK).where(TEXT_BACK.c.tenant_id == tenant_id, TEXT_BACK.c.id == text_back_id)
    values = {"state": state, "reason": reason, "sent_as": sent_as, "settled_at": sa.func.now()}
    await session.execute(row.values(values))


def _waiting(tenant_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    is_waiting = TEXT_BACK.c.state == sa.literal_column(f"'{TextBackState.WAITING.value}'")
    return TEXT_BACK.c.tenant_id == tenant_id, is_waiting


async def wake_for_next(session: AsyncSession, tenant_id: UUID) -> None:
    """Have the job come again when the next one is due."""
    seconds = await seconds_to_next(session, tenant_id)
    if seconds is not None:
        await job_queue.wake(session, TASK, tenant_id, delay_seconds=seconds)
