"""Writing the audit trail, in the transaction of what it tells."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.errors import TenantMissing
from tenant_portal.models import AuditEvent


class Actor(Protocol):
    """Who did it: a signed-in person, or a job that acts for one."""

    @property
    def user_id(self) -> UUID | None:
        """None for the portal itself."""

    @property
    def tenant_id(self) -> UUID | None:
        """None for staff."""

    @property
    def name(self) -> str:
        """As the reader of the trail knows them."""


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject: str = "",
    *,
    of: UUID | None = None,
    **details: object,
) -> None:
    """Add one event to a tenant's trail. `action` is `subject:verb`; `of` names the tenant where the actor is staff.

    Details are names and states, never message text, secrets or phone numbers.
    """
    tenant_id = of or actor.tenant_id
    if tenant_id is None:
        raise TenantMissing("An audit event belongs to a tenant.")
    event = AuditEvent(
        tenant_id=tenant_id,
        actor_id=actor.user_id,
        actor_name=actor.name[:120],
        action=action,
        subject=subject[:200],
        details=details,
    )
    session.add(event)
    await session.flush()


async def count_since(session: AsyncSession, tenant_id: UUID, action: str, since: datetime) -> int:
    """How often something was done. Takes a tenant session."""
    query = sa.select(sa.func.count()).where(
        col(AuditEvent.tenant_id) == tenant_id, col(AuditEvent.at) >= since, col(AuditEvent.action) == action
    )
    return await session.scalar(query) or 0
