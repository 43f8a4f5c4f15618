"""What each person has read. One row for a person and a thread, written when they read and never by a message."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.db import announce
from tenant_portal.errors import NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.inbox.organise import lock
from tenant_portal.inbox.queries import CONVERSATION, MENTION, READING


async def mark_read(session: AsyncSession, person: Person, threads: Sequence[UUID]) -> bool:
    """This person has seen all of these threads; whether that is news. Threads of others are left out."""
    tenant_id = _tenant_of(person)
    is_news = await _set_position(session, person, tenant_id, threads, CONVERSATION.c.unread_count)
    seen = sa.update(MENTION).where(
        MENTION.c.tenant_id == tenant_id,
        MENTION.c.user_id == person.user_id,
        MENTION.c.conversation_id.in_(threads),
        MENTION.c.seen_at.is_(None),
    )
    mentions = await session.execute(seen.values(seen_at=sa.func.now()).returning(MENTION.c.note_id))
    if is_news or mentions.first():
        # The person's other tabs show it too.
        await announce(session, tenant_id)
        return True
    return False


async def mark_unread(session: AsyncSession, person: Person, threads: Sequence[UUID]) -> bool:
    """The last message of each of these threads is new to this person again; NotFound if one is not this tenant's."""
    tenant_id = _tenant_of(person)
    await lock(session, tenant_id, threads)
    before_last = sa.func.greatest(CONVERSATION.c.unread_count - 1, 0)
    is_news = await _set_position(session, person, tenant_id, threads, before_last)
    if is_news:
        await announce(session, tenant_id)
    return is_news


async def _set_position(
    session: AsyncSession,
    person: Person,
    tenant_id: UUID,
    threads: Sequence[UUID],
    position: sa.ColumnElement[int],
) -> bool:
    columns = ("tenant_id", "user_id", "conversation_id", "read_count")
    user = sa.literal(person.user_id, sa.Uuid())
    positions = sa.select(CONVERSATION.c.tenant_id, user, CONVERSATION.c.id, position).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id.in_(threads)
    )
    statement = insert(READING).from_select(columns, positions.order_by(CONVERSATION.c.id))
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "user_id", "conversation_id"],
        set_={"read_count": statement.excluded.read_count},
        where=READING.c.read_count != statement.excluded.read_count,
    )
    return (await session.execute(statement.returning(READING.c.conversation_id))).first() is not None


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotFound("This conversation does not exist.")
    return person.tenant_id
