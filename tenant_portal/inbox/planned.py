"""Messages that wait for their time: scheduled by a person, or held for the seconds in which sending can be undone.

A row waits until its job queues the message and deletes it, in one transaction: a killed worker leaves the one or the
other. Whoever cancels or changes it waits for that row, and then finds it gone.

What would go within the quiet hours of its lead moves to their end, unless its writer chose to send it all the same.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue
from tenant_portal.audit import service as audit
from tenant_portal.config import settings
from tenant_portal.db import announce
from tenant_portal.errors import Conflict, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import rules
from tenant_portal.inbox.service import Quiet, fill_template, queue, reply_options
from tenant_portal.models import PlannedMessage, metadata
from tenant_portal.models.enums import ChannelKind, PlannedState

PLANNED = metadata.tables["planned_message"]
SEND_PLANNED = "inbox.send_planned"
BATCH = 20
# In one thread; more than anybody keeps an eye on.
MOST = 50
GONE = "This message has already been sent or canceled."


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A message that waits, or was `refused` for a reason. `channel_kind` None: the way preferred at its time.

    `details` name the template that it is, if it is one.
    """

    id: UUID
    channel_kind: ChannelKind | None
    body: str
    details: dict[str, Any]
    state: PlannedState
    due_at: datetime
    reason: str
    author_id: UUID | None
    author_name: str


@dataclass(frozen=True, slots=True)
class _Author:
    tenant_id: UUID
    user_id: UUID | None
    name: str


@dataclass(frozen=True, slots=True)
class _Text:
    """What is to go, cleaned."""

    body: str
    kind: ChannelKind | None
    details: dict[str, Any] = field(default_factory=dict)
    despite_quiet_hours: bool = False


async def hold(
    session: AsyncSession,
    person: Person,
    conversation_id: UUID,
    body: str,
    kind: ChannelKind | None,
    *,
    despite_quiet_hours: bool = False,
) -> None:
    """Send an answer after the seconds in which it can be undone; at once where a setting leaves none.

    BadInput and Conflict as for `service.queue_reply`.
    """
    text = _Text(rules.clean_body(body), kind, despite_quiet_hours=despite_quiet_hours)
    if seconds := settings().undo_send_seconds:
        due_at = datetime.now(UTC) + timedelta(seconds=seconds)
        await _plan(session, person, conversation_id, text, PlannedState.HELD, due_at)
    else:
        await _send_or_plan(session, person, conversation_id, text)


async def send_template(
    session: AsyncSession,
    person: Person,
    conversation_id: UUID,
    template_id: UUID,
    values: Mapping[str, str],
    *,
    despite_quiet_hours: bool = False,
) -> None:
    """Send an approved template, filled in, at once or after the quiet hours.

    BadInput and Conflict as for `service.fill_template` and `service.queue`.
    """
    body, details = await fill_template(session, person, template_id, values)
    text = _Text(body, ChannelKind.WHATSAPP, details, despite_quiet_hours)
    await _send_or_plan(session, person, conversation_id, text)


async def schedule(
    session: AsyncSession,
    person: Person,
    conversation_id: UUID,
    body: str,
    kind: ChannelKind | None,
    until: str,
    now: datetime,
) -> UUID:
    """Send a message at `until`, ISO 8601 with a zone, or after the quiet hours in which that is; its id.

    Whether it can be sent then is decided then.

    BadInput, or Conflict where the lead cannot be written to now.
    """
    text = _Text(rules.clean_body(body), kind)
    row = await _plan(session, person, conversation_id, text, PlannedState.SCHEDULED, rules.planned_time(until, now))
    thread, at = str(conversation_id), row.due_at.isoformat()
    await audit.record(session, person, "conversation:message-scheduled", thread, at=at)
    return row.id


async def change(session: AsyncSession, person: Person, planned_id: UUID, body: str, until: str, now: datetime) -> None:
    """Another text and time for what is scheduled or was refused; NotFound once it is sent.

    A template keeps its text, which WhatsApp has approved.
    """
    row = await _locked(session, _tenant_of(person), planned_id)
    due_at = rules.planned_time(until, now)
    row.body = row.body if row.details else rules.clean_body(body)
    option = (await reply_options(session, row.tenant_id, row.conversation_id)).of(row.channel_kind)
    row.due_at, row.despite_quiet_hours = option.quiet_until(due_at) or due_at, False
    row.state, row.reason = PlannedState.SCHEDULED, ""
    row.author_id, row.author_name = person.user_id, person.name
    thread, at = str(row.conversation_id), row.due_at.isoformat()
    await audit.record(session, person, "conversation:schedule-changed", thread, at=at)
    await _wake(session, row.tenant_id, row.due_at)
    await announce(session, row.tenant_id)


async def cancel(session: AsyncSession, person: Person, planned_id: UUID) -> PlannedRow:
    """Do not send it, or no longer show that it was refused; what it was. NotFound once it is sent."""
    row = await _locked(session, _tenant_of(person), planned_id)
    await session.delete(row)
    action = "conversation:send-undone" if row.state is PlannedState.HELD else "conversation:message-unscheduled"
    await audit.record(session, person, action, str(row.conversation_id))
    await announce(session, row.tenant_id)
    return PlannedRow(**{name: getattr(row, name) for name in PlannedRow.__slots__})


