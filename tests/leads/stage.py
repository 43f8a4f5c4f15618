"""Leads for tests, and what is done to them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tenant_portal import db
from tenant_portal.leads import queries
from tenant_portal.leads.queries import ALL, Filter, LeadRow
from tests.cast import Company, Someone
from tests.signed_in import person
from tests.threads import receive


async def listed(company: Company, wanted: Filter = ALL, **more: Any) -> list[LeadRow]:
    """A page of this company's leads."""
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_leads(session, company.tenant_id, wanted, **more)


async def a_lead(company: Company, **more: Any) -> LeadRow:
    """The lead that has just written."""
    await receive(company, **more)
    found = await listed(company)
    return next(row for row in found if row.address == more.get("lead", row.address))


async def read(company: Company, lead_id: UUID) -> LeadRow:
    """This lead as it is now."""
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.get_lead(session, company.tenant_id, lead_id)


async def do(someone: Someone, change: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
    """A change by this person, in a transaction of its own."""
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await change(session, person(someone), *arguments, **named)


async def stages(company: Company) -> dict[str, UUID]:
    """Name to id, in their order."""
    async with db.tenant_session(company.tenant_id) as session:
        return {row.name: row.id for row in await queries.list_stages(session, company.tenant_id)}


async def trail(company: Company) -> list[tuple[str, str]]:
    """What the company's audit says: action and who."""
    async with db.tenant_session(company.tenant_id) as session:
        rows = await session.execute(text("select action, actor_name from audit_event order by id"))
        return [(action, name) for action, name in rows]


async def everything(company: Company, *tables: str) -> dict[str, list[str]]:
    """All rows of these tables as text, for before and after."""
    found = {}
    async with db.tenant_session(company.tenant_id) as session:
        for table in tables:
            rows = await session.scalars(
                text(f"select t::text from {table} as t where t.tenant_id = :tenant order by 1"),
                {"tenant": company.tenant_id},
            )
            found[table] = list(rows)
    return found
