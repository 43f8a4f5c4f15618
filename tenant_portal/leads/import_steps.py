"""What the job does with a file of leads, a piece at a time, each in a transaction of its own; see importing.py."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.db import announce
from tenant_portal.errors import BadInput
from tenant_portal.identity.queries import list_members
from tenant_portal.leads import queries, rules
from tenant_portal.leads.importing import ROW, TABLE, guess, rows_after
from tenant_portal.leads.spreadsheets import Cells, read_table
from tenant_portal.models import LeadImport
from tenant_portal.models.enums import ImportState
from tenant_portal.models.ids import uuid7

# What it does may take longer than a page would wait.
PATIENCE = sa.text("set local statement_timeout = '10min'")


@dataclass(frozen=True, slots=True)
class Known:
    """What words of a file can mean for a tenant."""

    stages: dict[str, UUID]
    owners: dict[str, UUID]
    labels: dict[str, UUID]
    fields: dict[str, queries.FieldRow]


async def next_work(session: AsyncSession, tenant_id: UUID) -> LeadImport | None:
    """The oldest file of this tenant on which the job has to go on."""
    busy = (ImportState.READING, ImportState.CHECKING, ImportState.APPLYING, ImportState.UNDOING)
    found = sa.select(LeadImport).where(col(LeadImport.tenant_id) == tenant_id, col(LeadImport.state).in_(busy))
    return await session.scalar(found.order_by(col(LeadImport.id)).limit(1))


async def keep_rows(session: AsyncSession, row: LeadImport, first: int, rows: Sequence[Cells]) -> None:
    """Keep a chunk of the file's rows, of which the first stands in line `first`."""
    numbered = json.dumps([[first + n, cells] for n, cells in enumerate(rows)])
    statement = sa.text(
        "insert into lead_import_row (tenant_id, import_id, number, cells)"
        " select :tenant, :import, (x->>0)::int, x->1 from jsonb_array_elements(cast(:rows as jsonb)) as x"
        " on conflict do nothing"
    )
    await session.execute(statement, {"tenant": row.tenant_id, "import": row.id, "rows": numbered})
    await _set(session, row, total=first + len(rows) - 2)


def table_of(row: LeadImport) -> tuple[Cells, list[Cells]]:
    """Names of columns and rows of the file; BadInput. Takes seconds of the processor for a large workbook."""
    return read_table(row.content or b"")


async def end_reading(session: AsyncSession, row: LeadImport, columns: Cells, total: int) -> None:
    """All rows are kept: the file itself goes, and a person says what the columns are."""
    mapping = guess(columns, await queries.list_fields(session, row.tenant_id))
    names = [name or f"Column {n}" for n, name in enumerate(columns, 1)]
    await _set(session, row, state=ImportState.MAPPING, columns=names, mapping=mapping, total=total, content=None)


async def check_chunk(session: AsyncSession, row: LeadImport, known: Known) -> bool:
    """Look at the next rows; False once all were looked at and the file is ready."""
    rows = await rows_after(session, row.tenant_id, row.id, row.checked + 1)
    if not rows:
        await _settle_check(session, row)
        return False
    checked = json.dumps([{"number": number, **_check_row(row, cells, known)} for number, cells, _ in rows])
    statement = sa.text(
        "update lead_import_row r set address = x.address, parsed = x.parsed, errors = x.errors, lead_id = x.lead_id"
        " from jsonb_to_recordset(cast(:rows as jsonb))"
        " as x(number int, address text, parsed jsonb, errors jsonb, lead_id uuid)"
        " where r.tenant_id = :tenant and r.import_id = :import and r.number = x.number"
    )
    await session.execute(statement, {"tenant": row.tenant_id, "import": row.id, "rows": checked})
    row.checked += len(rows)
    await _set(session, row, checked=row.checked)
    return True


