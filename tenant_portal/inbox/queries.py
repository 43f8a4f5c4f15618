"""Reading the inbox for pages: threads, messages, files; all from columns kept on the conversation, nothing counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.errors import NotFound
from tenant_portal.leads.queries import Cursor, Filter, list_leads
from tenant_portal.models import metadata
from tenant_portal.models.enums import (
    ChannelKind,
    ConversationState,
    Direction,
    MediaState,
    MessageStatus,
    RecordingState,
    TranscriptState,
)

CONVERSATION = metadata.tables["conversation"]
LEAD = metadata.tables["lead"]
MESSAGE = metadata.tables["message"]
MEDIA = metadata.tables["media"]
VOICEMAIL = metadata.tables["voicemail"]
READING = metadata.tables["thread_reading"]
MENTION = metadata.tables["note_mention"]
LEAD_LABEL = metadata.tables["lead_label"]
USER = metadata.tables["portal_user"]
THREADS_PAGE = 30
MESSAGES_PAGE = 50
# A list shows no more, and beyond them nothing is counted as unread: so the badge costs the same at any size.
NEWEST_THREADS = 300
# More threads than anybody reads off a filter; counting on would cost without telling more.
COUNT_CAP = 100
# Fewer threads than that are fetched by their label; for more, the walk down the list meets one soon enough.
RARE_LABEL = 1000


class View(StrEnum):
    """Which threads a list shows; `mine`, `unread` and `mentions` are those of the reader."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    UNREAD = "unread"
    MENTIONS = "mentions"
    SNOOZED = "snoozed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Counts:
    """Threads of each view, each at most COUNT_CAP; of `mentions` those that the reader has not seen."""

    open: int
    mine: int
    unassigned: int
    unread: int
    mentions: int
    snoozed: int
    closed: int


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread in the list, with what names its lead. `unread_count` is the reader's own."""

    id: UUID
    lead_id: UUID
    unread_count: int
    preview: str
    last_channel: ChannelKind
    last_direction: Direction
    last_message_at: datetime
    state: ConversationState
    snoozed_until: datetime | None
    assignee_id: UUID | None
    assignee_name: str | None
    address: str
    name: str
    profile_name: str
    place: str
    opted_out_at: datetime | None
    lead_created_at: datetime

    @property
    def cursor(self) -> Cursor:
        """Where the page after this row starts."""
        return self.last_message_at, self.id


@dataclass(frozen=True, slots=True)
class MediaRow:
    """A file of a message; Twilio's address of it stays on the server."""

    id: UUID
    message_id: UUID
    declared_type: str
    content_type: str
    state: MediaState
    size_bytes: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class VoicemailRow:
    """A recording of a call with its own transcript. `media_id` is None until Twilio has named the file."""

    id: UUID
    message_id: UUID
    recording_state: RecordingState
    duration_seconds: int | None
    media_id: UUID | None
    transcript_state: TranscriptState
    transcript: str | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message of a thread. `details` is described in models/conversation.py."""

    id: UUID
    channel_kind: ChannelKind
    direction: Direction
    status: MessageStatus
    body: str
    details: dict[str, Any]
    error_code: int | None
    error_text: str | None
    author_name: str
    created_at: datetime
    media: tuple[MediaRow, ...] = ()
    voicemails: tuple[VoicemailRow, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a stored file lies and what it is."""

    object_key: str
    content_type: str
    size_bytes: int


async def list_threads(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    viewer: UUID | None = None,
    view: View = View.OPEN,
    channel: ChannelKind | None = None,
    label_id: UUID | None = None,
    after: Cursor | None = None,
    limit: int = THREADS_PAGE,
) -> list[ThreadRow]:
    """Threads with the latest message first, as this reader sees them; to nobody in particular nothing is unread."""
    labelled = () if label_id is None else (await _has_label(session, tenant_id, label_id),)
    if view is View.UNREAD:
        page = _unread(tenant_id, viewer, channel, after, labelled).limit(limit)
    elif view is View.MENTIONS:
        page = _newest(tenant_id, (_is_mentioned(tenant_id, viewer), *labelled), channel, after, limit)
    else:
        page = _newest(tenant_id, (*_conditions(view, viewer), *labelled), channel, after, limit)
    return await _rows(session, viewer, page)


