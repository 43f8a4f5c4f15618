"""What people said about being written to and called: a history that is only added to."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from tenant_portal.models.base import TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import ChannelKind, ConsentKind, ConsentSource


class Consent(TenantRow, table=True):
    """One word of a person about one kind of channel, with its proof. The newest by `at` holds.

    `text` is what they wrote, `note` what somebody of the team writes about it; `message_id` is the message that says
    it, or the one that Twilio refused. A trigger keeps `lead.opted_out_at`: since when any text channel is withdrawn.
    """

    __tablename__ = "consent"
    __table_args__ = (
        own("lead_id", "lead"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"], ["message.tenant_id", "message.id"], ondelete="SET NULL (message_id)"
        ),
        sa.Index("ix_consent_lead", "tenant_id", "lead_id", "channel_kind", sa.text("at desc"), sa.text("id desc")),
        # A deleted message looks for what refers to it.
        sa.Index("ix_consent_message", "tenant_id", "message_id", postgresql_where=sa.text("message_id is not null")),
    )
    # Its lead refers to the tenant already.
    tenant_id: UUID = Field(primary_key=True)
    lead_id: UUID
    channel_kind: ChannelKind = Field(sa_type=words(ChannelKind, "channel_kind"))
    kind: ConsentKind = Field(sa_type=words(ConsentKind, "kind"))
    source: ConsentSource = Field(sa_type=words(ConsentSource, "source"))
    message_id: UUID | None = None
    text: str = Field(default="", max_length=500)
    note: str = Field(default="", max_length=500)
    actor_id: UUID | None = None
    actor_name: str = Field(default="", max_length=120)
    at: datetime = Field(default_factory=now, sa_type=Timestamp)
    recorded_at: datetime = Field(default_factory=now, sa_type=Timestamp)
