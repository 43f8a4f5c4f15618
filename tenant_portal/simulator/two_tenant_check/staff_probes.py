"""What the narrow roles may read, column by column: staff above all, who must not read what leads write."""

import re
from collections.abc import Iterator
from functools import partial

from tenant_portal.models import metadata
from tenant_portal.models import row_level_security as wall
from tenant_portal.schema_lint import breaches
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.doors import INSUFFICIENT_PRIVILEGE, attempt, column, refusal
from tenant_portal.simulator.two_tenant_check.probe import Group, Probe, family, leak_if, probe

SELECTED = re.compile(r"select \(([^)]*)\)")
# Looked at before it is known whose they are: an invitation's own address is in it.
MAY_SEE_CANARY = {(wall.IDENTITY, "invitation")}


def readable(part: wall.Wall, role: str) -> set[str]:
    """The columns that the wall lets this role read."""
    rights = " ".join(right for access in part.accesses if access.role == role for right in access.rights)
    columns = {name for found in SELECTED.findall(rights) for name in re.split(r",\s*", found)}
    everything = re.search(r"select(?! ?\()", rights) is not None
    return set(metadata.tables[part.table].columns.keys()) if everything else columns


@family(Group.DATABASE)
def columns_closed_to_staff(_: Context) -> Iterator[Probe]:
    """One for each table that has columns staff may not read."""
    for part in wall.WALLS:
        closed = sorted(set(metadata.tables[part.table].columns.keys()) - readable(part, wall.STAFF))
        if closed:
            title = f"{part.table}: staff cannot read {', '.join(closed)[:120]}"
            yield Probe(f"sql.staff.{part.table}", title, Group.DATABASE, partial(_closed, part.table, closed))


async def _closed(table: str, closed: list[str], _: Context) -> str:
    async with attempt(wall.STAFF) as connection:
        for name in closed:
            state = await refusal(connection, f"select {name} from {table}")
            leak_if(state != INSUFFICIENT_PRIVILEGE, f"staff may read {table}.{name} ({state or 'it was answered'})")
    return f"{len(closed)} columns refused with SQLSTATE 42501"


@family(Group.DATABASE)
def texts_through_narrow_roles(_: Context) -> Iterator[Probe]:
    """One for each role that looks over all clients."""
    for role in (wall.STAFF, wall.FRONT_DOOR, wall.IDENTITY, wall.JOBS):
        title = f"{role} finds no text, number or secret of client A in anything it may read"
        yield Probe(f"sql.texts.{role.removeprefix('portal_')}", title, Group.DATABASE, partial(_texts, role))


async def _texts(role: str, context: Context) -> str:
    secrets = (context.a.canary, context.a.auth_token, context.a.old_token, context.stage.parent_token)
    count = 0
    for part in wall.WALLS:
        columns = sorted(readable(part, role))
        if not columns or (role, part.table) in MAY_SEE_CANARY:
            continue
        async with attempt(role) as connection:
            rows = await column(connection, f"select row({', '.join(columns)})::text from {part.table}")
        count += len(rows)
        leak_if(any(secret in row for row in rows for secret in secrets), f"it stands in {part.table}")
    return f"{count} rows read, none holds it"


@probe(Group.DATABASE, "sql.lint", "The catalogue breaks none of the rules of the wall")
async def lint(_: Context) -> str:
    async with attempt(None) as connection:
        found = await connection.run_sync(breaches)
    leak_if(found, "; ".join(f"{breach.thing}: {breach.rule}" for breach in found))
    return "every rule of the lint holds"
