"""Message templates of WhatsApp, as they stand at Twilio."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_portal.models.base import TenantRow, Timestamp, now, words
from tenant_portal.models.enums import TemplateKind, TemplateState


class MessageTemplate(TenantRow, table=True):
    """One template. `content_sid` is Twilio's `HX…`, null until it has been made there.

    `buttons` are (action, title, value) as in twilio_gateway/content.py; `samples` and `fills` are by the number of a
    variable: what WhatsApp's reviewers see, and what of a lead is filled in. `reason` is why it was rejected or failed.
    `next_attempt_at` is when a job has to look at the row, null when nothing is left to do.
    """

    __tablename__ = "message_template"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "name"),
        sa.UniqueConstraint("tenant_id", "content_sid"),
        sa.Index("ix_message_template_due", "next_attempt_at", postgresql_where=sa.text("next_attempt_at is not null")),
    )
    name: str = Field(max_length=120)
    language: str = Field(max_length=12)
    category: str = Field(max_length=20)
    kind: TemplateKind = Field(sa_type=words(TemplateKind, "kind"))
    body: str
    media_url: str = ""
    buttons: list[Any] = Field(default_factory=list, sa_type=JSONB)
    samples: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    fills: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    state: TemplateState = Field(sa_type=words(TemplateState, "state"))
    content_sid: str | None = Field(default=None, max_length=34)
    reason: str = ""
    attempts: int = 0
    next_attempt_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    changed_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    created_by: UUID | None = None
