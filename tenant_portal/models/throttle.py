"""Until when something of a tenant has to wait."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from tenant_portal.models.base import Timestamp, words
from tenant_portal.models.enums import ThrottleReason


class Throttle(SQLModel, table=True):
    """Nothing of `subject` happens for this tenant before `until`; the same in every process, and after a restart.

    `task:<name>` is a job of the tenant, `number:<as on the wire>` and `sending` what it sends from one number and in
    all, `webhooks:soft` and `webhooks:flood` say that its webhooks were beyond that line a moment ago.
    """

    __tablename__ = "throttle"
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    subject: str = Field(primary_key=True, max_length=120)
    until: datetime = Field(sa_type=Timestamp)
    reason: ThrottleReason = Field(sa_type=words(ThrottleReason, "reason"))
