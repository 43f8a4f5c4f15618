"""What only the database knows, told for the worst few by id."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from tenant_portal import db, figures
from tenant_portal.figures import DatabaseFigures
from tenant_portal.tenants import limits
from tests.cast import Cast, found
from tests.test_job_queue import wake
from tests.threads import receive

HOUR = 3600


def admin(url: str, statement: str, *values: object) -> None:
    """Change something past every wall."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement.encode(), values)


async def read() -> dict[str, list[tuple[dict[str, str], float]]]:
    """Metric -> (labels, value) of each series."""
    collector = DatabaseFigures()
    await collector.read()
    return {metric.name: [(sample.labels, sample.value) for sample in metric.samples] for metric in collector.collect()}


def queue(url: str, tenant_ids: Sequence[UUID], seconds: int, status: str = "queued") -> None:
    """A message of each tenant that has waited so long."""
    for tenant_id in tenant_ids:
        admin(
            url,
            "insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, body, our_number,"
            " lead_number, media_count, details, author_name, created_at, status_at) values (%s, gen_random_uuid(),"
            " gen_random_uuid(), 'sms', 'out', %s, 'x', 'y', 'z', 0, '{}', '', now(), now() - %s)",
            tenant_id, status, timedelta(seconds=seconds),
        )  # fmt: skip


async def test_the_lag_is_the_age_of_the_oldest_work_that_is_due(cast: Cast, admin_url: str) -> None:
    queue(admin_url, [cast.acme.tenant_id], 60)
    queue(admin_url, [cast.acme.tenant_id], 600)
    ((labels, seconds),) = (await read())["portal_queue_lag_seconds"]
    assert labels == {"tenant_id": str(cast.acme.tenant_id), "task": "inbox.send_outbox"}
    assert 600 <= seconds < 630


async def test_what_is_under_way_or_not_due_yet_does_not_lag(cast: Cast, admin_url: str) -> None:
    queue(admin_url, [cast.acme.tenant_id], 60, "sending")
    queue(admin_url, [cast.acme.tenant_id], -60)
    assert (await read())["portal_queue_lag_seconds"] == []


async def test_a_suspended_tenants_work_waits_for_the_tenant(cast: Cast, admin_url: str) -> None:
    queue(admin_url, [cast.acme.tenant_id, cast.globex.tenant_id], 60)
    admin(admin_url, "update tenant set state = 'suspended' where id = %s", cast.acme.tenant_id)
    ((labels, _),) = (await read())["portal_queue_lag_seconds"]
    assert labels["tenant_id"] == str(cast.globex.tenant_id)


async def test_only_the_tenants_that_wait_longest_are_told(cast: Cast, admin_url: str) -> None:
    others = [(await found(f"Client {n}", f"+141555502{n:02}")).tenant_id for n in range(figures.MOST)]
    queue(admin_url, others, 300)
    queue(admin_url, [cast.acme.tenant_id], 10)
    told = {labels["tenant_id"] for labels, _ in (await read())["portal_queue_lag_seconds"]}
    assert told == set(map(str, others))


async def test_a_client_with_a_wrong_token_stands_out(cast: Cast, admin_url: str) -> None:
    statement = (
        "insert into webhook_refusal (hour, account_sid, reason, kind, count, parameter_names, last_at)"
        " values (date_trunc('hour', now(), 'UTC') - make_interval(hours => %s), %s, 'signature', 'sms', %s, '', now())"
    )
    admin(admin_url, statement, 0, cast.acme.account_sid, 30)
    admin(admin_url, statement, 1, cast.acme.account_sid, 10)
    admin(admin_url, statement, 5, cast.acme.account_sid, 1000)
    admin(admin_url, statement, 0, "AC" + "f" * 32, 500)
    told = (await read())["portal_tenant_refusals"]
    assert told == [({"tenant_id": str(cast.acme.tenant_id), "reason": "signature"}, 40.0)]


@pytest.mark.parametrize(
    ("hours_silent", "messages", "told"), [(8, 60, True), (8, 40, False), (3, 60, False), (80, 60, False)]
)
async def test_a_busy_channel_that_fell_silent_is_told(
    cast: Cast, admin_url: str, hours_silent: int, messages: int, told: bool
) -> None:
    last = datetime.now(UTC) - timedelta(hours=hours_silent)
    channel = "update channel set last_webhook_at = %s where tenant_id = %s and kind = 'sms'"
    admin(admin_url, channel, last, cast.acme.tenant_id)
    hour = (
        "insert into tenant_hour values (%s, date_trunc('hour', %s::timestamptz - interval '1 hour', 'UTC'), %s, 0, 0)"
    )
    admin(admin_url, hour, cast.acme.tenant_id, last, messages)
    silent = (await read())["portal_channel_silent_seconds"]
    assert [labels for labels, _ in silent] == [{"tenant_id": str(cast.acme.tenant_id), "channel": "sms"}] * told
    assert all(abs(seconds - hours_silent * HOUR) < 60 for _, seconds in silent)


async def test_jobs_tenants_and_quarantine_are_counted(cast: Cast) -> None:
    await wake(cast.acme.tenant_id)
    told = await read()
    assert told["portal_queue_jobs"] == [({"task": "inbox.send_outbox", "status": "todo"}, 1.0)]
    assert told["portal_tenants"] == [({"state": "active"}, 2.0)]
    assert told["portal_quarantined_requests"] == []


async def test_who_has_work_that_was_given_up_is_counted_until_staff_start_it_again(cast: Cast, admin_url: str) -> None:
    for company in (cast.acme, cast.globex):
        await wake(company.tenant_id)
    admin(admin_url, "update jobs.procrastinate_jobs set status = 'failed'")
    assert (await read())["portal_given_up_tenants"] == [({"task": "inbox.send_outbox"}, 2.0)]
    async with db.staff_session() as session:
        await limits.run_again(session, cast.acme.tenant_id, "inbox.send_outbox")
    assert (await read())["portal_given_up_tenants"] == [({"task": "inbox.send_outbox"}, 1.0)]


async def test_no_name_number_or_word_of_a_client_is_told(cast: Cast, admin_url: str) -> None:
    await receive(cast.acme, body="canary-in-a-body")
    queue(admin_url, [cast.acme.tenant_id], 60)
    told = repr(await read())
    assert str(cast.acme.tenant_id) in told
    for secret in ("canary", cast.acme.name, cast.acme.number, cast.acme.account_sid, cast.acme.auth_token):
        assert secret not in told


async def test_without_a_database_nothing_old_is_told(cast: Cast) -> None:
    collector = DatabaseFigures()
    await collector.read()
    await db.close()
    db.use_database("postgresql://portal_web@127.0.0.1:1/portal")
    with pytest.raises(SQLAlchemyError):
        await collector.read()
    told = {metric.name: metric.samples for metric in collector.collect()}
    assert told["portal_tenants"] == []
    assert told["portal_figures_timestamp_seconds"][0].value > 0
