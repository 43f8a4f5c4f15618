"""What the front door counts and keeps apart, and the audit trail."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, words
from tenant_portal.models.enums import QuarantineState
from tenant_portal.models.ids import uuid7


class TenantHour(SQLModel, table=True):
    """Counters of one tenant in one hour (UTC), so that the overview counts no messages."""

    __tablename__ = "tenant_hour"
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    hour: datetime = Field(primary_key=True, sa_type=Timestamp)
    messages_in: int = 0
    messages_out: int = 0
    failures: int = 0
    last_webhook_at: datetime | None = Field(default=None, sa_type=Timestamp)


class TenantTraffic(SQLModel, table=True):
    """One tenant's hours before `until`, summed once an hour, so that the overview reads an hour or two and not 720."""

    __tablename__ = "tenant_traffic"
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    until: datetime = Field(sa_type=Timestamp)
    in_24h: int = 0
    out_24h: int = 0
    failures_24h: int = 0
    in_30d: int = 0
    out_30d: int = 0
    last_webhook_at: datetime | None = Field(default=None, sa_type=Timestamp)


class WebhookRefusal(SQLModel, table=True):
    """How many requests were refused in one hour (UTC), by reason; no values of theirs, only parameter names.

    `account_sid` is empty unless it is one of ours: a flood of made-up SIDs must not grow the table.
    """

    __tablename__ = "webhook_refusal"
    hour: datetime = Field(primary_key=True, sa_type=Timestamp)
    account_sid: str = Field(primary_key=True, max_length=34)
    reason: str = Field(primary_key=True, max_length=40)
    kind: str = Field(primary_key=True, max_length=16)
    count: int = 0
    parameter_names: str = Field(default="", description="Of the latest one, joined by blanks.")
    last_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class QuarantinedRequest(SQLModel, table=True):
    """A request that could not be given to a tenant. Its body is sealed; it is in no tenant's data."""

    __tablename__ = "quarantined_request"
    __table_args__ = (
        sa.UniqueConstraint("fingerprint"),
        sa.Index("ix_quarantined_request_held", "state", sa.text("received_at desc")),
    )
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    reason: str = Field(max_length=40)
    kind: str = Field(max_length=16)
    account_sid: str = Field(default="", max_length=34)
    is_signed: bool = Field(description="Whether the signature of a subaccount of ours was right.")
    path: str
    request_sealed: bytes
    size_bytes: int
    fingerprint: bytes = Field(description="SHA-256 of path and body: a repeat is kept once.")
    source: str = Field(default="", max_length=64)
    parameter_names: str = ""
    state: QuarantineState = Field(default=QuarantineState.HELD, sa_type=words(QuarantineState, "state"))
    settled_at: datetime | None = Field(default=None, sa_type=Timestamp)
    settled_by: str | None = Field(default=None, max_length=120)
    outcome: str | None = None


class AuditEvent(TenantRow, table=True):
    """Who did what in a tenant. `action` is `subject:verb`, such as `channel:connected`."""

    __tablename__ = "audit_event"
    __table_args__ = (
        sa.Index("ix_audit_event_tenant_id_at", "tenant_id", sa.text("at desc")),
        sa.Index(
            "ix_audit_event_of_lead",
            "tenant_id",
            "subject",
            sa.text("at desc"),
            postgresql_where=sa.text("action like 'lead:%'"),
        ),
        sa.Index("ix_audit_event_action", "tenant_id", "action"),
        sa.Index("ix_audit_event_actor", "tenant_id", "actor_id", sa.text("at desc"), sa.text("id desc")),
    )
    at: datetime = Field(default_factory=now, sa_type=Timestamp)
    actor_id: UUID | None = None
    actor_name: str = Field(default="", max_length=120)
    # In the order of bytes, so that all actions of a subject lie together in the index.
    action: str = Field(sa_type=sa.String(60, collation="C"))
    subject: str = Field(default="", max_length=200)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
