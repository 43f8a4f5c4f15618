"""A tenant's connections to the world."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_portal.models.base import TenantRow, Timestamp, now, words
from tenant_portal.models.enums import ChannelKind, ChannelState


class Channel(TenantRow, table=True):
    """One kind of traffic on one number. `config` holds numbers, ids and texts, never a secret.

    `number_sid` is Twilio's `PN…`, `sender_sid` the WhatsApp sender's `XE…`. A test of the channel is under way
    from `test_started_at` until `test_report` is there; `test_token` is what has to come back. `next_attempt_at` is
    when a job has to look at the row, null when nothing is left to do. A `disconnected` row without `disconnected_at`
    is still being taken down at Twilio.
    """

    __tablename__ = "channel"
    __table_args__ = (
        sa.Index(
            "uq_channel_number",
            "tenant_id",
            "kind",
            "phone_number",
            unique=True,
            postgresql_where=sa.text("state <> 'disconnected'"),
        ),
        sa.Index("ix_channel_due", "next_attempt_at", postgresql_where=sa.text("next_attempt_at is not null")),
    )
    kind: ChannelKind = Field(sa_type=words(ChannelKind, "kind"))
    state: ChannelState = Field(sa_type=words(ChannelState, "state"))
    phone_number: str = Field(max_length=32)
    country: str = Field(default="", max_length=2)
    number_sid: str | None = Field(default=None, max_length=34)
    sender_sid: str | None = Field(default=None, max_length=34)
    sender_status: str | None = Field(default=None, max_length=40)
    monthly_price: str = Field(default="", max_length=20)
    error_code: int | None = None
    last_error: str | None = None
    config: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    attempts: int = 0
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    changed_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    last_webhook_at: datetime | None = Field(default=None, sa_type=Timestamp)
    test_token: str | None = Field(default=None, max_length=64)
    test_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    test_passed_at: datetime | None = Field(default=None, sa_type=Timestamp)
    test_result: str | None = None
    test_report: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    next_attempt_at: datetime | None = Field(default=None, sa_type=Timestamp)
    disconnected_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_by: UUID | None = None
