"""The job queue: procrastinate, in the schema `jobs` of the same database.

A job says only "drain the work of tenant X": the rows are the work items, so jobs are coalesced, order is kept, and one
tenant's burst does not starve another. Jobs carry ids, never content.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from procrastinate import App, PsycopgConnector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import db

POOL_SIZE = 4
SESSION_OPTIONS = "-c role=portal_jobs -c search_path=jobs"
WAKE = text("select jobs.wake(:task, :tenant, make_interval(secs => :delay))")

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
        conninfo=db.database_url(), min_size=1, max_size=POOL_SIZE, kwargs={"options": SESSION_OPTIONS}
    )


async def wake(session: AsyncSession, task: str, tenant_id: UUID, *, delay_seconds: float = 0) -> None:
    """Have `task` drain this tenant's work once the caller's transaction has committed; at most one such job waits.

    Raises nothing of its own: a job that waits already is kept (and moved forward where the new delay is shorter).
    """
    await session.execute(WAKE, {"task": task, "tenant": tenant_id, "delay": delay_seconds})