async def known_words(session: AsyncSession, tenant_id: UUID) -> Known:
    """What the words of a file can mean now."""
    members = await list_members(session, tenant_id)
    owners = {name.casefold(): one.user_id for one in members for name in (one.name, one.email)}
    return Known(
        stages={one.name.casefold(): one.id for one in await queries.list_stages(session, tenant_id)},
        owners=owners,
        labels={one.name.casefold(): one.id for one in await queries.list_labels(session, tenant_id)},
        fields={f"field:{one.id}": one for one in await queries.list_fields(session, tenant_id)},
    )


def _check_row(row: LeadImport, cells: Cells, known: Known) -> dict[str, Any]:
    parsed: dict[str, Any] = {"fields": {}}
    errors: dict[str, str] = {}
    for name, target, cell in zip(row.columns, row.mapping, cells, strict=False):
        try:
            if target.startswith("field:") and (own := known.fields.get(target)):
                if value := rules.parse_field(own.kind, own.choices, cell, name):
                    parsed["fields"][str(own.id)] = value
            elif target:
                parsed[target] = _parse(target, cell, row.country, known)
        except BadInput as error:
            errors[name] = error.message
    return {
        "address": parsed.pop("number", None),
        "parsed": parsed,
        "errors": errors,
        "lead_id": str(uuid7()),
    }


def _parse(target: str, cell: str, country: str, known: Known) -> Any:
    match target:
        case "number":
            return rules.parse_number(cell, country)
        case "name":
            return rules.clean_name(cell)
        case "value":
            value = rules.parse_value(cell)
            return None if value is None else str(value)
        case "stage":
            return _word(known.stages, cell, "stage")
        case "owner":
            return _word(known.owners, cell, "person of your team")
        case "labels":
            return [_word(known.labels, word, "label") for word in cell.split(",") if word.strip()]
        case "next_step":
            return rules.clean_next_step(cell)
    day = rules.parse_day(cell)
    return day.isoformat() if day else None


def _word(known: dict[str, UUID], cell: str, what: str) -> str | None:
    word = " ".join(cell.split())
    if not word:
        return None
    if word.casefold() not in known:
        raise BadInput(f"There is no {what} called {word[:60]}.")
    return str(known[word.casefold()])


async def _settle_check(session: AsyncSession, row: LeadImport) -> None:
    """Numbers that stand twice in the file, or that a lead has already, are errors as well; then count."""
    column = row.columns[row.mapping.index("number")]
    ids = {"tenant": row.tenant_id, "import": row.id}
    await session.execute(PATIENCE)
    twice = sa.text(
        "update lead_import_row r set errors = r.errors || jsonb_build_object(cast(:column as text),"
        " 'The same number stands in line ' || d.first || '.') from (select number, min(number) over"
        " (partition by address) as first from lead_import_row where tenant_id = :tenant and import_id = :import"
        " and address is not null) as d where r.tenant_id = :tenant and r.import_id = :import"
        " and r.number = d.number and d.first < d.number"
    )
    there = sa.text(
        "update lead_import_row r set errors = r.errors || jsonb_build_object(cast(:column as text),"
        " 'There is a lead with this number already.') from lead l where l.tenant_id = :tenant"
        " and l.address = r.address and r.tenant_id = :tenant and r.import_id = :import"
    )
    for statement in (twice, there):
        await session.execute(statement, {**ids, "column": column})
    good = sa.select(sa.func.count()).where(*_good(row))
    await _set(session, row, state=ImportState.READY, good=await session.scalar(good) or 0)


def _good(row: LeadImport) -> list[sa.ColumnElement[bool]]:
    empty = sa.cast({}, ROW.c.errors.type)
    return [ROW.c.tenant_id == row.tenant_id, ROW.c.import_id == row.id, ROW.c.errors == empty]


