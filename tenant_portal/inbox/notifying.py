"""What a person is told of while a page is open: their choice, and what has just come in."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.audit import service as audit
from tenant_portal.errors import NotAllowed
from tenant_portal.identity.queries import Person
from tenant_portal.inbox.queries import CONVERSATION, LEAD, MESSAGE, VOICEMAIL
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, Direction, RecordingState, Told
from tenant_portal.models.ids import earliest_id

CHOICE = metadata.tables["notification_choice"]
# Longer than a burst or a lost connection lasts; what came in before is not told of any more, only counted as unread.
NEWS_SPAN = timedelta(minutes=2)
# Of so many newest rows those are looked for that count, whatever else goes on: each open page asks at each change.
LOOKED_AT = 50
MOST_NEWS = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody has chosen; these are the defaults. `shows_text` is whether a notification holds the text."""

    threads: Told = Told.MINE
    shows_text: bool = True
    plays_sound: bool = True


@dataclass(frozen=True, slots=True)
class News:
    """A message or a voicemail (then without text) that has just come in; the names are those of its lead."""

    id: UUID
    conversation_id: UUID
    channel_kind: ChannelKind
    body: str
    address: str
    name: str
    profile_name: str


async def get_choice(session: AsyncSession, person: Person) -> Choice:
    """What this person has chosen, or the defaults."""
    columns = CHOICE.c.threads, CHOICE.c.shows_text, CHOICE.c.plays_sound
    row = (await session.execute(sa.select(*columns).where(*_of(person)))).mappings().first()
    return Choice(**row) if row else Choice()


async def keep_choice(session: AsyncSession, person: Person, choice: Choice) -> None:
    """Keep what this person chooses for themselves."""
    if choice == await get_choice(session, person):
        return
    keys = {"tenant_id": _tenant_of(person), "user_id": person.user_id}
    statement = insert(CHOICE).values(**keys, **asdict(choice))
    await session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=asdict(choice)))
    await audit.record(session, person, "user:notifications-changed", person.name, threads=choice.threads.value)


async def list_news(
    session: AsyncSession, person: Person, choice: Choice, since: datetime, now: datetime
) -> list[News]:
    """The newest messages and voicemails of the last minutes, from `since` on, oldest first; at most MOST_NEWS.

    Nothing of a blocked lead, and of the threads that this person wants to be told of only. A voicemail is news once
    it has been recorded.
    """
    if choice.threads is Told.NONE:
        return []
    tenant_id, earliest = _tenant_of(person), earliest_id(max(since, now - NEWS_SPAN))
    fresh = sa.union_all(_messages(tenant_id, earliest), _voicemails(tenant_id, earliest)).subquery("fresh")
    conditions = [sa.not_(CONVERSATION.c.is_blocked)]
    if choice.threads is Told.MINE:
        is_mine = CONVERSATION.c.assignee_id == person.user_id
        conditions.append(sa.or_(CONVERSATION.c.assignee_id.is_(None), is_mine))
    thread = sa.and_(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id == fresh.c.conversation_id)
    query = (
        sa.select(fresh, LEAD.c.address, LEAD.c.name, LEAD.c.profile_name)
        .join(CONVERSATION, thread)
        .join(LEAD, sa.and_(LEAD.c.tenant_id == tenant_id, LEAD.c.id == CONVERSATION.c.lead_id))
        .where(*conditions)
        .order_by(fresh.c.id.desc())
        .limit(MOST_NEWS)
    )
    return [News(**row) for row in reversed((await session.execute(query)).mappings().all())]


def _messages(tenant_id: UUID, earliest: UUID) -> sa.Select[tuple[object, ...]]:
    # A walk down the primary key from its end, whichever way the messages went.
    names = ("id", "conversation_id", "channel_kind", "body", "direction")
    newest = sa.select(*(MESSAGE.c[name] for name in names)).where(
        MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id >= earliest
    )
    rows = newest.order_by(MESSAGE.c.id.desc()).limit(LOOKED_AT).subquery("newest")
    written = rows.c.direction == Direction.IN, rows.c.channel_kind != ChannelKind.VOICEMAIL
    return sa.select(rows.c.id, rows.c.conversation_id, rows.c.channel_kind, rows.c.body).where(*written)


def _voicemails(tenant_id: UUID, earliest: UUID) -> sa.Select[tuple[object, ...]]:
    newest = sa.select(VOICEMAIL.c.id, VOICEMAIL.c.message_id, VOICEMAIL.c.recording_state).where(
        VOICEMAIL.c.tenant_id == tenant_id, VOICEMAIL.c.id >= earliest
    )
    rows = newest.order_by(VOICEMAIL.c.id.desc()).limit(LOOKED_AT).subquery("recorded")
    call = sa.and_(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == rows.c.message_id)
    return (
        sa.select(rows.c.id, MESSAGE.c.conversation_id, MESSAGE.c.channel_kind, sa.literal(""))
        .join(MESSAGE, call)
        .where(rows.c.recording_state == RecordingState.COMPLETED)
    )


def _of(person: Person) -> tuple[sa.ColumnElement[bool], ...]:
    return CHOICE.c.tenant_id == _tenant_of(person), CHOICE.c.user_id == person.user_id


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotAllowed
    return person.tenant_id
