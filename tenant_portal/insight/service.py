"""What a client decides about its figures."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit.service import record
from tenant_portal.identity.queries import Person
from tenant_portal.identity.team import refuse_all_but_owners
from tenant_portal.models import Tenant
from tenant_portal.tenants.rules import clean_timezone


async def set_timezone(session: AsyncSession, person: Person, timezone: str) -> None:
    """Count days by this zone's calendar from now on; BadInput unless it is one, NotAllowed but for owners."""
    tenant_id = refuse_all_but_owners(person)
    wanted = clean_timezone(timezone)
    await session.execute(sa.update(Tenant).where(col(Tenant.id) == tenant_id).values(timezone=wanted))
    await record(session, person, "tenant:timezone-changed", wanted)