async def find_threads(session: AsyncSession, tenant_id: UUID, viewer: UUID, search: str) -> list[ThreadRow]:
    """Threads in any state of the newest leads whose name or number has these words."""
    leads = await list_leads(session, tenant_id, Filter(search=search))
    ids = [lead.conversation_id for lead in leads if lead.conversation_id is not None]
    found = sa.select(CONVERSATION).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id.in_(ids))
    return await _rows(session, viewer, found)


async def get_thread(
    session: AsyncSession, tenant_id: UUID, conversation_id: UUID, viewer: UUID | None = None
) -> ThreadRow:
    """One thread; NotFound if this tenant has none of this id."""
    found = sa.select(CONVERSATION).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id == conversation_id)
    rows = await _rows(session, viewer, found)
    if not rows:
        raise NotFound("This conversation does not exist.")
    return rows[0]


async def list_messages(
    session: AsyncSession,
    tenant_id: UUID,
    conversation_id: UUID,
    *,
    before: UUID | None = None,
    limit: int = MESSAGES_PAGE,
) -> list[MessageRow]:
    """The newest messages of a thread, or those before `before`; oldest first, with their files and recordings."""
    names = ("id", "channel_kind", "direction", "status", "body", "details", "error_code", "error_text", "author_name")
    found = sa.select(*(MESSAGE.c[name] for name in names), MESSAGE.c.created_at, MESSAGE.c.media_count).where(
        MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id == conversation_id
    )
    if before is not None:
        found = found.where(MESSAGE.c.id < before)
    rows = (await session.execute(found.order_by(MESSAGE.c.id.desc()).limit(limit))).mappings().all()
    calls = [row["id"] for row in rows if row["channel_kind"] is ChannelKind.VOICEMAIL]
    with_files = [*calls, *(row["id"] for row in rows if row["media_count"])]
    # Most threads are plain text: no round trip for what is not there.
    files = await _media_of(session, tenant_id, with_files) if with_files else []
    recordings = await _voicemails_of(session, tenant_id, calls) if calls else []
    return [_message(row, files, recordings) for row in reversed(rows)]


async def after_message(
    session: AsyncSession, tenant_id: UUID, conversation_id: UUID, message_id: UUID, *, shown: int = MESSAGES_PAGE // 2
) -> tuple[UUID | None, int]:
    """The first message that is not among the `shown` after this one, and how many there are from it on.

    None and 0 where the newest is among them; at most COUNT_CAP are counted.
    """
    later = sa.select(MESSAGE.c.id).where(
        MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id == conversation_id, MESSAGE.c.id > message_id
    )
    beyond = (await session.scalars(later.order_by(MESSAGE.c.id).offset(shown).limit(COUNT_CAP))).all()
    return (beyond[0], len(beyond)) if beyond else (None, 0)


async def thread_of(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> UUID:
    """The thread in which a message stands; NotFound if this tenant has none of this id."""
    found = sa.select(MESSAGE.c.conversation_id).where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.id == message_id)
    conversation_id: UUID | None = await session.scalar(found)
    if conversation_id is None:
        raise NotFound("This message does not exist.")
    return conversation_id


async def count_unread(session: AsyncSession, tenant_id: UUID, viewer: UUID) -> int:
    """How many of the newest open threads have something that this reader has not read."""
    unread = _unread(tenant_id, viewer).subquery()
    return (await session.scalar(sa.select(sa.func.count()).select_from(unread))) or 0


async def count_threads(session: AsyncSession, tenant_id: UUID, viewer: UUID) -> Counts:
    """How many threads each view has for this reader."""
    columns = []
    for view in View:
        if view is View.UNREAD:
            capped = _unread(tenant_id, viewer).limit(COUNT_CAP).subquery()
        elif view is View.MENTIONS:
            capped = _unseen_mentions(tenant_id, viewer).limit(COUNT_CAP).subquery()
        else:
            rows = sa.select(sa.literal(1)).where(CONVERSATION.c.tenant_id == tenant_id, *_conditions(view, viewer))
            capped = rows.limit(COUNT_CAP).subquery()
        columns.append(sa.select(sa.func.count()).select_from(capped).scalar_subquery().label(view.value))
    return Counts(**(await session.execute(sa.select(*columns))).mappings().one())


