"""What a person has begun to write in a thread: theirs alone, and in each of their browsers."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.identity.queries import Person
from tenant_portal.inbox.queries import CONVERSATION
from tenant_portal.inbox.rules import MAX_BODY
from tenant_portal.models import metadata

DRAFT = metadata.tables["draft"]


async def get_draft(session: AsyncSession, person: Person, conversation_id: UUID) -> str:
    """The text as it was left; empty where there is none."""
    return await session.scalar(sa.select(DRAFT.c.body).where(*_of(person, conversation_id))) or ""


async def keep_draft(session: AsyncSession, person: Person, conversation_id: UUID, body: str) -> None:
    """Keep the text as it is now; an empty one, and one in a thread that is not this tenant's, is not kept."""
    body = body.replace("\x00", "")[:MAX_BODY]
    if not body.strip():
        await session.execute(sa.delete(DRAFT).where(*_of(person, conversation_id)))
        return
    known = sa.select(
        CONVERSATION.c.tenant_id, sa.literal(person.user_id), CONVERSATION.c.id, sa.literal(body), sa.func.now()
    ).where(CONVERSATION.c.tenant_id == person.tenant_id, CONVERSATION.c.id == conversation_id)
    row = insert(DRAFT).from_select(["tenant_id", "user_id", "conversation_id", "body", "changed_at"], known)
    newer = {"body": row.excluded.body, "changed_at": row.excluded.changed_at}
    keys = ["tenant_id", "user_id", "conversation_id"]
    await session.execute(row.on_conflict_do_update(index_elements=keys, set_=newer))


def _of(person: Person, conversation_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        DRAFT.c.tenant_id == person.tenant_id,
        DRAFT.c.user_id == person.user_id,
        DRAFT.c.conversation_id == conversation_id,
    )
