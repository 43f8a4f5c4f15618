"""Messages that wait for their time: scheduled by a person, or held for the seconds in which sending can be undone.

A row waits until its job queues the message and deletes it, in one transaction: a killed worker leaves the one or the
other. Whoever cancels or changes it waits for that row, and then finds it gone.
"""

from dataclasses import dataclass
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
from tenant_portal.inbox.service import queue_reply, reply_options
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
    """A message that waits, or was `refused` for a reason. `channel_kind` None: the way preferred at its time."""

    id: UUID
    channel_kind: ChannelKind | None
    body: str
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


async def hold(
    session: AsyncSession, person: Person, conversation_id: UUID, body: str, kind: ChannelKind | None
) -> None:
    """Send an answer after the seconds in which it can be undone; at once where a setting leaves none.

    BadInput and Conflict as for `service.queue_reply`.
    """
    seconds = settings().undo_send_seconds
    if not seconds:
        await queue_reply(session, person, conversation_id, body, kind)
        return
    due_at = datetime.now(UTC) + timedelta(seconds=seconds)
    await _plan(session, person, conversation_id, body, kind, PlannedState.HELD, due_at)


async def schedule(
    session: AsyncSession,
    person: Person,
    conversation_id: UUID,
    body: str,
    kind: ChannelKind | None,
    until: str,
    now: datetime,
) -> UUID:
    """Send a message at `until`, ISO 8601 with a zone; its id. Whether it can be sent then is decided then.

    BadInput, or Conflict where the lead cannot be written to now.
    """
    due_at = rules.planned_time(until, now)
    planned_id = await _plan(session, person, conversation_id, body, kind, PlannedState.SCHEDULED, due_at)
    await audit.record(session, person, "conversation:message-scheduled", str(conversation_id), at=due_at.isoformat())
    return planned_id


async def change(session: AsyncSession, person: Person, planned_id: UUID, body: str, until: str, now: datetime) -> None:
    """Another text and time for what is scheduled or was refused; NotFound once it is sent."""
    row = await _locked(session, _tenant_of(person), planned_id)
    row.body, row.due_at = rules.clean_body(body), rules.planned_time(until, now)
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
        await queue_reply(session, author, row.conversation_id, row.body, row.channel_kind)
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


async def _plan(
    session: AsyncSession,
    person: Person,
    conversation_id: UUID,
    body: str,
    kind: ChannelKind | None,
    state: PlannedState,
    due_at: datetime,
) -> UUID:
    tenant_id, body = _tenant_of(person), rules.clean_body(body)
    option = (await reply_options(session, tenant_id, conversation_id)).of(kind)
    if option.reason:
        raise Conflict(option.reason)
    if len(await list_planned(session, tenant_id, conversation_id)) >= MOST:
        raise Conflict(f"{MOST} messages wait in this conversation already, which is the most.")
    row = PlannedMessage(
        tenant_id=tenant_id,
        conversation_id=conversation_id,
        channel_kind=kind,
        body=body,
        state=state,
        due_at=due_at,
        author_id=person.user_id,
        author_name=person.name,
    )
    session.add(row)
    await session.flush()
    await _wake(session, tenant_id, due_at)
    await announce(session, tenant_id)
    return row.id


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
