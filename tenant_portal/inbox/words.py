"""Takes the words of stored messages in, so that they are found quickly; beside the webhooks, never inside them."""

import time
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from tenant_portal import job_queue
from tenant_portal.db import tenant_session
from tenant_portal.models.base import now

TASK = "inbox.take_in_words"
BATCH = 500
SLICE_SECONDS = 2.0
# A message has its id before its row can be seen: by then every transaction of that time has ended.
SETTLED = timedelta(minutes=1)
TAKE_IN = sa.text("select search.take_in(:limit, :until)")
TAKE_IN_LATE = sa.text("select search.take_in_late()")


async def take_in(tenant_id: UUID, *, seconds: float = SLICE_SECONDS, settled: timedelta = SETTLED) -> None:
    """Take in a slice of this tenant's messages that are older than `settled`.

    Wakes the job again for the rest, behind the other tenants that wait.
    """
    end = time.monotonic() + seconds
    while await _batch(tenant_id, now() - settled):
        if time.monotonic() > end:
            async with tenant_session(tenant_id) as session:
                await job_queue.wake(session, TASK, tenant_id)
            return
    async with tenant_session(tenant_id) as session:
        await session.execute(TAKE_IN_LATE)


async def _batch(tenant_id: UUID, until: datetime) -> int:
    async with tenant_session(tenant_id) as session:
        return int(await session.scalar(TAKE_IN, {"limit": BATCH, "until": until}) or 0)
