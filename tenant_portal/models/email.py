"""E-mails on their way."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import Timestamp, now, own, words
from tenant_portal.models.enums import EmailState
from tenant_portal.models.ids import uuid7


class OutgoingEmail(SQLModel, table=True):
    """An e-mail to a person of a tenant, or to staff where there is no tenant.

    Address and text are sealed, since they hold links that open accounts, and wiped once the mail server has them.
    One that belongs to an invitation goes with it.
    """

    __tablename__ = "outgoing_email"
    __table_args__ = (
        own("invitation_id", "invitation"),
        sa.Index("ix_outgoing_email_tenant_id_invitation_id", "tenant_id", "invitation_id"),
        sa.Index("ix_outgoing_email_due", "next_attempt_at", postgresql_where=sa.text("state = 'waiting'")),
    )
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    tenant_id: UUID | None = Field(default=None, foreign_key="tenant.id", ondelete="CASCADE")
    kind: str = Field(max_length=40)
    invitation_id: UUID | None = None
    content_sealed: bytes
    state: EmailState = Field(default=EmailState.WAITING, sa_type=words(EmailState, "state"))
    attempts: int = 0
    next_attempt_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    useful_until: datetime = Field(sa_type=Timestamp)
    last_error: str = Field(default="", max_length=200)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    settled_at: datetime | None = Field(default=None, sa_type=Timestamp)
