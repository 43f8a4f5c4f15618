"""What belongs to a thread besides its messages: events, how far each person has read, who was called into it."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import ThreadEventKind


class ThreadEvent(TenantRow, table=True):
    """A line between the messages. `subject_name` is whom it was assigned to, `until` when a snooze ends.

    Without an actor the portal or the lead did it. Ids sort with those of messages.
    """

    __tablename__ = "thread_event"
    __table_args__ = (
        own("conversation_id", "conversation"),
        sa.Index("ix_thread_event_thread", "tenant_id", "conversation_id", "id"),
    )
    # Its conversation refers to the tenant already.
    tenant_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    kind: ThreadEventKind = Field(sa_type=words(ThreadEventKind, "kind"))
    actor_id: UUID | None = None
    actor_name: str = Field(default="", max_length=120)
    subject_name: str = Field(default="", max_length=120)
    until: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class ThreadReading(SQLModel, table=True):
    """How many of a thread's received messages a person has read. Without a row: all from before they joined."""

    __tablename__ = "thread_reading"
    __table_args__ = (
        own("conversation_id", "conversation"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"
        ),
        # A deleted thread looks for its readers.
        sa.Index("ix_thread_reading_tenant_id_conversation_id", "tenant_id", "conversation_id"),
    )
    tenant_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(primary_key=True)
    read_count: int = 0


class NoteMention(SQLModel, table=True):
    """A colleague whom a note names; `seen_at` is when they opened the thread afterwards."""

    __tablename__ = "note_mention"
    __table_args__ = (
        own("note_id", "lead_note"),
        own("conversation_id", "conversation"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"
        ),
        sa.Index("ix_note_mention_user", "tenant_id", "user_id", sa.text("note_id desc")),
        sa.Index("ix_note_mention_tenant_id_conversation_id", "tenant_id", "conversation_id"),
    )
    tenant_id: UUID = Field(primary_key=True)
    note_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    seen_at: datetime | None = Field(default=None, sa_type=Timestamp)
