"""The catalogue lint: what the running database really has, held against the rules of the wall.

A test and a start-up check; the portal refuses to serve on a schema that breaks a rule. Each rule is one query that
returns what breaks it. The rules and the leaks behind them: docs/architecture.md, "The wall".
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from tenant_portal.errors import SchemaUnsafe
from tenant_portal.models import row_level_security as wall

CONDITION = "({} = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))"
# As PostgreSQL writes down what the wall says.
CONDITIONS = {
    "true": "true",
    wall.OF_THE_BATCH: "(tenant_id = ANY (( SELECT (string_to_array(current_setting('app.tenant_ids'::text, true),"
    " ','::text))::uuid[] AS string_to_array)::uuid[]))",
}
# Unique without the tenant, on purpose: what is looked up before the tenant is known, or random.
UNIQUE_FOR_ALL = frozenset(
    {
        "pk_tenant",
        "pk_subaccount",
        "uq_subaccount_account_sid",
        "pk_portal_user",
        "uq_portal_user_email",
        "pk_user_session",
        "uq_user_session_id",
        "uq_invitation_token_hash",
        "pk_outgoing_email",
        "pk_password_reset",
        "pk_second_factor",
    }
)
# These point at a person or a tenant as a whole, before or without a tenant of their own.
PLAIN_REFERENCES = frozenset({"fk_user_session_user_id", "fk_password_reset_user_id", "fk_second_factor_user_id"})
OURS = "c.relnamespace = 'public'::regnamespace and c.relname <> 'alembic_version'"
DOORS = ", ".join(f"'{role}'" for role in (*wall.DOOR_ROLES, wall.LOGIN))
OWNERS = ", ".join(f"'{role}'" for role in (wall.OWNER, *wall.OWNERS_OF_FUNCTIONS))
IS_DOOR = f"rolname in ({DOORS})"


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule and the object that breaks it."""

    rule: str
    thing: str


RULES: dict[str, str] = {
    "table without forced row-level security": f"""
        select c.relname from pg_class c where {OURS} and c.relkind in ('r', 'p')
        and not (c.relrowsecurity and c.relforcerowsecurity)""",
    "row-level security without a policy": f"""
        select c.relname from pg_class c where {OURS} and c.relrowsecurity
        and not exists (select from pg_policy p where p.polrelid = c.oid)""",
    "policy without a check, or for everybody": f"""
        select c.relname || '.' || p.polname from pg_policy p join pg_class c on c.oid = p.polrelid
        where {OURS} and ((p.polwithcheck is null and p.polcmd <> 'r') or 0 = any (p.polroles))""",
    "view without security_invoker": """
        select c.oid::regclass::text from pg_class c join pg_namespace s on s.oid = c.relnamespace
        where c.relkind = 'v' and s.nspname not in ('pg_catalog', 'information_schema')
        and not coalesce(c.reloptions && '{security_invoker=true,security_invoker=on}', false)""",
    "materialized view": "select c.oid::regclass::text from pg_class c where c.relkind = 'm'",
    "definer function without a search_path": """
        select p.oid::regprocedure::text from pg_proc p where p.prosecdef
        and p.pronamespace <> 'pg_catalog'::regnamespace
        and not exists (select from unnest(p.proconfig) as c where c like 'search_path=%')""",
    "definer function owned by a role that row-level security does not bind": """
        select p.oid::regprocedure::text from pg_proc p join pg_roles r on r.oid = p.proowner
        where p.prosecdef and p.pronamespace <> 'pg_catalog'::regnamespace
        and (r.rolsuper or r.rolbypassrls)""",
    "role of the portal that is superuser, bypasses row-level security or owns a table": f"""
        select rolname from pg_roles where ({IS_DOOR} or rolname in ({OWNERS}))
        and (rolsuper or rolbypassrls)
        union select r.rolname from pg_roles r where {IS_DOOR} and exists (select from pg_class c where {OURS}
        and c.relkind in ('r', 'p') and pg_has_role(r.oid, c.relowner, 'member'))""",
    "right to truncate": f"""
        select c.relname from pg_class c, pg_roles r where {OURS} and c.relkind in ('r', 'p')
        and {IS_DOOR} and has_table_privilege(r.oid, c.oid, 'truncate')""",
    "reference to a tenant's table that does not carry the tenant": f"""
        select k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid where k.contype = 'f' and {OURS}
        and not exists (
            select from pg_attribute a where a.attrelid = k.confrelid and a.attnum = any (k.confkey)
            and a.attname = 'tenant_id')
        and exists (select from pg_attribute a where a.attrelid = k.confrelid and a.attname = 'tenant_id')""",
    "unique key that does not carry the tenant": f"""
        select x.relname from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
        where i.indisunique and {OURS}
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
        and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
            and a.attnum = any (i.indkey::int2[]))""",
    "process that may act as the owner of a function": f"""
        select d.rolname from pg_roles d, pg_roles o where d.{IS_DOOR} and o.rolname in ({OWNERS})
        and pg_has_role(d.oid, o.oid, 'member')""",
    "partition that can be reached past its parent": f"""
        select c.relname from pg_class c, pg_roles r where c.relispartition and {IS_DOOR}
        and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')""",
}
EXCEPTIONS = {
    "unique key that does not carry the tenant": UNIQUE_FOR_ALL,
    "reference to a tenant's table that does not carry the tenant": PLAIN_REFERENCES,
}
POLICIES = """
    select c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
    from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'public'::regnamespace"""


def breaches(connection: sa.Connection) -> list[Breach]:
    """Everything that breaks a rule; empty on a sound schema."""
    found = [
        Breach(rule, thing)
        for rule, query in RULES.items()
        for thing in connection.scalars(sa.text(query))
        if thing not in EXCEPTIONS.get(rule, frozenset())
    ]
    return [*found, *_changed_policies(connection)]


def refuse_unsafe_schema(connection: sa.Connection) -> None:
    """SchemaUnsafe with one line for each breach."""
    if found := breaches(connection):
        lines = "\n".join(f"  {breach.thing}: {breach.rule}" for breach in found)
        raise SchemaUnsafe(f"The database does not keep tenants apart; the portal does not start on it.\n{lines}")


def _changed_policies(connection: sa.Connection) -> Iterator[Breach]:
    actual = {(table, name): (using, check) for table, name, using, check in connection.execute(sa.text(POLICIES))}
    for part in wall.WALLS:
        for name, _, rows in part.policies():
            condition = CONDITIONS.get(rows) or CONDITION.format(part.tenant_column)
            if actual.pop((part.table, name), None) != (condition, condition):
                yield Breach("policy missing or changed", f"{part.table}.{name}")
    for table, name in actual:
        yield Breach("policy that nobody wrote down", f"{table}.{name}")
