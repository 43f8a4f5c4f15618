"""Drains a tenant's channels: intent, call to Twilio, result, and no transaction open in between."""

import logging
import time
from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.channels import progress, round_trip, sample, steps
from tenant_portal.channels.service import ADVANCE, CONNECT_SAMPLE, TEST
from tenant_portal.db import announce, tenant_session
from tenant_portal.errors import PortalError, PortalFault
from tenant_portal.twilio_gateway.clients import tenant_gateway

logger = logging.getLogger(__name__)

# A slice ends at whichever comes first.
MOST_STEPS = 50
SLICE_SECONDS = 5.0


@job_queue.app.task(name=ADVANCE)
async def advance(tenant_id: str) -> None:
    """Do every due step of the tenant's channels, then come back when the next one is due."""
    await drain(UUID(tenant_id))


@job_queue.app.task(name=TEST)
async def test(tenant_id: str) -> None:
    """Carry out the tests that the tenant's people have begun."""
    await round_trip.run_tests(UUID(tenant_id))


@job_queue.app.task(name=CONNECT_SAMPLE)
async def connect_sample(tenant_id: str) -> None:
    """Connect a sample client of a simulated portal."""
    await sample.connect_sample(UUID(tenant_id))


async def drain(tenant_id: UUID) -> None:
    """A slice of steps, one after the other; the job's lock keeps it to one drain for a tenant."""
    end = time.monotonic() + SLICE_SECONDS
    for _ in range(MOST_STEPS):
        async with tenant_session(tenant_id) as session:
            task = await progress.claim(session, tenant_id)
        if task is None:
            break
        await _do(task)
        if time.monotonic() > end:
            break
    async with tenant_session(tenant_id) as session:
        await progress.wake_for_next(session, tenant_id)


async def _do(task: progress.Task) -> None:
    gateway = tenant_gateway(task.credentials.account_sid, task.credentials.auth_token)
    try:
        outcome = await steps.carry_out(task, gateway)
    except PortalError as error:
        await _keep_failure(task, error)
    except Exception:
        # Counted like any other failure: a step that breaks the portal is given up visibly, and not tried for ever.
        known = {"channel_id": task.channel_id, "status": task.state}
        logger.exception("a step of a channel broke", extra=known)
        job_queue.FAILURES.labels(ADVANCE).inc()
        await _keep_failure(task, PortalFault())
    else:
        async with tenant_session(task.tenant_id) as session:
            await progress.keep(session, task, outcome)
            await announce(session, task.tenant_id)


async def _keep_failure(task: progress.Task, error: PortalError) -> None:
    known = {"channel_id": task.channel_id, "status": task.state, "code": getattr(error, "code", None)}
    logger.warning("a step of a channel failed", extra=known)
    async with tenant_session(task.tenant_id) as session:
        await progress.keep_failure(session, task, error)
        await announce(session, task.tenant_id)
