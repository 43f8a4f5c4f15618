"""Whose a thread is, and whether it is open, snoozed or closed. One thread or many; a change is a line in each."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue
from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.inbox import rules
from tenant_portal.inbox.queries import CONVERSATION, READING
from tenant_portal.models import ThreadEvent
from tenant_portal.models.enums import ConversationState, ThreadEventKind

END_SNOOZES = "inbox.end_snoozes"
Threads = Sequence[UUID]


async def close(session: AsyncSession, person: Person, threads: Threads) -> int:
    """Nothing is left to do here until the lead writes again; how many threads were not closed before.

    NotFound, and nothing is changed, if one of the threads is not this tenant's; as for everything here.
    """
    values = {"state": ConversationState.CLOSED, "snoozed_until": None}
    is_news = CONVERSATION.c.state != ConversationState.CLOSED
    return await _change(session, person, threads, values, is_news, ThreadEventKind.CLOSED)


async def reopen(session: AsyncSession, person: Person, threads: Threads) -> int:
    """Back among the open ones, from closed or snoozed."""
    values = {"state": ConversationState.OPEN, "snoozed_until": None}
    is_news = CONVERSATION.c.state != ConversationState.OPEN
    return await _change(session, person, threads, values, is_news, ThreadEventKind.REOPENED)


async def snooze(session: AsyncSession, person: Person, threads: Threads, until: str, now: datetime) -> int:
    """Out of sight until then, or until the lead writes. `until` is ISO 8601 with a zone; BadInput for another."""
    at = rules.snooze_end(until, now)
    values = {"state": ConversationState.SNOOZED, "snoozed_until": at}
    is_news = CONVERSATION.c.snoozed_until.is_distinct_from(at)
    changed = await _change(session, person, threads, values, is_news, ThreadEventKind.SNOOZED, until=at)
    await job_queue.wake(session, END_SNOOZES, _tenant_of(person), delay_seconds=(at - now).total_seconds())
    return changed


async def assign(session: AsyncSession, person: Person, threads: Threads, user_id: UUID | None) -> int:
    """Give threads to a member of the team, or to nobody. BadInput for whoever is not in it."""
    name = ""
    if user_id is not None:
        members = await list_members(session, _tenant_of(person))
        name = next((member.name for member in members if member.user_id == user_id), "")
        if not name:
            raise BadInput("This person is not in your team.", field="assignee")
    kind = ThreadEventKind.ASSIGNED if name else ThreadEventKind.UNASSIGNED
    is_news = CONVERSATION.c.assignee_id.is_distinct_from(user_id)
    return await _change(session, person, threads, {"assignee_id": user_id}, is_news, kind, subject_name=name)


async def end_snoozes(session: AsyncSession, tenant_id: UUID) -> float | None:
    """Open what was snoozed until now, as something new to whom it belongs; seconds to the next one, None without."""
    over = sa.update(CONVERSATION).where(
        CONVERSATION.c.tenant_id == tenant_id,
        CONVERSATION.c.state == ConversationState.SNOOZED,
        CONVERSATION.c.snoozed_until <= sa.func.now(),
    )
    opened = over.values(state=ConversationState.OPEN, snoozed_until=None).returning(CONVERSATION.c.id)
    woken = list(await session.scalars(opened))
    session.add_all(_event(tenant_id, thread, ThreadEventKind.WOKEN) for thread in woken)
    if woken:
        await session.execute(_as_news(tenant_id, woken))
        await announce(session, tenant_id)
    waiting = sa.select(sa.func.min(CONVERSATION.c.snoozed_until)).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.state == ConversationState.SNOOZED
    )
    following = await session.scalar(waiting)
    return max(0.0, (following - datetime.now(UTC)).total_seconds()) if following else None


async def _change(
    session: AsyncSession,
    person: Person,
    threads: Threads,
    values: dict[str, Any],
    is_news: sa.ColumnElement[bool],
    kind: ThreadEventKind,
    **told: Any,
) -> int:
    tenant_id = _tenant_of(person)
    details: dict[str, Any] = {
        name: value if isinstance(value, str) else value.isoformat() for name, value in told.items()
    }
    await lock(session, tenant_id, threads)
    found = sa.update(CONVERSATION).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id.in_(threads), is_news
    )
    changed = list(await session.scalars(found.values(values).returning(CONVERSATION.c.id)))
    for thread in changed:
        session.add(_event(tenant_id, thread, kind, actor_id=person.user_id, actor_name=person.name, **told))
        await audit.record(session, person, f"conversation:{kind.value}", str(thread), **details)
    if changed:
        await announce(session, tenant_id)
    return len(changed)


async def lock(session: AsyncSession, tenant_id: UUID, threads: Threads) -> None:
    """Hold these threads until the commit; NotFound if one of them is not this tenant's."""
    # In one order, so that two people who change the same many threads do not wait for each other.
    found = sa.select(CONVERSATION.c.id).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id.in_(threads))
    if len(list(await session.scalars(found.order_by(CONVERSATION.c.id).with_for_update()))) != len(set(threads)):
        raise NotFound("This conversation does not exist.")


def _event(tenant_id: UUID, thread: UUID, kind: ThreadEventKind, **told: Any) -> ThreadEvent:
    return ThreadEvent(tenant_id=tenant_id, conversation_id=thread, kind=kind, **told)


def _as_news(tenant_id: UUID, threads: Threads) -> sa.Executable:
    return (
        sa.update(READING)
        .where(
            READING.c.tenant_id == tenant_id,
            READING.c.conversation_id.in_(threads),
            CONVERSATION.c.tenant_id == tenant_id,
            CONVERSATION.c.id == READING.c.conversation_id,
            CONVERSATION.c.unread_count > 0,
            sa.or_(CONVERSATION.c.assignee_id.is_(None), CONVERSATION.c.assignee_id == READING.c.user_id),
        )
        .values(read_count=sa.func.least(READING.c.read_count, CONVERSATION.c.unread_count - 1))
    )


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotFound("This conversation does not exist.")
    return person.tenant_id
