"""The tables can be spread over servers by tenant; a migration that would end that is seen."""

import psycopg
import pytest

from deploy.citus_check import REFERENCE, check

pytestmark = pytest.mark.database
GROWING = {"message", "conversation", "lead", "media", "voicemail", "channel", "tenant_hour"}


def test_what_grows_is_spread_by_tenant_and_everything_fits(admin_url: str) -> None:
    placed = check(admin_url)
    assert [table for table in placed if table.problems] == []
    kinds = {table.name.removeprefix("public."): table.kind for table in placed}
    assert {kinds[name] for name in GROWING} == {"distributed"}
    assert {name for name, kind in kinds.items() if kind == "reference"} == REFERENCE


def test_the_job_queue_stays_where_it_is(admin_url: str) -> None:
    assert {table.kind for table in check(admin_url) if table.name.startswith("jobs.")} == {"local"}


@pytest.mark.parametrize(
    ("careless", "problem"),
    [
        ("create unique index careless on message (provider_sid)", "unique key careless does not carry tenant_id"),
        (
            "create table careless (tenant_id uuid not null, id uuid, lead_id uuid, primary key (tenant_id, id));"
            "create unique index careless_lead on lead (id) ; alter table careless add constraint fk_careless"
            " foreign key (lead_id) references lead (id)",
            "reference fk_careless does not carry tenant_id",
        ),
        (
            "create table careless (id uuid primary key, tenant uuid, lead_id uuid, constraint fk_careless"
            " foreign key (tenant, lead_id) references lead (tenant_id, id))",
            "reference fk_careless from a local to a distributed table",
        ),
        (
            "create trigger careless before update on lead for each row"
            " execute function suppress_redundant_updates_trigger()",
            "trigger careless: not on distributed tables",
        ),
        (
            "create table careless (tenant_id uuid not null, id uuid, lead_id uuid, primary key (tenant_id, id),"
            " constraint fk_careless foreign key (tenant_id, lead_id) references lead (tenant_id, id)"
            " on delete set null)",
            "reference fk_careless would set tenant_id to null",
        ),
    ],
)
def test_a_careless_migration_is_seen(admin_url: str, careless: str, problem: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(careless.encode())
    assert problem in [found for table in check(admin_url) for found in table.problems]
