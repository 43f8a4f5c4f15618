"""Takes the words of stored messages in, so that they are found quickly; beside the webhooks, never inside them."""

import time
from uuid import UUID

import sqlalchemy as sa

from tenant_portal import job_queue
from tenant_portal.db import tenant_session

TASK = "inbox.take_in_words"
BATCH = 500
SLICE_SECONDS = 2.0
TAKE_IN = sa.text("select search.take_in(:limit)")
TAKE_IN_LATE = sa.text("select search.take_in_late()")


async def take_in(tenant_id: UUID) -> None:
    """A slice of this tenant's messages; wakes the job again for the rest, behind the other tenants that wait."""
    end = time.monotonic() + SLICE_SECONDS
    while await _batch(tenant_id):
        if time.monotonic() > end:
            async with tenant_session(tenant_id) as session:
                await job_queue.wake(session, TASK, tenant_id)
            return
    async with tenant_session(tenant_id) as session:
        await session.execute(TAKE_IN_LATE)


async def _batch(tenant_id: UUID) -> int:
    async with tenant_session(tenant_id) as session:
        return int(await session.scalar(TAKE_IN, {"limit": BATCH}) or 0)
