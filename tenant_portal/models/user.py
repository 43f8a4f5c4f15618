"""Who may sign in: users, their browser sessions, failed attempts, invitations, forgotten passwords."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, words
from tenant_portal.models.enums import Role
from tenant_portal.models.ids import uuid7


class User(SQLModel, table=True):
    """A person. Staff have no tenant; everybody else has exactly one. `email` is lower case."""

    __tablename__ = "portal_user"
    __table_args__ = (
        sa.CheckConstraint("(role = 'staff') = (tenant_id is null)", name="staff_has_no_tenant"),
        sa.CheckConstraint("email = lower(email)", name="email_is_lower"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    tenant_id: UUID | None = Field(default=None, foreign_key="tenant.id", ondelete="CASCADE")
    email: str = Field(max_length=254)
    name: str = Field(max_length=120)
    role: Role = Field(sa_type=words(Role, "role"))
    password_hash: str
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    disabled_at: datetime | None = Field(default=None, sa_type=Timestamp)


class UserSession(SQLModel, table=True):
    """A signed-in browser; only the SHA-256 of its cookie is kept."""

    __tablename__ = "user_session"
    __table_args__ = (sa.Index("ix_user_session_user_id", "user_id"),)
    token_hash: bytes = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    user_id: UUID = Field(foreign_key="portal_user.id", ondelete="CASCADE")
    tenant_id: UUID | None = Field(default=None, foreign_key="tenant.id", ondelete="CASCADE")
    address: str = Field(default="", max_length=64)
    user_agent: str = Field(default="", max_length=256)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    last_seen_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp)


class SignInAttempt(SQLModel, table=True):
    """Failures since the last success, per account and per address (`account:…` and `address:…`, hashed)."""

    __tablename__ = "sign_in_attempt"
    key: str = Field(primary_key=True, max_length=80)
    failures: int = 0
    last_failure_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    blocked_until: datetime | None = Field(default=None, sa_type=Timestamp)


class Invitation(TenantRow, table=True):
    """A single-use link for one e-mail address; only the SHA-256 of its token is kept."""

    __tablename__ = "invitation"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["tenant_id", "invited_by"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash"),
        sa.CheckConstraint("role in ('owner', 'agent')", name="role_of_a_client"),
    )
    email: str = Field(max_length=254)
    role: Role = Field(sa_type=words(Role, "role"))
    token_hash: bytes
    invited_by: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp)
    accepted_at: datetime | None = Field(default=None, sa_type=Timestamp)


class PasswordReset(SQLModel, table=True):
    """A single-use link with which somebody who forgot their password sets a new one; only its SHA-256 is kept."""

    __tablename__ = "password_reset"
    __table_args__ = (sa.Index("ix_password_reset_user_id", "user_id"),)
    token_hash: bytes = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="portal_user.id", ondelete="CASCADE")
    tenant_id: UUID | None = Field(default=None, foreign_key="tenant.id", ondelete="CASCADE")
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp)


class SecondFactor(SQLModel, table=True):
    """The secret from which somebody's app makes codes (RFC 6238); it counts once a code of it has confirmed it.

    `last_step` is the 30-second step of the newest code that was used: none counts twice. Of recovery codes only the
    SHA-256 are kept, and go as they are used.
    """

    __tablename__ = "second_factor"
    user_id: UUID = Field(primary_key=True, foreign_key="portal_user.id", ondelete="CASCADE")
    tenant_id: UUID | None = Field(default=None, foreign_key="tenant.id", ondelete="CASCADE")
    secret_sealed: bytes
    recovery_hashes: list[bytes] = Field(default_factory=list, sa_type=ARRAY(sa.LargeBinary))
    last_step: int = Field(default=0, sa_type=sa.BigInteger)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    confirmed_at: datetime | None = Field(default=None, sa_type=Timestamp)
