"""Reading the audit trail."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail."""

    at: datetime
    actor_name: str
    action: str
    subject: str


async def latest(session: AsyncSession, tenant_id: UUID, *, limit: int = 50) -> list[Entry]:
    """The newest events of a tenant, newest first. Takes a tenant session."""
    query = (
        sa.select(col(AuditEvent.at), col(AuditEvent.actor_name), col(AuditEvent.action), col(AuditEvent.subject))
        .where(col(AuditEvent.tenant_id) == tenant_id)
        .order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc())
        .limit(limit)
    )
    return [Entry(*row) for row in (await session.execute(query))]
