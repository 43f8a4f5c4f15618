"""Direct SQL: every table of the wall, with no tenant, with the wrong one, and from outside the doors."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from tenant_portal.models import row_level_security as wall
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.doors import (
    INSUFFICIENT_PRIVILEGE,
    UNDEFINED_TABLE,
    attempt,
    column,
    refusal,
    value,
)
from tenant_portal.simulator.two_tenant_check.probe import Group, Probe, family, leak_if, probe

# What only its own door may execute: nothing here gives rows away. A new one is looked at by a person, then added.
KNOWN_DEFINERS = frozenset(
    {
        "front_door.resolve_account",
        "front_door.store_events",
        "front_door.hold_request",
        "front_door.count_refusals",
        "front_door.note_pressure",
        "front_door.message_referral",
        "front_door.conversation_merged",
        "front_door.portal_user_left",
        "front_door.store_known",
        "front_door.end_of_batch",
        "search.messages",
    }
)
DEFINERS = """
    select distinct n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema', 'jobs')
    and (has_function_privilege(:login, p.oid, 'execute') or has_function_privilege(:app, p.oid, 'execute'))
"""
READABLE = "select has_any_column_privilege(current_user, :table, 'select')"
MOVE = """
    insert into {table} select (jsonb_populate_record(null::{table},
        to_jsonb(own) || jsonb_build_object('{column}', cast(:other as text)))).* from {table} own limit 1
