"""Jobs of calls: what becomes of the texts to missed callers."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.db import tenant_session
from tenant_portal.voicemail import text_back

BATCH = 50
AFTER_A_FAULT = timedelta(minutes=15)
log = logging.getLogger(__name__)


@job_queue.app.task(name=text_back.TASK)
async def text_missed_callers(tenant_id: str) -> None:
    """Decide about this tenant's missed calls."""
    await drain(UUID(tenant_id))


async def drain(tenant_id: UUID) -> None:
    """Decide about what is due, each in a transaction of its own, and say when the next one is."""
    async with tenant_session(tenant_id) as session:
        due = await text_back.list_due(session, tenant_id, BATCH)
    for text_back_id in due:
        await _decide(tenant_id, text_back_id)
    async with tenant_session(tenant_id) as session:
        await text_back.wake_for_next(session, tenant_id)


async def _decide(tenant_id: UUID, text_back_id: UUID) -> None:
    now = datetime.now(UTC)
    try:
        async with tenant_session(tenant_id) as session:
            await text_back.decide(session, tenant_id, text_back_id, now)
    except Exception:
        # One call that breaks the portal must not stand before all the others for ever.
        log.exception("a missed call could not be decided", extra={"tenant_id": tenant_id})
        job_queue.FAILURES.labels(text_back.TASK).inc()
        async with tenant_session(tenant_id) as session:
            await text_back.put_off(session, tenant_id, text_back_id, now + AFTER_A_FAULT, "")
