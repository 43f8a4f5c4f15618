"""Reading the inbox for pages: threads, messages, files; all from columns kept on the conversation, nothing counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.errors import NotFound
from tenant_portal.leads.queries import Cursor
from tenant_portal.models import metadata
from tenant_portal.models.enums import (
    ChannelKind,
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
HOUR = metadata.tables["tenant_hour"]
THREADS_PAGE = 30
MESSAGES_PAGE = 50
# More unread threads than anybody reads off a badge; counting on would cost without telling more.
UNREAD_CAP = 1000


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread in the list, with what names its lead."""

    id: UUID
    lead_id: UUID
    unread_count: int
    preview: str
    last_channel: ChannelKind
    last_direction: Direction
    last_message_at: datetime
    address: str
    name: str
    profile_name: str
    opted_out_at: datetime | None

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


@dataclass(frozen=True, slots=True)
class Activity:
    """Traffic of a tenant since a moment."""

    messages_in: int
    messages_out: int
    failures: int
    calls: int
    voicemails: int


async def list_threads(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    unread_only: bool = False,
    channel: ChannelKind | None = None,
    after: Cursor | None = None,
    limit: int = THREADS_PAGE,
) -> list[ThreadRow]:
    """Threads with the latest message first."""
    # A thread without a message is that of a lead that was merged into another, or of one to whom that happened.
    found = sa.select(CONVERSATION).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.message_count > 0)
    if unread_only:
        found = found.where(CONVERSATION.c.unread_count > 0)
    if channel is not None:
        found = found.where(CONVERSATION.c.last_channel == channel)
    if after is not None:
        found = found.where(sa.tuple_(CONVERSATION.c.last_message_at, CONVERSATION.c.id) < sa.tuple_(*after))
    page = found.order_by(CONVERSATION.c.last_message_at.desc(), CONVERSATION.c.id.desc()).limit(limit)
    return [ThreadRow(**row) for row in (await session.execute(_with_lead(page.subquery("page")))).mappings()]


async def get_thread(session: AsyncSession, tenant_id: UUID, conversation_id: UUID) -> ThreadRow:
    """One thread; NotFound if this tenant has none of this id."""
    found = sa.select(CONVERSATION).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id == conversation_id)
    row = (await session.execute(_with_lead(found.subquery("page")))).mappings().first()
    if row is None:
        raise NotFound("This conversation does not exist.")
    return ThreadRow(**row)


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


async def count_unread(session: AsyncSession, tenant_id: UUID) -> int:
    """How many threads have something unread, at most UNREAD_CAP."""
    found = sa.select(sa.literal(1)).where(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.unread_count > 0)
    capped = found.limit(UNREAD_CAP).subquery()
    return (await session.scalar(sa.select(sa.func.count()).select_from(capped))) or 0


async def stored_file(session: AsyncSession, tenant_id: UUID, media_id: UUID) -> StoredFile:
    """Where a file lies; NotFound where it is another tenant's, made up or not fetched."""
    found = sa.select(MEDIA.c.object_key, MEDIA.c.content_type, MEDIA.c.size_bytes).where(
        MEDIA.c.tenant_id == tenant_id, MEDIA.c.id == media_id, MEDIA.c.state == MediaState.STORED
    )
    row = (await session.execute(found)).mappings().first()
    if row is None:
        raise NotFound("This file does not exist.")
    return StoredFile(**row)


async def activity(session: AsyncSession, tenant_id: UUID, since: datetime) -> Activity:
    """What came and went since then; whole hours (UTC) for messages."""
    counted = (sa.func.coalesce(sa.func.sum(HOUR.c[name]), 0) for name in ("messages_in", "messages_out", "failures"))
    hours = sa.select(*counted).where(HOUR.c.tenant_id == tenant_id, HOUR.c.hour >= since)
    messages_in, messages_out, failures = (await session.execute(hours)).one()
    calls = sa.select(sa.func.count()).where(
        MESSAGE.c.tenant_id == tenant_id,
        MESSAGE.c.channel_kind == ChannelKind.VOICEMAIL,
        MESSAGE.c.created_at >= since,
        MESSAGE.c.conversation_id.in_(_recent_threads(tenant_id, since)),
    )
    recordings = sa.select(sa.func.count()).where(
        VOICEMAIL.c.tenant_id == tenant_id,
        VOICEMAIL.c.created_at >= since,
        VOICEMAIL.c.recording_state == RecordingState.COMPLETED,
    )
    return Activity(
        messages_in,
        messages_out,
        failures,
        calls=(await session.scalar(calls)) or 0,
        voicemails=(await session.scalar(recordings)) or 0,
    )


def _message(row: sa.RowMapping, files: list[MediaRow], recordings: list[VoicemailRow]) -> MessageRow:
    return MessageRow(
        **{name: value for name, value in row.items() if name != "media_count"},
        media=tuple(one for one in files if one.message_id == row["id"]),
        voicemails=tuple(one for one in recordings if one.message_id == row["id"]),
    )


def _recent_threads(tenant_id: UUID, since: datetime) -> sa.Select[tuple[UUID]]:
    # Leads the count through the inbox index to the few threads that moved, instead of all messages of the tenant.
    return sa.select(CONVERSATION.c.id).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.last_message_at >= since
    )


def _with_lead(page: sa.Subquery) -> sa.Select[tuple[Any, ...]]:
    # The page is cut first and joined afterwards: flat at any number of threads (docs/performance.md).
    of_lead = sa.and_(LEAD.c.tenant_id == page.c.tenant_id, LEAD.c.id == page.c.lead_id)
    ours = ("id", "lead_id", "unread_count", "preview", "last_channel", "last_direction", "last_message_at")
    theirs = ("address", "name", "profile_name", "opted_out_at")
    return (
        sa.select(*(page.c[name] for name in ours), *(LEAD.c[name] for name in theirs))
        .select_from(page.join(LEAD, of_lead))
        .order_by(page.c.last_message_at.desc(), page.c.id.desc())
    )


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
