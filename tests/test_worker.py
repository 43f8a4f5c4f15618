"""The worker process: it drains, it stops when told, and what it leaves when killed is done by the next one."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tenant_portal import db, job_queue, worker
from tenant_portal.errors import NotFound
from tenant_portal.tenants import limits
from tests.cast import Cast
from tests.test_job_queue import wake

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20


@pytest.fixture
def process(database: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker on this test's database."""
    environment = os.environ | {"PORTAL_DATABASE_APP_URL": database}
    command = [sys.executable, "-m", "tenant_portal", "worker"]
    started = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    yield started
    if started.poll() is None:
        started.kill()
    started.wait()


def jobs(admin_url: str, query: str) -> list[tuple[object, ...]]:
    """Rows of a query in the schema of the queue."""
    with psycopg.connect(admin_url, autocommit=True, options="-c search_path=jobs") as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def until(happened: Callable[[], bool]) -> None:
    """Wait for something to be true, or fail."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.database
async def test_a_worker_drains_and_stops_when_told(
    cast: Cast, admin_url: str, process: subprocess.Popen[bytes]
) -> None:
    await wake(cast.acme.tenant_id)
    until(lambda: jobs(admin_url, "select 1 from procrastinate_jobs where task_name = 'inbox.send_outbox'") == [])
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 0


async def test_a_tenants_next_slice_begins_when_the_last_one_ends(cast: Cast, admin_url: str) -> None:
    ends: list[float] = []
    async with job_queue.open_app(job_queue.connector()) as app:

        @app.task(name="tests.slice")
        async def one_of_three(tenant_id: str) -> None:
            if len(ends) < 2:
                async with db.tenant_session(cast.acme.tenant_id) as session:
                    await job_queue.wake(session, "tests.slice", cast.acme.tenant_id)
            # The worker has looked once more by then, and found the lock taken.
            await asyncio.sleep(0.2)
            ends.append(time.monotonic())

        async with db.tenant_session(cast.acme.tenant_id) as session:
            await job_queue.wake(session, "tests.slice", cast.acme.tenant_id)
        # Polling alone would take it a minute.
        options = {"fetch_job_polling_interval": 60, "install_signal_handlers": False, "delete_jobs": "successful"}
        working = asyncio.create_task(app.run_worker_async(**options))
        async with asyncio.timeout(PATIENCE):
            while len(ends) < 3:
                await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _strand(admin_url: str, attempts: int) -> None:
    """A job in the hands of a worker that has not been heard of for an hour."""
    with psycopg.connect(admin_url, options="-c search_path=jobs") as connection:
        dead = "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour') returning id"
        worker_id = connection.execute(dead).fetchone()
        connection.execute(
            "update procrastinate_jobs set status = 'doing', worker_id = %s, attempts = %s",
            (worker_id[0] if worker_id else None, attempts),
        )


@pytest.mark.parametrize(("attempts", "becomes"), [(0, "todo"), (worker.MOST_RESCUES, "failed")])
async def test_a_killed_workers_job_is_put_back_a_few_times(
    cast: Cast, admin_url: str, attempts: int, becomes: str
) -> None:
    await wake(cast.acme.tenant_id)
    _strand(admin_url, attempts)
    await settle_stalled_jobs()
    assert jobs(admin_url, "select status::text from procrastinate_jobs order by id limit 1") == [(becomes,)]


async def settle_stalled_jobs() -> None:
    async with job_queue.open_app(job_queue.connector()) as app:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=worker.STALLED_SECONDS):
            await worker.settle_stalled(app, job)


async def test_a_job_that_was_given_up_is_not_started_again_by_the_next_message(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id)
    _strand(admin_url, worker.MOST_RESCUES)
    await settle_stalled_jobs()
    for company in (cast.acme, cast.globex):
        await wake(company.tenant_id)
    due = (
        "select args ->> 'tenant_id', coalesce(scheduled_at > now() + interval '59 min', false) from procrastinate_jobs"
    )
    assert set(jobs(admin_url, f"{due} where status = 'todo'")) == {
        (str(cast.acme.tenant_id), True),
        (str(cast.globex.tenant_id), False),
    }


async def test_a_job_that_was_given_up_is_seen_by_staff_and_run_again_by_hand(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id)
    _strand(admin_url, worker.MOST_RESCUES)
    await settle_stalled_jobs()
    async with db.staff_session() as session:
        assert await limits.given_up(session, cast.globex.tenant_id) == []
        [found] = await limits.given_up(session, cast.acme.tenant_id)
        assert (found.task, found.times) == ("inbox.send_outbox", 1)
        await limits.run_again(session, cast.acme.tenant_id, found.task)
    assert jobs(admin_url, "select status::text, scheduled_at from procrastinate_jobs") == [("todo", None)]
    async with db.staff_session() as session:
        assert await limits.given_up(session, cast.acme.tenant_id) == []


async def test_what_is_not_given_up_is_not_run_by_hand(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id)
    _strand(admin_url, worker.MOST_RESCUES)
    await settle_stalled_jobs()
    for tenant_id, task in ((cast.globex.tenant_id, "inbox.send_outbox"), (cast.acme.tenant_id, "queue.sweep")):
        with pytest.raises(NotFound):
            async with db.staff_session() as session:
                await limits.run_again(session, tenant_id, task)
    assert len(jobs(admin_url, "select 1 from procrastinate_jobs where status = 'failed'")) == 1


@pytest.mark.parametrize("statement", ["select * from jobs.given_up()", "select jobs.run_again('x', null)"])
async def test_a_client_neither_sees_nor_runs_what_was_given_up(cast: Cast, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await session.execute(text(statement))


async def test_a_killed_workers_job_makes_way_for_one_that_waits_for_the_same_tenant(
    cast: Cast, admin_url: str
) -> None:
    await wake(cast.acme.tenant_id)
    _strand(admin_url, 0)
    await wake(cast.acme.tenant_id)
    await settle_stalled_jobs()
    assert jobs(admin_url, "select status::text from procrastinate_jobs") == [("todo",)]


@pytest.mark.parametrize(("task", "seconds"), [("queue.rescue", 15), ("queue.sweep", 10)])
def test_the_queue_is_looked_after_all_the_time(task: str, seconds: int) -> None:
    periodic = job_queue.app.periodic_registry.periodic_tasks
    (clock,) = (one.croniter for (name, _), one in periodic.items() if name == task)
    ticks = [clock.get_next(float) for _ in range(300)]
    assert {later - earlier for earlier, later in pairwise(ticks)} == {seconds}


async def test_a_living_workers_job_is_left_alone(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id)
    _strand(admin_url, 0)
    jobs(admin_url, "update procrastinate_workers set last_heartbeat = now() returning id")
    async with job_queue.open_app(job_queue.connector()) as app:
        assert list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=worker.STALLED_SECONDS)) == []