async def stored_file(session: AsyncSession, tenant_id: UUID, media_id: UUID) -> StoredFile:
    """Where a file lies; NotFound where it is another tenant's, made up or not fetched."""
    found = sa.select(MEDIA.c.object_key, MEDIA.c.content_type, MEDIA.c.size_bytes).where(
        MEDIA.c.tenant_id == tenant_id, MEDIA.c.id == media_id, MEDIA.c.state == MediaState.STORED
    )
    row = (await session.execute(found)).mappings().first()
    if row is None:
        raise NotFound("This file does not exist.")
    return StoredFile(**row)


def _message(row: sa.RowMapping, files: list[MediaRow], recordings: list[VoicemailRow]) -> MessageRow:
    return MessageRow(
        **{name: value for name, value in row.items() if name != "media_count"},
        media=tuple(one for one in files if one.message_id == row["id"]),
        voicemails=tuple(one for one in recordings if one.message_id == row["id"]),
    )


def _conditions(view: View, viewer: UUID | None) -> Sequence[sa.ColumnElement[bool]]:
    # A thread without a message is that of a lead that was merged into another, or of one to whom that happened.
    in_use = CONVERSATION.c.message_count > 0
    if view in (View.SNOOZED, View.CLOSED):
        return in_use, CONVERSATION.c.state == ConversationState(view.value)
    is_open = CONVERSATION.c.state == ConversationState.OPEN
    if view is View.MINE:
        return in_use, is_open, CONVERSATION.c.assignee_id == viewer
    return (in_use, is_open, CONVERSATION.c.assignee_id.is_(None)) if view is View.UNASSIGNED else (in_use, is_open)


def _newest(
    tenant_id: UUID,
    conditions: Sequence[sa.ColumnElement[bool]],
    channel: ChannelKind | None,
    after: Cursor | None,
    limit: int,
) -> sa.Select[tuple[Any, ...]]:
    # One walk down the index for each channel, as long as the page: a rare channel costs no more than a common one.
    by_time = CONVERSATION.c.last_message_at.desc(), CONVERSATION.c.id.desc()
    walks = []
    for kind in (channel,) if channel is not None else ChannelKind:
        walk = sa.select(CONVERSATION).where(
            CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.last_channel == kind, *conditions
        )
        if after is not None:
            walk = walk.where(sa.tuple_(CONVERSATION.c.last_message_at, CONVERSATION.c.id) < sa.tuple_(*after))
        walks.append(sa.select(walk.order_by(*by_time).limit(limit).subquery()))
    together = sa.union_all(*walks).subquery("newest")
    return sa.select(together).order_by(together.c.last_message_at.desc(), together.c.id.desc()).limit(limit)


def _unread(
    tenant_id: UUID,
    viewer: UUID | None,
    channel: ChannelKind | None = None,
    after: Cursor | None = None,
    also: Sequence[sa.ColumnElement[bool]] = (),
) -> sa.Select[tuple[Any, ...]]:
    conditions = (*_conditions(View.OPEN, viewer), *also)
    newest = _newest(tenant_id, conditions, channel, after, NEWEST_THREADS).subquery("open")
    found = sa.select(newest).where(_unread_count(newest, viewer) > 0)
    return found.order_by(newest.c.last_message_at.desc(), newest.c.id.desc())


def _unread_count(page: sa.Subquery, viewer: UUID | None) -> sa.ColumnElement[int]:
    # Looked up for each row of the page: as a join it was answered from all that the person has ever read.
    read = sa.select(READING.c.read_count).where(
        READING.c.tenant_id == page.c.tenant_id, READING.c.user_id == viewer, READING.c.conversation_id == page.c.id
    )
    reader = USER.alias("reader")
    joined = sa.select(reader.c.created_at).where(reader.c.tenant_id == page.c.tenant_id, reader.c.id == viewer)
    # A newcomer does not begin with all that the others have long read.
    of_before = sa.case((page.c.last_message_at > joined.scalar_subquery(), 0), else_=page.c.unread_count)
    return sa.func.greatest(page.c.unread_count - sa.func.coalesce(read.scalar_subquery(), of_before), 0)


