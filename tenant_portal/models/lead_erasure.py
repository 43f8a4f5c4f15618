"""People whose data are being taken away, here and at Twilio."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from tenant_portal.models.base import TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import ErasureKind


class LeadErasure(TenantRow, table=True):
    """A person who was erased. Nothing here says who it was but the end of the number.

    `total` things had to go at Twilio and in the file store; what is still there stands in `erasure_item`.
    `finished_at` is null until all of it is confirmed.
    """

    __tablename__ = "lead_erasure"
    about: str = Field(max_length=40)
    total: int = 0
    last_error: str = ""
    actor_id: UUID | None = None
    actor_name: str = Field(default="", max_length=120)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)


class ErasureItem(TenantRow, table=True):
    """A thing that is not yet confirmed to be gone. `reference` is Twilio's SID, or the key of a stored file."""

    __tablename__ = "erasure_item"
    __table_args__ = (
        own("erasure_id", "lead_erasure"),
        sa.Index("ix_erasure_item_due", "tenant_id", "next_attempt_at", "id"),
        sa.Index("ix_erasure_item_tenant_id_erasure_id", "tenant_id", "erasure_id"),
    )
    erasure_id: UUID
    kind: ErasureKind = Field(sa_type=words(ErasureKind, "kind"))
    reference: str = Field(max_length=100)
    attempts: int = 0
    next_attempt_at: datetime = Field(default_factory=now, sa_type=Timestamp)
