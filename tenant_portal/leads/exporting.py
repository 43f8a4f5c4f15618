"""All leads of a tenant as CSV, a page at a time."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.audit import service as audit
from tenant_portal.csv_lines import BYTE_ORDER_MARK, csv_line
from tenant_portal.db import tenant_session
from tenant_portal.identity.queries import Person
from tenant_portal.leads import queries
from tenant_portal.leads.queries import FieldRow, Filter, LeadRow

PAGE = 500
HEADINGS = (
    "Number", "Name", "Profile name", "Place", "Stage", "Value", "Currency", "Owner", "Labels", "Next step", "Due on",
    "Source", "Advertisement", "First contact", "Last message", "Unsubscribed since", "Blocked since",
)  # fmt: skip


async def note(session: AsyncSession, person: Person) -> None:
    """Write into the trail that the leads were taken out."""
    await audit.record(session, person, "leads:exported")


async def lines(tenant_id: UUID) -> AsyncIterator[str]:
    """The lines of the file; each page is a transaction of its own, so that a slow reader holds nothing."""
    async with tenant_session(tenant_id) as session:
        fields, currency = await queries.list_fields(session, tenant_id), await queries.get_currency(session, tenant_id)
    # Excel takes a file without the mark for one of an old code page.
    yield BYTE_ORDER_MARK + csv_line([*HEADINGS, *(field.name for field in fields)])
    for blocked in (False, True):
        after = None
        while True:
            async with tenant_session(tenant_id) as session:
                wanted = Filter(blocked=blocked)
                rows = await queries.list_leads(session, tenant_id, wanted, after=after, limit=PAGE)
            for row in rows:
                yield csv_line(_cells(row, fields, currency))
            if len(rows) < PAGE:
                break
            after = rows[-1].cursor


def _cells(row: LeadRow, fields: list[FieldRow], currency: str) -> list[str]:
    times = (row.created_at, row.last_message_at, row.opted_out_at, row.blocked_at)
    return [
        row.address,
        row.name,
        row.profile_name,
        row.place,
        row.stage_name,
        "" if row.value is None else f"{row.value:f}",
        currency,
        row.owner_name,
        ", ".join(label.name for label in row.labels),
        row.next_step,
        row.next_step_on.isoformat() if row.next_step_on else "",
        row.source.value if row.source else "",
        str((row.referral or {}).get("headline", "")),
        *(at.isoformat(timespec="seconds") if at else "" for at in times),
        *(str(row.fields.get(str(field.id), "")) for field in fields),
    ]