"""


def _tenant_tables() -> Iterator[tuple[str, str]]:
    for part in wall.WALLS:
        if part.tenant_column is not None:
            yield part.table, part.tenant_column


@family(Group.DATABASE)
def tables_without_a_tenant(_: Context) -> Iterator[Probe]:
    """One for each table of a tenant."""
    for table, of_tenant in _tenant_tables():
        title = f"{table}: the application role without a tenant gets an error, not rows"
        yield Probe(f"sql.no-tenant.{table}", title, Group.DATABASE, partial(_without_tenant, table, of_tenant))


async def _without_tenant(table: str, of_tenant: str, _: Context) -> str:
    async with attempt(wall.APP) as connection:
        state = await refusal(connection, f"select {of_tenant} from {table}")
    leak_if(not state, f"select {of_tenant} from {table} was answered without a tenant")
    return f"refused with SQLSTATE {state}"


@family(Group.DATABASE)
def tables_with_the_wrong_tenant(_: Context) -> Iterator[Probe]:
    """One for each table of a tenant."""
    for table, of_tenant in _tenant_tables():
        title = f"{table}: client B's session sees, changes and deletes nothing of client A"
        yield Probe(f"sql.wrong-tenant.{table}", title, Group.DATABASE, partial(_as_other, table, of_tenant))


async def _as_other(table: str, of_tenant: str, context: Context) -> str:
    a, b = context.a.tenant_id, context.b.tenant_id
    async with attempt(wall.APP, b) as connection:
        if not await value(connection, READABLE, table=table):
            return "the application role has no right to this table"
        seen = set(await column(connection, f"select distinct {of_tenant} from {table}"))
        leak_if(seen - {b}, f"client B's session sees rows of {len(seen - {b})} other clients")
        if not seen:
            raise RuntimeError(f"client B has no row in {table}: the probe is blind")
        for verb in (f"update {table} set {of_tenant} = {of_tenant}", f"delete from {table}"):
            await _touches_nothing(connection, f"{verb} where {of_tenant} = :a", a)
    return "client B's session sees its own rows only; update and delete of client A's rows change none"


async def _touches_nothing(connection: AsyncConnection, statement: str, a: UUID) -> None:
    counted = f"with touched as ({statement} returning 1) select count(*) from touched"
    state = await refusal(connection, counted, a=a)
    if not state:
        touched = await value(connection, counted, a=a)
        leak_if(touched, f"{statement.split()[0]} as client B reached {touched} rows of client A")


@family(Group.DATABASE)
def rows_for_another_tenant(_: Context) -> Iterator[Probe]:
    """One for each table that the application writes."""
    for part in wall.WALLS:
        may_insert = any(a.role == wall.APP and any("insert" in right for right in a.rights) for a in part.accesses)
        if part.tenant_column and may_insert:
            title = f"{part.table}: client B's session cannot write a row for client A"
            run = partial(_write_for_other, part.table, part.tenant_column)
            yield Probe(f"sql.write-for-other.{part.table}", title, Group.DATABASE, run)


async def _write_for_other(table: str, of_tenant: str, context: Context) -> str:
    async with attempt(wall.APP, context.b.tenant_id) as connection:
        statement = MOVE.format(table=table, column=of_tenant)
        state = await refusal(connection, statement, other=str(context.a.tenant_id))
    leak_if(state != INSUFFICIENT_PRIVILEGE, f"PostgreSQL said {state or 'yes'} instead of 42501")
    return "refused with SQLSTATE 42501 (row-level security)"


@family(Group.DATABASE)
def tables_outside_a_door(_: Context) -> Iterator[Probe]:
    """One for each table."""
    for part in wall.WALLS:
        title = f"{part.table}: the sign-in of the processes reaches it through no door but the right ones"
        yield Probe(f"sql.doors.{part.table}", title, Group.DATABASE, partial(_outside, part))


async def _outside(part: wall.Wall, _: Context) -> str:
    invited = {access.role for access in part.accesses}
    shut = [None, *(role for role in wall.DOOR_ROLES if role not in invited)]
    for role in shut:
        async with attempt(role) as connection:
            state = await refusal(connection, f"select 1 from {part.table}")
        # The bare sign-in may not even look into the schema, so that to it the table does not exist.
        right = INSUFFICIENT_PRIVILEGE if role else UNDEFINED_TABLE
        leak_if(state != right, f"{role or 'the bare sign-in'} may read {part.table} ({state or 'yes'})")
    return f"{len(shut)} of {len(wall.DOOR_ROLES) + 1} roles are shut out"


@probe(Group.DATABASE, "sql.definers", "No function that steps over the wall is open to the application unseen")
async def definer_functions(_: Context) -> str:
    async with attempt(None) as connection:
        found = set(await column(connection, DEFINERS, login=wall.LOGIN, app=wall.APP))
    leak_if(found - KNOWN_DEFINERS, f"nobody has classified {', '.join(sorted(found - KNOWN_DEFINERS))}")
    return f"{len(found)} functions, each known"


@probe(Group.DATABASE, "sql.powers", "The application cannot take the wall down")
async def powers(context: Context) -> str:
    forbidden = (
        "truncate lead",
        "alter table lead disable row level security",
        "drop policy tenant_isolation on lead",
        "create table spare (id int)",
        "set local session authorization postgres",
        f"set local role {wall.OWNER}",
    )
    for statement in forbidden:
        async with attempt(wall.APP, context.b.tenant_id) as connection:
            state = await refusal(connection, statement)
        leak_if(not state, f"the application may {statement}")
    return f"{len(forbidden)} statements refused"


@probe(Group.DATABASE, "sql.row-security-off", "Switching row-level security off is an error, not a way out")
async def row_security_off(context: Context) -> str:
    async with attempt(wall.APP, context.b.tenant_id) as connection:
        await value(connection, "select set_config('row_security', 'off', true)")
        state = await refusal(connection, "select tenant_id from lead")
    leak_if(state != INSUFFICIENT_PRIVILEGE, f"PostgreSQL said {state or 'yes'}")
    return "refused with SQLSTATE 42501"


@probe(Group.DATABASE, "sql.tenant-forgotten", "A tenant does not stay behind on a connection that is used again")
async def tenant_forgotten(context: Context) -> str:
    async with attempt(wall.APP, context.a.tenant_id) as connection:
        await value(connection, "select count(*) from lead")
        await connection.rollback()
        left = await value(connection, "select coalesce(current_setting('app.tenant_id', true), '')")
        role = await value(connection, "select current_user")
    leak_if(left or role != wall.LOGIN, f"the connection still is {role} of {left}")
    return "after the transaction the connection is the bare sign-in, of no client"
