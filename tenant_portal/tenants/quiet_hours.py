"""When a client writes to nobody: its own setting, by the clock of each person."""

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, NotAllowed
from tenant_portal.identity.queries import Person
from tenant_portal.models import Tenant
from tenant_portal.models.enums import Role
from tenant_portal.tenants.rules import QuietHours, clean_clock

LEAST_LEFT = 60


async def read(session: AsyncSession, tenant_id: UUID) -> QuietHours:
    """The quiet hours of this tenant."""
    query = sa.select(col(Tenant.quiet_from), col(Tenant.quiet_until), col(Tenant.timezone))
    return QuietHours(*(await session.execute(query.where(col(Tenant.id) == tenant_id))).one())


async def save(session: AsyncSession, person: Person, *, is_on: bool, start: str, end: str) -> None:
    """Set them, or turn them off. BadInput beside `quiet_from` or `quiet_until`; owners only.

    What waits already keeps the time that it was given, and moves at that time if it is quiet then.
    """
    if person.role is not Role.OWNER or person.tenant_id is None:
        raise NotAllowed("Only an owner can change the quiet hours.")
    before = await read(session, person.tenant_id)
    hours = replace(before, start="", end="")
    if is_on:
        hours = replace(before, start=clean_clock(start, "quiet_from"), end=clean_clock(end, "quiet_until"))
        if hours.minutes_left < LEAST_LEFT:
            raise BadInput("Leave at least an hour of the day in which people are written to.", field="quiet_until")
    if hours == before:
        return
    values = {"quiet_from": hours.start, "quiet_until": hours.end}
    await session.execute(sa.update(Tenant).where(col(Tenant.id) == person.tenant_id).values(values))
    after = f"{hours.start}-{hours.end}" if hours.are_on else "off"
    await audit.record(session, person, "team:quiet-hours-changed", after=after)
    await announce(session, person.tenant_id)
