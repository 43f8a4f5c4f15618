"""Conversations, messages, their media, and voicemails."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_portal.models.base import DomainOfWords, TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import (
    ChannelKind,
    ConversationState,
    Direction,
    MediaState,
    MessageStatus,
    RecordingState,
    TextBackState,
    TranscriptState,
)

# As in the queries, word for word: PostgreSQL uses a partial index only where it can prove the condition.
INCOMING_CALL = "channel_kind = 'voicemail' and direction = 'in'"


class Conversation(TenantRow, table=True):
    """The one thread of a lead over all channels. Counters and preview stand here so that the inbox counts nothing.

    `unread_count` counts what the lead has ever sent; what of it is new to a person is told by `thread_reading`. It is
    named as the version before reads it. Triggers keep three promises whoever writes: what is counted for a thread with
    `merged_into` goes there with its messages, nothing is unread in one that `is_blocked`, and one whose count rises is
    open.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        own("lead_id", "lead"),
        own("merged_into", "conversation"),
        sa.UniqueConstraint("tenant_id", "lead_id"),
        sa.Index(
            "ix_conversation_merged", "tenant_id", "merged_into", postgresql_where=sa.text("merged_into is not null")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assignee_id"],
            ["portal_user.tenant_id", "portal_user.id"],
            ondelete="SET NULL (assignee_id)",
        ),
        sa.CheckConstraint("(state = 'snoozed') = (snoozed_until is not null)", name="snoozed_until_then"),
        # One walk down for each channel finds the newest of any kind, however rare it is: see inbox/queries.py.
        sa.Index(
            "ix_conversation_state",
            "tenant_id",
            "state",
            "last_channel",
            sa.text("last_message_at desc"),
            sa.text("id desc"),
        ),
        sa.Index(
            "ix_conversation_assignee",
            "tenant_id",
            "assignee_id",
            "last_channel",
            sa.text("last_message_at desc"),
            sa.text("id desc"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "ix_conversation_snoozed", "tenant_id", "snoozed_until", postgresql_where=sa.text("state = 'snoozed'")
        ),
    )
    lead_id: UUID
    unread_count: int = 0
    message_count: int = 0
    preview: str = Field(default="", max_length=200)
    last_channel: ChannelKind = Field(sa_type=DomainOfWords(ChannelKind, "channel_kind"))
    last_direction: Direction = Field(sa_type=DomainOfWords(Direction, "direction"))
    last_message_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    merged_into: UUID | None = None
    is_blocked: bool = Field(default=False, sa_column_kwargs={"server_default": sa.text("false")})
    state: ConversationState = Field(
        default=ConversationState.OPEN,
        sa_type=DomainOfWords(ConversationState, "conversation_state"),
        sa_column_kwargs={"server_default": "open"},
    )
    snoozed_until: datetime | None = Field(default=None, sa_type=Timestamp)
    assignee_id: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class Message(TenantRow, table=True):
    """One message or call in a thread, body exactly as received.

    `provider_sid` is Twilio's `SM…`, `MM…` or, for a call, `CA…`; null until a send has returned. `our_number` and
    `lead_number` are as on the wire (`whatsapp:` included). `details` keeps what only some messages have: location,
    button, quoted message, referral, opt-out word, how a call was answered. `handled_at` is of calls only: since when
    nobody has to look after it; without `handled_by` it was answered on the phone.
    """

    __tablename__ = "message"
    __table_args__ = (
        own("conversation_id", "conversation"),
        sa.UniqueConstraint("tenant_id", "provider_sid"),
        sa.Index("ix_message_thread", "tenant_id", "conversation_id", "id"),
        sa.Index(
            "ix_message_outbox",
            "tenant_id",
            "id",
            postgresql_where=sa.text("direction = 'out' and status in ('queued', 'sending', 'unknown')"),
        ),
        sa.Index("ix_message_calls", "tenant_id", "id", postgresql_where=sa.text(INCOMING_CALL)),
        sa.Index(
            "ix_message_open_calls",
            "tenant_id",
            "id",
            postgresql_where=sa.text(f"{INCOMING_CALL} and handled_at is null"),
        ),
    )
    # Its conversation refers to the tenant already: a second reference would cost each message another query.
    tenant_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    channel_kind: ChannelKind = Field(sa_type=DomainOfWords(ChannelKind, "channel_kind"))
    direction: Direction = Field(sa_type=DomainOfWords(Direction, "direction"))
    status: MessageStatus = Field(sa_type=DomainOfWords(MessageStatus, "message_status"))
    body: str = ""
    provider_sid: str | None = Field(default=None, max_length=34)
    our_number: str = Field(max_length=80)
    lead_number: str = Field(max_length=80)
    media_count: int = 0
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    error_code: int | None = None
    error_text: str | None = None
    author_id: UUID | None = None
    author_name: str = Field(default="", max_length=120)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    next_attempt_at: datetime | None = Field(
        default=None, sa_type=Timestamp, description="A queued send waits until then."
    )
    status_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    handled_at: datetime | None = Field(default=None, sa_type=Timestamp)
    handled_by: UUID | None = None
    handled_by_name: str | None = Field(default=None, max_length=120)