async def apply(session: AsyncSession, row: LeadImport) -> None:
    """Make leads of all good rows, in the caller's transaction; whoever has written meanwhile is left as they are."""
    ids = {"tenant": row.tenant_id, "import": row.id}
    await session.execute(PATIENCE)
    made = sa.text(
        "insert into lead (tenant_id, id, address, name, profile_name, place, stage, stage_id, value, owner_id,"
        " next_step, next_step_on, fields, created_at)"
        " select r.tenant_id, r.lead_id, r.address, coalesce(r.parsed->>'name', ''), '', '', 'new', s.id,"
        " (r.parsed->>'value')::numeric, u.id, coalesce(r.parsed->>'next_step', ''),"
        " (r.parsed->>'next_step_on')::date, coalesce(r.parsed->'fields', '{}'), now()"
        " from lead_import_row r"
        # Stages and people may have gone since the rows were checked.
        " left join lead_stage s on s.tenant_id = r.tenant_id and s.id = (r.parsed->>'stage')::uuid"
        " left join portal_user u on u.tenant_id = r.tenant_id and u.id = (r.parsed->>'owner')::uuid"
        " where r.tenant_id = :tenant and r.import_id = :import and r.errors = '{}' order by r.number"
        " on conflict (tenant_id, address) do nothing"
    )
    await session.execute(made, ids)
    labelled = sa.text(
        "insert into lead_label (tenant_id, lead_id, label_id)"
        " select r.tenant_id, l.id, b.id from lead_import_row r"
        " join lead l on l.tenant_id = r.tenant_id and l.id = r.lead_id"
        " cross join jsonb_array_elements_text(coalesce(nullif(r.parsed->'labels', 'null'), '[]')) as w"
        " join label b on b.tenant_id = r.tenant_id and b.id = w::uuid"
        " where r.tenant_id = :tenant and r.import_id = :import on conflict do nothing"
    )
    await session.execute(labelled, ids)
    count = await session.scalar(sa.text(f"select count(*) {_MADE}"), ids)
    # They are leads now; a second copy of what is known of people would outlive them.
    await session.execute(sa.update(ROW).where(*_good(row)).values(cells=[], parsed={}))
    await _set(session, row, state=ImportState.DONE, outcome=f"{count:,} leads were made.")


_MADE = (
    "from lead_import_row r join lead l on l.tenant_id = r.tenant_id and l.id = r.lead_id"
    " where r.tenant_id = :tenant and r.import_id = :import"
)


async def take_away(session: AsyncSession, row: LeadImport) -> None:
    """Delete the leads of the file that nobody has written to, written from, noted or changed since; in one go."""
    ids = {"tenant": row.tenant_id, "import": row.id}
    await session.execute(PATIENCE)
    untouched = sa.text(
        "delete from lead l using lead_import_row r"
        " where r.tenant_id = :tenant and r.import_id = :import and l.tenant_id = r.tenant_id and l.id = r.lead_id"
        " and not exists (select from conversation c where c.tenant_id = l.tenant_id and c.lead_id = l.id)"
        " and not exists (select from lead_note n where n.tenant_id = l.tenant_id and n.lead_id = l.id)"
        " and not exists (select from lead_merge m where m.tenant_id = l.tenant_id and m.merged_id = l.id)"
        " and not exists (select from audit_event e where e.tenant_id = l.tenant_id and e.subject = l.id::text"
        " and e.action like 'lead:%') returning l.id"
    )
    gone = len((await session.execute(untouched, ids)).all())
    left = await session.scalar(sa.text(f"select count(*) {_MADE}"), ids)
    kept = f" {left:,} stay, since somebody has worked on them." if left else ""
    await _set(session, row, state=ImportState.UNDONE, outcome=f"{gone:,} leads were taken away.{kept}")


async def fail(session: AsyncSession, tenant_id: UUID, import_id: UUID, reason: str) -> None:
    """The file cannot be taken in, and says why."""
    change = sa.update(TABLE).where(TABLE.c.tenant_id == tenant_id, TABLE.c.id == import_id)
    await session.execute(change.values(state=ImportState.FAILED, outcome=reason, content=None))
    await announce(session, tenant_id)


async def _set(session: AsyncSession, row: LeadImport, **values: Any) -> None:
    change = sa.update(TABLE).where(TABLE.c.tenant_id == row.tenant_id, TABLE.c.id == row.id)
    await session.execute(change.values(**values))
    await announce(session, row.tenant_id)
