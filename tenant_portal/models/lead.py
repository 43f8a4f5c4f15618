"""Leads, what the team wrote down about them, and the stages, labels and fields of each client."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import ChannelKind, Colour, FieldKind, Stage, StageKind


class LeadStage(TenantRow, table=True):
    """A step on the way to becoming a customer. Every tenant is made with a set of them (a trigger of `tenant`)."""

    __tablename__ = "lead_stage"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    name: str = Field(max_length=40)
    colour: Colour = Field(default=Colour.GRAY, sa_type=words(Colour, "colour"))
    kind: StageKind = Field(default=StageKind.OPEN, sa_type=words(StageKind, "kind"))
    position: int = 0


class Lead(TenantRow, table=True):
    """A person who writes to or calls a tenant, or was entered by it.

    `address` is what makes the person: the E.164 number whatever the channel, else the raw sender (short code, name),
    else `anonymous/<CallSid>` for a caller who hides the number.

    `stage_id` is filled by a trigger where the writer names none: the first open stage. `source` is null for whom the
    team entered; `referral` is the advertisement that brought them, as the first message that named one told it.
    `fields` maps ids of LeadField to text. A lead with `merged_into` is another spelling of that one: it is shown
    nowhere, and what arrives for it goes there.
    """

    __tablename__ = "lead"
    __table_args__ = (
        own("stage_id", "lead_stage", ondelete="NO ACTION"),
        own("merged_into", "lead", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="SET NULL (owner_id)"
        ),
        sa.UniqueConstraint("tenant_id", "address"),
        sa.Index("ix_lead_tenant_id_created_at", "tenant_id", sa.text("created_at desc"), sa.text("id desc")),
        sa.Index("ix_lead_board", "tenant_id", "stage_id", sa.text("created_at desc"), sa.text("id desc")),
        sa.Index(
            "ix_lead_due", "tenant_id", "next_step_on", "id", postgresql_where=sa.text("next_step_on is not null")
        ),
        sa.Index("ix_lead_merged", "tenant_id", "merged_into", postgresql_where=sa.text("merged_into is not null")),
    )
    address: str = Field(max_length=80)
    name: str = Field(default="", max_length=200)
    profile_name: str = Field(default="", max_length=200, description="As WhatsApp or the carrier shows it.")
    place: str = Field(default="", max_length=200, description="City, state and country as Twilio sent them.")
    # Of the version before; nobody reads it any more, and the next release takes it away.
    stage: Stage = Field(default=Stage.NEW, sa_type=words(Stage, "stage"))
    stage_id: UUID | None = Field(default=None, nullable=False)
    source: ChannelKind | None = Field(default=None, sa_type=words(ChannelKind, "source"))
    referral: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    value: Decimal | None = Field(default=None, sa_type=sa.Numeric(14, 2), description="In the tenant's currency.")
    owner_id: UUID | None = None
    next_step: str = Field(default="", max_length=200, sa_column_kwargs={"server_default": ""})
    next_step_on: date | None = None
    fields: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": sa.text("'{}'")}
    )
    blocked_at: datetime | None = Field(default=None, sa_type=Timestamp)
    merged_into: UUID | None = None
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


class Label(TenantRow, table=True):
    """A word that the team puts on leads."""

    __tablename__ = "label"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    name: str = Field(max_length=40)
    colour: Colour = Field(default=Colour.GRAY, sa_type=words(Colour, "colour"))


class LeadLabel(SQLModel, table=True):
    """A label on a lead."""

    __tablename__ = "lead_label"
    __table_args__ = (
        own("lead_id", "lead"),
        own("label_id", "label"),
        sa.Index("ix_lead_label_tenant_id_label_id", "tenant_id", "label_id", "lead_id"),
    )
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    lead_id: UUID = Field(primary_key=True)
    label_id: UUID = Field(primary_key=True)


class LeadField(TenantRow, table=True):
    """A field of a client's own on its leads. `choices` are the words of a choice, in their order."""

    __tablename__ = "lead_field"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    name: str = Field(max_length=40)
    kind: FieldKind = Field(default=FieldKind.TEXT, sa_type=words(FieldKind, "kind"))
    choices: list[str] = Field(default_factory=list, sa_type=JSONB)
    position: int = 0


class LeadMerge(TenantRow, table=True):
    """Two leads found to be one person: `merged_id` went into `kept_id`. `before` and `after` let it be undone.

    Both map what the merge changed on the kept lead to its value; `before` also says what each thread had
    unread and showed, and which notes were moved. `undone_at` is null while it stands.
    """

    __tablename__ = "lead_merge"
    __table_args__ = (
        own("kept_id", "lead"),
        own("merged_id", "lead"),
        sa.Index("ix_lead_merge_tenant_id_kept_id", "tenant_id", "kept_id"),
        sa.Index("ix_lead_merge_tenant_id_merged_id", "tenant_id", "merged_id"),
        sa.Index(
            "uq_lead_merge_standing",
            "tenant_id",
            "merged_id",
            unique=True,
            postgresql_where=sa.text("undone_at is null"),
        ),
    )
    kept_id: UUID
    merged_id: UUID
    before: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    after: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    actor_name: str = Field(default="", max_length=120)
    merged_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    undone_at: datetime | None = Field(default=None, sa_type=Timestamp)


class MovedMessage(SQLModel, table=True):
    """A message that stands in another thread because of a merge, and goes back with its undoing."""

    __tablename__ = "moved_message"
    __table_args__ = (
        own("merge_id", "lead_merge"),
        own("message_id", "message"),
        sa.Index("ix_moved_message_tenant_id_message_id", "tenant_id", "message_id"),
    )
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    merge_id: UUID = Field(primary_key=True)
    message_id: UUID = Field(primary_key=True)


class DistinctLeads(SQLModel, table=True):
    """Two leads of which somebody said that they are not one person; `first_id` is the lesser id."""

    __tablename__ = "distinct_leads"
    __table_args__ = (
        own("first_id", "lead"),
        own("second_id", "lead"),
        sa.Index("ix_distinct_leads_tenant_id_second_id", "tenant_id", "second_id"),
    )
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    first_id: UUID = Field(primary_key=True)
    second_id: UUID = Field(primary_key=True)