class Media(TenantRow, table=True):
    """A picture, file or recording that belongs to a message; fetched by a job, kept in the object store.

    `source_url` is Twilio's address and never leaves the server; `object_key` is where our copy lies.
    """

    __tablename__ = "media"
    __table_args__ = (
        own("message_id", "message"),
        sa.UniqueConstraint("tenant_id", "message_id", "source_url"),
        sa.Index("ix_media_waiting", "tenant_id", "next_attempt_at", postgresql_where=sa.text("state = 'waiting'")),
    )
    message_id: UUID
    position: int = 0
    source_url: str
    declared_type: str = Field(default="", max_length=127)
    content_type: str = Field(default="", max_length=127)
    state: MediaState = Field(default=MediaState.WAITING, sa_type=words(MediaState, "state"))
    attempts: int = 0
    next_attempt_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    last_error: str | None = None
    object_key: str | None = None
    size_bytes: int | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class Voicemail(TenantRow, table=True):
    """One recording of a call; a call can have several, or none. The transcript is always this recording's own."""

    __tablename__ = "voicemail"
    __table_args__ = (
        own("message_id", "message"),
        own("media_id", "media", ondelete="NO ACTION"),
        sa.UniqueConstraint("tenant_id", "recording_sid"),
        sa.Index("ix_voicemail_tenant_id_message_id", "tenant_id", "message_id"),
    )
    message_id: UUID
    recording_sid: str = Field(max_length=34)
    recording_state: RecordingState = Field(
        default=RecordingState.EXPECTED, sa_type=words(RecordingState, "recording_state")
    )
    duration_seconds: int | None = None
    media_id: UUID | None = None
    transcript_state: TranscriptState = Field(
        default=TranscriptState.NONE, sa_type=words(TranscriptState, "transcript_state")
    )
    transcript: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class TextBack(TenantRow, table=True):
    """What becomes of the text to one missed caller: decided once for each call, at `due_at` or soon after.

    `reason` says why it waits or was skipped; `sent_as` is the id of the message in the thread.
    """

    __tablename__ = "text_back"
    __table_args__ = (
        own("message_id", "message"),
        sa.UniqueConstraint("tenant_id", "message_id"),
        sa.Index("ix_text_back_waiting", "tenant_id", "due_at", postgresql_where=sa.text("state = 'waiting'")),
    )
    message_id: UUID
    state: TextBackState = Field(default=TextBackState.WAITING, sa_type=words(TextBackState, "state"))
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    reason: str = ""
    sent_as: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    settled_at: datetime | None = Field(default=None, sa_type=Timestamp)
