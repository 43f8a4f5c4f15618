"""How messages are found again: their words, in segments."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import own


class MessageSearch(SQLModel, table=True):
    """The words of a message, each behind the mark of its segment. Written by a job, so that no webhook pays for it."""

    __tablename__ = "message_search"
    __table_args__ = (
        own("message_id", "message"),
        sa.Index("ix_message_search_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
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
