"""How threads and messages are found again: the words of messages, and named combinations of filters."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, own


class MessageSearch(SQLModel, table=True):
    """The words of a message, each behind the mark of its segment. Written by a job, so that no webhook pays for it."""

    __tablename__ = "message_search"
    __table_args__ = (
        own("message_id", "message"),
        sa.Index(
            "ix_message_search_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
    )
    # Its message refers to the tenant already.
    tenant_id: UUID = Field(primary_key=True)
    message_id: UUID = Field(primary_key=True)
    words: str = Field(sa_type=TSVECTOR)


class SearchSegment(SQLModel, table=True):
    """A stretch of a tenant's messages, after `first_id` and up to the next one's; read newest first by a search.

    `last_id` is how far the newest one reaches: what came after it is not in `message_search` yet.
    """

    __tablename__ = "search_segment"
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    first_id: UUID = Field(primary_key=True)
    last_id: UUID
    messages: int = 0


class SavedView(TenantRow, table=True):
    """A named combination of the inbox's filters: of one person, or of the whole team where `user_id` is null."""

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"
        ),
        sa.Index("ix_saved_view_tenant_id_user_id", "tenant_id", "user_id"),
    )
    user_id: UUID | None = None
    name: str = Field(max_length=40)
    position: int = 0
    filters: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
