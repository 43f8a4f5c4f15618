"""Tenants and their Twilio subaccounts."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import Timestamp, now, words
from tenant_portal.models.enums import TenantState
from tenant_portal.models.ids import uuid7


class Tenant(SQLModel, table=True):
    """A client of the agency."""

    __tablename__ = "tenant"
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str = Field(max_length=120)
    state: TenantState = Field(default=TenantState.PROVISIONING, sa_type=words(TenantState, "state"))
    currency: str = Field(default="USD", max_length=3, sa_column_kwargs={"server_default": "USD"})
    is_synthetic: bool = Field(default=False, description="Made by the two-tenant check; may be erased.")
    two_factor_required: bool = Field(
        default=False,
        description="Whether everybody of the team needs a second step to sign in.",
        sa_column_kwargs={"server_default": sa.false()},
    )
    timezone: str = Field(
        default="UTC",
        max_length=64,
        description="By whose calendar its days are counted (IANA).",
        sa_column_kwargs={"server_default": "UTC"},
    )
    # Of people who are written to, by their own clock; both empty for none. See tenants.rules.QuietHours.
    quiet_from: str = Field(default="", max_length=5, sa_column_kwargs={"server_default": ""})
    quiet_until: str = Field(default="", max_length=5, sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    suspended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class Subaccount(SQLModel, table=True):
    """The tenant's Twilio subaccount. `account_sid` is null until Twilio has answered.

    `twilio_status` is Twilio's word as last seen; it differs from the tenant's state until a job has told Twilio.
    `next_attempt_at` is when that job is due, null when nothing is left to do.
    """

    __tablename__ = "subaccount"
    __table_args__ = (
        sa.UniqueConstraint("account_sid"),
        sa.CheckConstraint("(account_sid is null) = (auth_token_sealed is null)", name="sid_with_token"),
    )
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    account_sid: str | None = Field(default=None, max_length=34)
    auth_token_sealed: bytes | None = None
    previous_auth_token_sealed: bytes | None = None
    previous_token_until: datetime | None = Field(default=None, sa_type=Timestamp)
    attempts: int = 0
    last_error: str | None = None
    twilio_status: str | None = Field(default=None, max_length=16)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    changed_at: datetime = Field(default_factory=now, sa_type=Timestamp)
