"""Finding messages by their words. What the database's functions do is told in migration 0017."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.inbox.queries import CONVERSATION, LEAD, MESSAGE, VOICEMAIL
from tenant_portal.models.enums import ChannelKind, Direction

HITS_PAGE = 20
MOST_WORDS = 8
# Characters that are shown before and after the first word found.
CONTEXT_BEFORE, CONTEXT_AFTER = 40, 110
WORD = re.compile(r"[^\W_]+")
LATEST = sa.text("select search.latest(:words, cast(:before as uuid), :limit)")
TAKEN_IN = sa.text("select search.messages(:words, cast(:before as uuid), :limit)")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a snippet; `is_hit` where it is what was looked for."""

    text: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that has all the words, with its thread and what names the lead."""

    id: UUID
    conversation_id: UUID
    lead_id: UUID
    channel_kind: ChannelKind
    direction: Direction
    created_at: datetime
    text: str
    address: str
    name: str
    profile_name: str


def words_of(search: str) -> list[str]:
    """What is looked for: letters and digits, small, each once; at most MOST_WORDS."""
    return list(dict.fromkeys(WORD.findall(search.lower())))[:MOST_WORDS]


async def find_messages(
    session: AsyncSession, tenant_id: UUID, search: str, *, before: UUID | None = None, limit: int = HITS_PAGE
) -> list[Hit]:
    """Messages in which every word begins one of theirs, newest first, older than `before`; transcripts count too."""
    wanted = " ".join(words_of(search))
    if not wanted:
        return []
    found: list[UUID] = []
    # What the job has not taken in yet is newer than all the rest.
    for source in (LATEST, TAKEN_IN):
        values = {"words": wanted, "before": before, "limit": limit - len(found)}
        if len(found) < limit:
            found += (await session.scalars(source, values)).all()
    return await _hits(session, tenant_id, found) if found else []


async def _hits(session: AsyncSession, tenant_id: UUID, ids: Sequence[UUID]) -> list[Hit]:
    transcripts = sa.select(sa.func.string_agg(VOICEMAIL.c.transcript, " ")).where(
        VOICEMAIL.c.tenant_id == MESSAGE.c.tenant_id, VOICEMAIL.c.message_id == MESSAGE.c.id
    )
    is_call = MESSAGE.c.channel_kind == ChannelKind.VOICEMAIL
    spoken = sa.case((is_call, sa.func.concat_ws(" ", MESSAGE.c.body, transcripts.scalar_subquery())))
    thread = sa.and_(CONVERSATION.c.tenant_id == MESSAGE.c.tenant_id, CONVERSATION.c.id == MESSAGE.c.conversation_id)
    lead = sa.and_(LEAD.c.tenant_id == MESSAGE.c.tenant_id, LEAD.c.id == CONVERSATION.c.lead_id)
    of_message = ("id", "conversation_id", "channel_kind", "direction", "created_at")
    query = (
        sa.select(
            *(MESSAGE.c[name] for name in of_message),
            sa.func.coalesce(spoken, MESSAGE.c.body).label("text"),
            *(LEAD.c[name] for name in ("address", "name", "profile_name")),
            LEAD.c.id.label("lead_id"),
        )
        .select_from(MESSAGE.join(CONVERSATION, thread).join(LEAD, lead))
        .where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id.in_(ids))
        .order_by(MESSAGE.c.id.desc())
    )
    return [Hit(**row) for row in (await session.execute(query)).mappings()]


def snippet(text: str, search: str) -> list[Part]:
    """The text around the first word found, as stretches to be shown as text: what is inside never becomes markup."""
    flat = " ".join(text.split())
    hits = list(_places(flat, words_of(search)))
    at = hits[0][0] if hits else 0
    start = flat.rfind(" ", 0, at - CONTEXT_BEFORE) + 1 if at > CONTEXT_BEFORE else 0
    end = min(len(flat), at + CONTEXT_AFTER)
    parts = [Part("… ", is_hit=False)] if start else []
    for left, right in hits:
        if start <= left and right <= end:
            parts += [Part(flat[start:left], is_hit=False), Part(flat[left:right], is_hit=True)]
            start = right
    parts.append(Part(flat[start:end] + (" …" if end < len(flat) else ""), is_hit=False))
    return [part for part in parts if part.text]


def _places(text: str, wanted: Sequence[str]) -> Iterator[tuple[int, int]]:
    for found in WORD.finditer(text):
        longest = max((len(word) for word in wanted if found[0].lower().startswith(word)), default=0)
        if longest:
            yield found.start(), found.start() + longest
