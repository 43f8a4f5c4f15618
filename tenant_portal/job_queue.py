"""The job queue: procrastinate, in the schema `jobs` of the same database.

A job says only "drain the work of tenant X": the rows are the work items, so jobs are coalesced, order is kept, and one
tenant's burst does not starve another. Jobs carry ids, never content.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.worker import Worker
from prometheus_client import Counter, Histogram
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import db
from tenant_portal.logs import about
from tenant_portal.tracing import span

POOL_SIZE = 4
SESSION_OPTIONS = "-c role=portal_jobs -c search_path=jobs"
SECONDS = Histogram(
    "portal_job_seconds",
    "How long jobs ran.",
    ["task"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
FAILURES = Counter("portal_job_failures_total", "Jobs that ended in an error nobody expected.", ["task"])
WAKE = text("select jobs.wake(:task, :tenant, make_interval(secs => :delay))")
PAUSE = text(
    "insert into throttle as h (tenant_id, subject, until, reason)"
    " values (:tenant, :subject, now() + make_interval(secs => :seconds), :reason)"
    " on conflict (tenant_id, subject) do update set until = excluded.until, reason = excluded.reason"
    " where excluded.until > h.until"
)
PAUSE_LEFT = text(
    "select cast(extract(epoch from until - now()) as float8) from throttle"
    " where tenant_id = :tenant and subject = :subject and until > now()"
)

app = App(connector=PsycopgConnector())


@asynccontextmanager
async def open_app(with_connector: PsycopgConnector) -> AsyncIterator[App]:
    """The App, connected; tasks registered on `app` are known to it."""
    with app.replace_connector(with_connector) as connected:
        async with connected.open_async():
            yield connected


def connector() -> PsycopgConnector:
    """A connector for this process's database; for `open_app`."""
    return PsycopgConnector(
        conninfo=db.session_url(), min_size=1, max_size=POOL_SIZE, kwargs={"options": SESSION_OPTIONS}
    )


async def wake(session: AsyncSession, task: str, tenant_id: UUID | None, *, delay_seconds: float = 0) -> None:
    """Have `task` drain this tenant's work once the caller's transaction has committed; at most one such job waits.

    Without a tenant it is the agency's own work. Raises nothing of its own: a job that waits already is kept (and moved
    forward where the new delay is shorter).
    """
    await session.execute(WAKE, {"task": task, "tenant": tenant_id, "delay": delay_seconds})


async def pause(session: AsyncSession, task: str, tenant_id: UUID, seconds: float, reason: str) -> None:
    """Hold this tenant's `task` back for so long, in every process, and have it go on then.

    Whoever wakes it earlier only finds it waiting. `reason` is a `ThrottleReason`; a longer pause stays. Takes a tenant
    session, or one of the job queue's role.
    """
    held = {"tenant": tenant_id, "subject": f"task:{task}", "seconds": seconds, "reason": reason}
    await session.execute(PAUSE, held)
    await wake(session, task, tenant_id)


async def pause_left(session: AsyncSession, task: str, tenant_id: UUID) -> float:
    """Seconds for which this tenant's `task` is still held back; 0 if it may run."""
    return await session.scalar(PAUSE_LEFT, {"tenant": tenant_id, "subject": f"task:{task}"}) or 0.0


async def observed(work: Callable[[], Awaitable[Any]], context: JobContext, _: Worker) -> Any:
    """Times, counts and traces a job, and puts its ids into every line of its log; a middleware of the worker."""
    job, started = context.job, time.perf_counter()
    tenant_id = job.task_kwargs.get("tenant_id")
    try:
        with (
            about(task=job.task_name, job_id=job.id, tenant_id=tenant_id),
            span("job", task=job.task_name, job_id=job.id or 0, tenant_id=tenant_id or "", attempt=job.attempts),
        ):
            return await work()
    except Exception:
        FAILURES.labels(job.task_name).inc()
        raise
    finally:
        SECONDS.labels(job.task_name).observe(time.perf_counter() - started)