async def list_planned(session: AsyncSession, tenant_id: UUID, conversation_id: UUID) -> list[PlannedRow]:
    """What waits in a thread, and what was refused; the first due first."""
    found = sa.select(*(PLANNED.c[name] for name in PlannedRow.__slots__)).where(
        PLANNED.c.tenant_id == tenant_id, PLANNED.c.conversation_id == conversation_id
    )
    rows = await session.execute(found.order_by(PLANNED.c.due_at, PLANNED.c.id).limit(MOST))
    return [PlannedRow(**row) for row in rows.mappings()]


async def list_due(session: AsyncSession, tenant_id: UUID) -> list[UUID]:
    """Ids of what has to go now, the longest due first."""
    due = sa.select(PLANNED.c.id).where(*_waiting(tenant_id), PLANNED.c.due_at <= sa.func.now())
    return list(await session.scalars(due.order_by(PLANNED.c.due_at, PLANNED.c.id).limit(BATCH)))


async def send(session: AsyncSession, tenant_id: UUID, planned_id: UUID) -> None:
    """Put what is due into the outbox, or say why it cannot go; nothing if it has been sent, changed or canceled."""
    due = sa.select(PlannedMessage).where(*_waiting(tenant_id), PLANNED.c.id == planned_id)
    row = await session.scalar(due.where(PLANNED.c.due_at <= sa.func.now()).with_for_update())
    if row is None:
        return
    author = _Author(tenant_id, row.author_id, row.author_name)
    try:
        await queue(
            session,
            author,
            row.conversation_id,
            row.body,
            row.channel_kind,
            details=row.details,
            despite_quiet_hours=row.despite_quiet_hours,
        )
    except Quiet as quiet:
        row.state, row.due_at = PlannedState.SCHEDULED, quiet.until
        await announce(session, tenant_id)
        return
    except Conflict as refusal:
        row.state, row.reason = PlannedState.REFUSED, refusal.message
        await announce(session, tenant_id)
        return
    await session.delete(row)


async def wake_for_next(session: AsyncSession, tenant_id: UUID) -> None:
    """Have the job come again when the next one is due."""
    first = await session.scalar(sa.select(sa.func.min(PLANNED.c.due_at)).where(*_waiting(tenant_id)))
    if first is not None:
        await _wake(session, tenant_id, first)


async def _send_or_plan(session: AsyncSession, person: Person, conversation_id: UUID, text: _Text) -> None:
    with suppress(Quiet):
        await queue(
            session,
            person,
            conversation_id,
            text.body,
            text.kind,
            details=text.details,
            despite_quiet_hours=text.despite_quiet_hours,
        )
        return
    await _plan(session, person, conversation_id, text, PlannedState.SCHEDULED, datetime.now(UTC))


async def _plan(
    session: AsyncSession,
    person: Person,
    conversation_id: UUID,
    text: _Text,
    state: PlannedState,
    due_at: datetime,
) -> PlannedMessage:
    tenant_id = _tenant_of(person)
    option = (await reply_options(session, tenant_id, conversation_id)).of(text.kind)
    if reason := option.why_not(text.details):
        raise Conflict(reason)
    if not text.despite_quiet_hours and (quiet_until := option.quiet_until(due_at)):
        state, due_at = PlannedState.SCHEDULED, quiet_until
    if len(await list_planned(session, tenant_id, conversation_id)) >= MOST:
        raise Conflict(f"{MOST} messages wait in this conversation already, which is the most.")
    row = PlannedMessage(
        tenant_id=tenant_id,
        conversation_id=conversation_id,
        channel_kind=text.kind,
        body=text.body,
        details=text.details,
        despite_quiet_hours=text.despite_quiet_hours,
        state=state,
        due_at=due_at,
        author_id=person.user_id,
        author_name=person.name,
    )
    session.add(row)
    await session.flush()
    await _wake(session, tenant_id, due_at)
    await announce(session, tenant_id)
    return row


async def _wake(session: AsyncSession, tenant_id: UUID, due_at: datetime) -> None:
    seconds = max(0.0, (due_at - datetime.now(UTC)).total_seconds())
    await job_queue.wake(session, SEND_PLANNED, tenant_id, delay_seconds=seconds)


async def _locked(session: AsyncSession, tenant_id: UUID, planned_id: UUID) -> PlannedMessage:
    found = sa.select(PlannedMessage).where(PLANNED.c.tenant_id == tenant_id, PLANNED.c.id == planned_id)
    row = await session.scalar(found.with_for_update())
    if row is None:
        raise NotFound(GONE)
    return row


def _waiting(tenant_id: UUID) -> tuple[sa.ColumnElement[Any], ...]:
    # As the partial index says it.
    return PLANNED.c.tenant_id == tenant_id, PLANNED.c.state != sa.literal_column(f"'{PlannedState.REFUSED.value}'")


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotFound(GONE)
    return person.tenant_id
