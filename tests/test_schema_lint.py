"""The catalogue lint: clean on our schema, red for each planted fault."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tenant_portal import database_setup
from tenant_portal.errors import SchemaUnsafe
from tenant_portal.schema_lint import RULES, breaches, refuse_unsafe_schema

pytestmark = pytest.mark.database
DEFINER = "create function {name}() returns int language sql security definer {more} as 'select 1'"
# rule -> (statements of a careless migration, what the lint has to name)
FAULTS: list[tuple[str, list[str], str]] = [
    ("table without forced", ["create table loose (tenant_id uuid, id uuid)"], "loose"),
    ("table without forced", ["alter table lead no force row level security"], "lead"),
    ("security without a policy", ["drop policy tenant_isolation on lead_note"], "lead_note"),
    ("policy missing or changed", ["drop policy tenant_isolation on message"], "message.tenant_isolation"),
    (
        "policy missing or changed",
        ["alter policy tenant_isolation on message using (true) with check (true)"],
        "message.tenant_isolation",
    ),
    (
        "policy that nobody wrote down",
        ["create policy handy on lead to portal_staff using (true) with check (true)"],
        "lead.handy",
    ),
    ("policy without a check", ["create policy handy on lead to portal_app using (true)"], "lead.handy"),
    ("or for everybody", ["create policy handy on lead using (true) with check (true)"], "lead.handy"),
    ("view without security_invoker", ["create view all_leads as select * from lead"], "all_leads"),
    ("materialized view", ["create materialized view all_leads as select * from lead"], "all_leads"),
    ("definer function without a search_path", [DEFINER.format(name="loose", more="")], "loose()"),
    (
        "that row-level security does not bind",
        [DEFINER.format(name="loose", more="set search_path = pg_catalog")],
        "loose()",
    ),
    ("role of the portal", ["alter role portal_staff bypassrls"], "portal_staff"),
    ("may act as the owner", ["grant portal_intake to portal_front_door"], "portal_front_door"),
    ("may act as the owner", ["grant portal_search to portal_app"], "portal_app"),
    ("role of the portal", ["alter table lead owner to portal_app"], "portal_app"),
    ("right to truncate", ["grant truncate on lead to portal_app"], "lead"),
    (
        "reference to a tenant's table",
        [
            "create unique index loose on lead (id)",
            "alter table lead_note add constraint loose_reference foreign key (lead_id) references lead (id)",
        ],
        "loose_reference",
    ),
    ("unique key that does not carry", ["create unique index loose on message (provider_sid)"], "loose"),
    (
        "partition that can be reached",
        [
            "create table parent (tenant_id uuid) partition by hash (tenant_id)",
            "create table child partition of parent for values with (modulus 1, remainder 0)",
            "grant select on child to portal_app",
        ],
        "child",
    ),
]


@pytest.fixture
def superuser(admin_url: str) -> Iterator[sa.Connection]:
    """A superuser's open transaction, rolled back at the end: a careless migration that never happened."""
    engine = sa.create_engine(re.sub("^postgres(ql)?://", "postgresql+psycopg://", admin_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_our_schema_is_sound(superuser: sa.Connection) -> None:
    assert breaches(superuser) == []


@pytest.mark.parametrize(("rule", "statements", "thing"), FAULTS, ids=[f"{rule}: {thing}" for rule, _, thing in FAULTS])
def test_a_careless_migration_is_caught(superuser: sa.Connection, rule: str, statements: list[str], thing: str) -> None:
    for statement in statements:
        superuser.execute(sa.text(statement))
    found = [(breach.rule, breach.thing) for breach in breaches(superuser)]
    assert any(rule in name and thing == at for name, at in found), found


def test_every_rule_has_a_planted_fault() -> None:
    assert [rule for rule in RULES if not any(part in rule for part, _, _ in FAULTS)] == []


def test_the_portal_refuses_to_start_on_an_unsafe_schema(superuser: sa.Connection) -> None:
    superuser.execute(sa.text("alter table lead disable row level security"))
    with pytest.raises(SchemaUnsafe, match="lead: table without forced row-level security"):
        refuse_unsafe_schema(superuser)


def test_prepare_refuses_what_the_lint_refuses(admin_url: str) -> None:
    engine = sa.create_engine(admin_url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("create view all_leads as select * from lead"))
    with pytest.raises(SchemaUnsafe, match="all_leads: view without security_invoker"):
        database_setup.prepare(admin_url)
