"""What helps to write: answers kept ready, messages that wait for their time, and what is not finished yet."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import ChannelKind, PlannedState


class CannedReply(TenantRow, table=True):
    """An answer that a client keeps ready. `body` may hold variables, such as `{lead name}`: see inbox/canned.py."""

    __tablename__ = "canned_reply"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    name: str = Field(max_length=60)
    body: str
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class PlannedMessage(TenantRow, table=True):
    """A message that goes into the outbox at `due_at`: scheduled, or held for the seconds in which it can be undone.

    The row is deleted by the transaction that queues the message, so that there is one or the other. One that could not
    be queued is `refused` and stays with its reason until a person has seen it. Without `channel_kind` it goes the way
    that is preferred at its time.
    """

    __tablename__ = "planned_message"
    __table_args__ = (
        own("conversation_id", "conversation"),
        sa.Index("ix_planned_message_thread", "tenant_id", "conversation_id"),
        sa.Index("ix_planned_message_due", "tenant_id", "due_at", postgresql_where=sa.text("state <> 'refused'")),
    )
    # Its conversation refers to the tenant already.
    tenant_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    channel_kind: ChannelKind | None = Field(default=None, sa_type=words(ChannelKind, "channel_kind"))
    body: str
    state: PlannedState = Field(sa_type=words(PlannedState, "state"))
    due_at: datetime = Field(sa_type=Timestamp)
    reason: str = ""
    author_id: UUID | None = None
    author_name: str = Field(default="", max_length=120)
    despite_quiet_hours: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    details: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=JSONB,
        description="As those of its message: the template that it is.",
        sa_column_kwargs={"server_default": "{}"},
    )
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class Draft(SQLModel, table=True):
    """What a person has begun to write in a thread."""

    __tablename__ = "draft"
    __table_args__ = (
        own("conversation_id", "conversation"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"
        ),
        # A deleted thread looks for its drafts.
        sa.Index("ix_draft_tenant_id_conversation_id", "tenant_id", "conversation_id"),
    )
    tenant_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(primary_key=True)
    body: str
    changed_at: datetime = Field(default_factory=now, sa_type=Timestamp)
