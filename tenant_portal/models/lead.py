"""Leads and what the team wrote down about them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from tenant_portal.models.base import TenantRow, Timestamp, now, words
from tenant_portal.models.enums import ChannelKind, Stage


class Lead(TenantRow, table=True):
    """A person who writes to or calls a tenant.

    `address` is what makes the person: the E.164 number whatever the channel, else the raw sender (short code, name),
    else `anonymous/<CallSid>` for a caller who hides the number.
    """

    __tablename__ = "lead"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "address"),
        sa.Index("ix_lead_tenant_id_created_at", "tenant_id", sa.text("created_at desc"), sa.text("id desc")),
    )
    address: str = Field(max_length=80)
    name: str = Field(default="", max_length=200)
    profile_name: str = Field(default="", max_length=200, description="As WhatsApp or the carrier shows it.")
    place: str = Field(default="", max_length=200, description="City, state and country as Twilio sent them.")
    stage: Stage = Field(default=Stage.NEW, sa_type=words(Stage, "stage"))
    source: ChannelKind = Field(sa_type=words(ChannelKind, "source"))
    opted_out_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class LeadNote(TenantRow, table=True):
    """A note of the team, never sent."""

    __tablename__ = "lead_note"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "lead_id"], ["lead.tenant_id", "lead.id"], ondelete="CASCADE"),
        sa.Index("ix_lead_note_tenant_id_lead_id", "tenant_id", "lead_id", "id"),
    )
    lead_id: UUID
    author_name: str = Field(max_length=120)
    author_id: UUID | None = None
    body: str
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