async def _has_label(session: AsyncSession, tenant_id: UUID, label_id: UUID) -> sa.ColumnElement[bool]:
    with_label = sa.select(LEAD_LABEL.c.lead_id).where(
        LEAD_LABEL.c.tenant_id == tenant_id, LEAD_LABEL.c.label_id == label_id
    )
    few = list(await session.scalars(with_label.limit(RARE_LABEL)))
    if len(few) < RARE_LABEL:
        return CONVERSATION.c.lead_id == sa.any_(sa.cast(few, ARRAY(sa.Uuid)))
    return with_label.where(LEAD_LABEL.c.lead_id == CONVERSATION.c.lead_id).exists()


def _is_mentioned(tenant_id: UUID, viewer: UUID | None) -> sa.ColumnElement[bool]:
    latest = sa.select(MENTION.c.conversation_id).where(MENTION.c.tenant_id == tenant_id, MENTION.c.user_id == viewer)
    return CONVERSATION.c.id.in_(latest.order_by(MENTION.c.note_id.desc()).limit(NEWEST_THREADS))


def _unseen_mentions(tenant_id: UUID, viewer: UUID) -> sa.Select[tuple[Any, ...]]:
    latest = sa.select(MENTION).where(MENTION.c.tenant_id == tenant_id, MENTION.c.user_id == viewer)
    newest = latest.order_by(MENTION.c.note_id.desc()).limit(NEWEST_THREADS).subquery("latest")
    return sa.select(newest.c.conversation_id).where(newest.c.seen_at.is_(None)).distinct()


async def _rows(session: AsyncSession, viewer: UUID | None, found: sa.Select[tuple[Any, ...]]) -> list[ThreadRow]:
    # The page is cut first and joined afterwards: flat at any number of threads (docs/performance.md).
    page = found.subquery("page")
    ours = ("id", "lead_id", "preview", "last_channel", "last_direction", "last_message_at", "state", "snoozed_until")
    theirs = ("address", "name", "profile_name", "place", "opted_out_at")
    joined = page.join(LEAD, sa.and_(LEAD.c.tenant_id == page.c.tenant_id, LEAD.c.id == page.c.lead_id)).outerjoin(
        USER, sa.and_(USER.c.tenant_id == page.c.tenant_id, USER.c.id == page.c.assignee_id)
    )
    query = (
        sa.select(
            *(page.c[name] for name in (*ours, "assignee_id")),
            *(LEAD.c[name] for name in theirs),
            LEAD.c.created_at.label("lead_created_at"),
            USER.c.name.label("assignee_name"),
            _unread_count(page, viewer).label("unread_count"),
        )
        .select_from(joined)
        .order_by(page.c.last_message_at.desc(), page.c.id.desc())
    )
    return [ThreadRow(**row) for row in (await session.execute(query)).mappings()]


async def _media_of(session: AsyncSession, tenant_id: UUID, message_ids: list[UUID]) -> list[MediaRow]:
    names = ("id", "message_id", "declared_type", "content_type", "state", "size_bytes", "last_error")
    found = sa.select(*(MEDIA.c[name] for name in names)).where(
        MEDIA.c.tenant_id == tenant_id, MEDIA.c.message_id.in_(message_ids)
    )
    rows = await session.execute(found.order_by(MEDIA.c.message_id, MEDIA.c.position, MEDIA.c.id))
    return [MediaRow(**row) for row in rows.mappings()]


async def _voicemails_of(session: AsyncSession, tenant_id: UUID, message_ids: list[UUID]) -> list[VoicemailRow]:
    names = ("id", "message_id", "recording_state", "duration_seconds", "media_id", "transcript_state", "transcript")
    found = sa.select(*(VOICEMAIL.c[name] for name in names)).where(
        VOICEMAIL.c.tenant_id == tenant_id, VOICEMAIL.c.message_id.in_(message_ids)
    )
    return [VoicemailRow(**row) for row in (await session.execute(found.order_by(VOICEMAIL.c.id))).mappings()]
