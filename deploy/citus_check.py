"""Could the portal's database be spread over several servers by tenant, as Citus does it?

    python -m deploy.citus_check [--json]

Reads the catalogue of a migrated database (PORTAL_DATABASE_URL, PORTAL_DATABASE_APP_URL or the embedded one) and holds
it against the rules of a distributed table: every primary key, unique index, exclusion and foreign key between
distributed tables carries the distribution column. Prints what each table would be; exits with 1 if one does not fit.
Changes nothing. Source of the rules: Citus' documentation, "Choosing distribution column" and "DDL".
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from tenant_portal.cli import runtime

COLUMN = "tenant_id"
# A row or a few for each tenant, person or browser, unique across tenants or asked for before the tenant is known:
# copied whole to every server, where any key and any reference to them is possible.
REFERENCE = frozenset(
    {"tenant", "subaccount", "portal_user", "user_session", "invitation"}
    | {"outgoing_email", "password_reset", "second_factor"}
)
# Each reads and writes rows of its own row's tenant only, which lie on the same server; Citus takes no word for
# that, and wants `citus.enable_unsafe_triggers`.
OF_ONE_TENANT = frozenset(
    {"lead_first_stage", "message_referral", "conversation_blocked", "conversation_merged", "lead_merged_opt_out"}
    | {"conversation_reopened", "conversation_recounted", "lead_opted", "consent_noted"}
)
Kind = Literal["distributed", "reference", "local"]

TABLES = """
    select c.oid, c.relnamespace::regnamespace || '.' || c.relname as name, c.relname,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = %s and a.attnotnull) as has_tenant
    from pg_class c where c.relkind in ('r', 'p') and not c.relispartition
    and c.relnamespace::regnamespace::text in ('public', 'jobs', 'front_door') order by name"""
KEYS = """
    select i.indrelid as table, x.relname as name, array(
        select a.attname::text from unnest(i.indkey::int2[]) with ordinality as k(number, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
        where place <= i.indnkeyatts) as columns
    from pg_index i join pg_class x on x.oid = i.indexrelid where i.indisunique or i.indisexclusion"""
REFERENCES = """
    select k.conrelid as table, k.confrelid as target, k.conname as name, k.confdeltype = 'n' as sets_null,
        array(select a.attname::text from unnest(k.conkey) with ordinality as u(number, place)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number order by place) as columns,
        array(select a.attname::text from unnest(k.confkey) with ordinality as u(number, place)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number order by place) as targets,
        array(select a.attname::text from unnest(coalesce(k.confdelsetcols, k.conkey)) as u(number)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number) as set_null
    from pg_constraint k where k.contype = 'f'"""
TRIGGERS = """
    select t.tgrelid as table, t.tgname as name from pg_trigger t where not t.tgisinternal"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A table, what it would be, and what stands against it."""

    name: str
    kind: Kind
    problems: tuple[str, ...]


class Catalogue:
    """What the database says of its tables."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self.tables = {row["oid"]: row for row in connection.execute(TABLES, (COLUMN,))}
        self.keys = _by_table(connection.execute(KEYS))
        self.references = _by_table(connection.execute(REFERENCES))
        self.triggers = _by_table(connection.execute(TRIGGERS))

    def placed(self) -> list[Placed]:
        """Every table of the portal."""
        return [Placed(row["name"], self.kind(oid), tuple(self.problems(oid))) for oid, row in self.tables.items()]

    def kind(self, table: int) -> Kind:
        """What a table has to be; whether it can is another question."""
        row = self.tables[table]
        if row["name"] == f"public.{row['relname']}" and row["relname"] in REFERENCE:
            return "reference"
        return "distributed" if row["has_tenant"] else "local"

    def problems(self, table: int) -> Iterable[str]:
        """Sentences; none if the table fits."""
        kind = self.kind(table)
        if kind == "distributed":
            for key in self.keys.get(table, ()):
                if COLUMN not in key["columns"]:
                    yield f"unique key {key['name']} does not carry {COLUMN}"
            for trigger in self.triggers.get(table, ()):
                if trigger["name"] not in OF_ONE_TENANT:
                    yield f"trigger {trigger['name']}: not on distributed tables"
        for reference in self.references.get(table, ()):
            yield from self._problems_of_reference(kind, reference)

    def _problems_of_reference(self, kind: Kind, reference: dict[str, Any]) -> Iterable[str]:
        name, target = reference["name"], self.kind(reference["target"])
        allowed = {"distributed": {"distributed", "reference"}, "reference": {"reference"}, "local": {"local"}}
        if target not in allowed[kind]:
            yield f"reference {name} from a {kind} to a {target} table"
        pairs = zip(reference["columns"], reference["targets"], strict=True)
        if kind == target == "distributed" and (COLUMN, COLUMN) not in pairs:
            yield f"reference {name} does not carry {COLUMN}"
        if kind == "distributed" and reference["sets_null"] and COLUMN in reference["set_null"]:
            yield f"reference {name} would set {COLUMN} to null"


def _by_table(rows: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["table"], []).append(row)
    return found


def check(url: str) -> list[Placed]:
    """Every table of the database behind this URL."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return Catalogue(connection).placed()


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with runtime.database() as url:
        placed = check(url)
    if options.json:
        print(json.dumps([asdict(table) for table in placed], indent=2))
    else:
        for table in placed:
            print(f"{table.kind:<12}{table.name:<40}{'; '.join(table.problems) or 'fits'}")
    return 1 if any(table.problems for table in placed) else 0


if __name__ == "__main__":
    sys.exit(main())
