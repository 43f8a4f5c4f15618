"""What the team says to each other in a thread, and what happened to it; nothing of this is ever sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.audit import service as audit
from tenant_portal.errors import NotFound
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.inbox import rules
from tenant_portal.inbox.queries import CONVERSATION
from tenant_portal.leads import service as leads
from tenant_portal.models import NoteMention, metadata
from tenant_portal.models.enums import ThreadEventKind

EVENT = metadata.tables["thread_event"]
NOTE = metadata.tables["lead_note"]
# Beside a page of messages; somebody who wrote more notes than that finds the rest on the lead's page.
MOST = 200


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened to a thread. Without an actor the lead or the portal did it."""

    id: UUID
    kind: ThreadEventKind
    actor_name: str
    subject_name: str
    until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ThreadNote:
    """A note of the team about the lead of a thread."""

    id: UUID
    author_name: str
    body: str
    created_at: datetime


async def add_note(session: AsyncSession, person: Person, conversation_id: UUID, body: str) -> UUID:
    """Write a note into the thread; the id of it. Colleagues whom it names with @ find it among their mentions."""
    tenant_id = person.tenant_id
    found = sa.select(CONVERSATION.c.lead_id).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id == conversation_id
    )
    lead_id = await session.scalar(found)
    if lead_id is None or tenant_id is None:
        raise NotFound("This conversation does not exist.")
    note_id = await leads.add_note(session, person, lead_id, body)
    team = {member.user_id: member.name for member in await list_members(session, tenant_id)}
    named = [user_id for user_id in rules.mentioned(body, team) if user_id != person.user_id]
    session.add_all(
        NoteMention(tenant_id=tenant_id, note_id=note_id, user_id=user_id, conversation_id=conversation_id)
        for user_id in named
    )
    names = [team[user_id] for user_id in named]
    await audit.record(session, person, "conversation:noted", str(conversation_id), mentioned=names)
    return note_id


async def list_events(
    session: AsyncSession, tenant_id: UUID, conversation_id: UUID, since: UUID | None
) -> list[EventRow]:
    """What happened to a thread from this id on, or from its beginning; oldest first."""
    columns = [EVENT.c[name] for name in ("id", "kind", "actor_name", "subject_name", "until", "created_at")]
    found = sa.select(*columns).where(EVENT.c.tenant_id == tenant_id, EVENT.c.conversation_id == conversation_id)
    if since is not None:
        found = found.where(EVENT.c.id >= since)
    rows = (await session.execute(found.order_by(EVENT.c.id.desc()).limit(MOST))).mappings().all()
    return [EventRow(**row) for row in reversed(rows)]


async def list_notes(session: AsyncSession, tenant_id: UUID, lead_id: UUID, since: UUID | None) -> list[ThreadNote]:
    """Notes about a lead from this id on, or from the first; oldest first."""
    columns = [NOTE.c[name] for name in ("id", "author_name", "body", "created_at")]
    found = sa.select(*columns).where(NOTE.c.tenant_id == tenant_id, NOTE.c.lead_id == lead_id)
    if since is not None:
        found = found.where(NOTE.c.id >= since)
    rows = (await session.execute(found.order_by(NOTE.c.id.desc()).limit(MOST))).mappings().all()
    return [ThreadNote(**row) for row in reversed(rows)]
