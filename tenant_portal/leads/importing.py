"""Leads from a file: read, mapped, checked, and then all of them at once or none.

The rows wait in a table of their own, where reading and checking 100,000 of them goes in small transactions that show
how far they are and may be cut off anywhere. What becomes leads does so in one transaction at the end: nobody ever sees
half a file. Undoing takes away, at once as well, what nobody has touched since.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import job_queue
from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads import queries
from tenant_portal.leads.service import CHANNEL
from tenant_portal.leads.spreadsheets import MAX_BYTES, Cells
from tenant_portal.models import LeadImport, metadata
from tenant_portal.models.enums import ImportState

IMPORT = "leads.import"
ROW = metadata.tables["lead_import_row"]
TABLE = metadata.tables["lead_import"]
CHUNK = 2000
MOST_KEPT = 20
TARGETS = ("number", "name", "value", "stage", "owner", "labels", "next_step", "next_step_on")
# What a column may be called that is one of these; compared without case, blanks and signs.
ALIASES = {
    "number": {"number", "phone", "phonenumber", "mobile", "mobilephone", "cell", "telephone", "tel", "whatsapp"},
    "name": {"name", "fullname", "contact", "contactname", "customer", "lead"},
    "value": {"value", "amount", "dealvalue", "worth"},
    "stage": {"stage", "status", "pipeline", "pipelinestage"},
    "owner": {"owner", "assignedto", "assignee", "owneremail"},
    "labels": {"labels", "label", "tags", "tag"},
    "next_step": {"nextstep", "task", "todo"},
    "next_step_on": {"nextstepon", "dueon", "due", "duedate", "followup"},
}


async def start(session: AsyncSession, person: Person, file_name: str, content: bytes) -> UUID:
    """Take a file in; a job reads it. BadInput where it is empty or too large, Conflict while another is under way."""
    tenant_id = _tenant_of(person)
    if not content:
        raise BadInput("Choose a file first.")
    if len(content) > MAX_BYTES:
        raise BadInput(f"A file has at most {MAX_BYTES // 1024 // 1024} MB.")
    await _sweep(session, tenant_id)
    home = sa.select(CHANNEL.c.country).where(CHANNEL.c.tenant_id == tenant_id, CHANNEL.c.country != "").limit(1)
    row = LeadImport(
        tenant_id=tenant_id,
        file_name=" ".join(file_name.split())[-200:] or "file",
        content=content,
        country=await session.scalar(home) or "",
        actor_id=person.user_id,
        actor_name=person.name,
    )
    session.add(row)
    await session.flush()
    await _go_on(session, tenant_id)
    await audit.record(session, person, "import:started", row.file_name)
    return row.id


async def set_mapping(session: AsyncSession, person: Person, import_id: UUID, mapping: Sequence[str]) -> None:
    """Say what each column is; all rows are checked anew. BadInput without a number, or where two are the same."""
    row = await _import(session, person, import_id, ImportState.MAPPING, ImportState.READY)
    fields = {f"field:{one.id}" for one in await queries.list_fields(session, row.tenant_id)}
    chosen = [target if target in fields or target in TARGETS else "" for target in mapping][: len(row.columns)]
    named = [target for target in chosen if target]
    if "number" not in named:
        raise BadInput("Say which column holds the phone number.", field="mapping")
    if len(set(named)) < len(named):
        raise BadInput("Two columns are the same thing. Choose one of them.", field="mapping")
    row.mapping = chosen + [""] * (len(row.columns) - len(chosen))
    row.state, row.checked, row.good = ImportState.CHECKING, 0, 0
    await _go_on(session, row.tenant_id)


async def confirm(session: AsyncSession, person: Person, import_id: UUID) -> None:
    """Make leads of the good rows; a job does it at once."""
    row = await _import(session, person, import_id, ImportState.READY)
    if not row.good:
        raise Conflict("No row of this file can become a lead.")
    row.state = ImportState.APPLYING
    await audit.record(session, person, "import:confirmed", row.file_name, rows=row.good)
    await _go_on(session, row.tenant_id)


async def undo(session: AsyncSession, person: Person, import_id: UUID) -> None:
    """Take the leads of this file away again, but for those that somebody has touched since."""
    row = await _import(session, person, import_id, ImportState.DONE)
    row.state = ImportState.UNDOING
    await audit.record(session, person, "import:undone", row.file_name)
    await _go_on(session, row.tenant_id)


async def discard(session: AsyncSession, person: Person, import_id: UUID) -> None:
    """Forget the file and what was kept of it; leads that came of it stay."""
    ended = (ImportState.MAPPING, ImportState.READY, ImportState.DONE, ImportState.UNDONE, ImportState.FAILED)
    row = await _import(session, person, import_id, *ended)
    await session.delete(row)
    await audit.record(session, person, "import:discarded", row.file_name)
    await announce(session, row.tenant_id)


def guess(columns: Sequence[str], fields: Sequence[queries.FieldRow]) -> list[str]:
    """What each column probably is, by its name; each thing once."""
    own = {_plain(one.name): f"field:{one.id}" for one in fields}
    found: list[str] = []
    for name in columns:
        plain = _plain(name)
        target = next((word for word, names in ALIASES.items() if plain in names), own.get(plain, ""))
        found.append("" if target in found else target)
    return found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


async def list_imports(session: AsyncSession, tenant_id: UUID) -> list[LeadImport]:
    """The files of this tenant without their content, newest first."""
    columns = [column for column in TABLE.c if column.name != "content"]
    found = sa.select(*columns).where(TABLE.c.tenant_id == tenant_id).order_by(TABLE.c.id.desc()).limit(MOST_KEPT)
    return [LeadImport(**row) for row in (await session.execute(found)).mappings()]


async def preview(session: AsyncSession, tenant_id: UUID, import_id: UUID, *, limit: int = 5) -> list[Cells]:
    """The first rows of a file."""
    return [cells for _, cells, _ in await rows_after(session, tenant_id, import_id, 0, limit=limit)]


async def rows_after(
    session: AsyncSession, tenant_id: UUID, import_id: UUID, number: int, *, wrong: bool = False, limit: int = CHUNK
) -> list[tuple[int, Cells, dict[str, str]]]:
    """Rows after line `number`: their line, cells and errors; `wrong` only those with an error."""
    found = sa.select(ROW.c.number, ROW.c.cells, ROW.c.errors).where(
        ROW.c.tenant_id == tenant_id, ROW.c.import_id == import_id, ROW.c.number > number
    )
    if wrong:
        found = found.where(ROW.c.errors != sa.cast({}, ROW.c.errors.type))
    rows = await session.execute(found.order_by(ROW.c.number).limit(limit))
    return [(line, cells, errors) for line, cells, errors in rows]


async def read_import(session: AsyncSession, tenant_id: UUID, import_id: UUID) -> LeadImport:
    """One file; NotFound if this tenant has none of this id."""
    found = next((row for row in await list_imports(session, tenant_id) if row.id == import_id), None)
    if found is None:
        raise NotFound("This import does not exist.")
    return found


async def _go_on(session: AsyncSession, tenant_id: UUID) -> None:
    await job_queue.wake(session, IMPORT, tenant_id)
    await announce(session, tenant_id)


async def _sweep(session: AsyncSession, tenant_id: UUID) -> None:
    known = await list_imports(session, tenant_id)
    under_way = (ImportState.READING, ImportState.CHECKING, ImportState.APPLYING, ImportState.UNDOING)
    if any(row.state in under_way for row in known):
        raise Conflict("Another file is being taken in. Wait until it is done.")
    oldest = sa.delete(TABLE).where(
        TABLE.c.tenant_id == tenant_id, TABLE.c.id.not_in([row.id for row in known[: MOST_KEPT - 1]])
    )
    await session.execute(oldest)


async def _import(session: AsyncSession, person: Person, import_id: UUID, *states: ImportState) -> LeadImport:
    found = sa.select(LeadImport).where(col(LeadImport.tenant_id) == person.tenant_id, col(LeadImport.id) == import_id)
    row = await session.scalar(found.with_for_update())
    if row is None:
        raise NotFound("This import does not exist.")
    if row.state not in states:
        raise Conflict("This import is not at a point where that can be done.")
    return row


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotFound("This import does not exist.")
    return person.tenant_id
