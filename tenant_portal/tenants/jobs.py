"""Keeps each tenant's subaccount in step with its row: intent, call, result, and no transaction open in between."""

import logging
from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.db import announce, staff_session, tenant_session
from tenant_portal.errors import PortalError, PortalFault
from tenant_portal.tenants import queries, service
from tenant_portal.tenants.rules import Step
from tenant_portal.twilio_gateway.clients import parent_gateway, tenant_gateway
from tenant_portal.twilio_gateway.errors import TwilioRefused
from tenant_portal.twilio_gateway.gateway import ParentGateway, Subaccount, TenantGateway

logger = logging.getLogger(__name__)

# A change of state during a call makes one more round; more than a few in a row is somebody playing with the switch.
MOST_ROUNDS = 5


@job_queue.app.task(name=service.PROVISION)
async def provision(tenant_id: str) -> None:
    """Make, suspend, resume or check the tenant's subaccount until both sides agree."""
    await settle(UUID(tenant_id))


# A minute into the hour, so that no transaction of the last one is still open.
@job_queue.app.periodic(cron="1 * * * *")
@job_queue.app.task(name="tenants.sum_traffic", queueing_lock="tenants.sum_traffic")
async def sum_traffic(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Sum up the hours that are over; until then the overview reads them one by one."""
    async with staff_session() as session:
        await queries.sum_traffic(session)


async def settle(tenant_id: UUID) -> None:
    """Carry out what is due for one tenant. At most one at a time for a tenant: the job's lock sees to that."""
    for _ in range(MOST_ROUNDS):
        async with tenant_session(tenant_id) as session:
            work = await service.claim(session, tenant_id)
        if work is None or not await _work(work):
            return


async def _work(work: service.Work) -> bool:
    try:
        account = await _carry_out(parent_gateway(), work)
    except PortalError as error:
        await _record_failure(work, error)
        return False
    except Exception:
        # Counted like any other failure: what breaks the portal is given up visibly, and not tried for ever.
        logger.exception("a step of a subaccount broke", extra={"tenant_id": work.tenant_id, "action": work.step})
        job_queue.FAILURES.labels(service.PROVISION).inc()
        await _record_failure(work, PortalFault())
        return False
    async with tenant_session(work.tenant_id) as session:
        await service.record_answer(session, work.tenant_id, account)
        await announce(session, work.tenant_id)
    return True


async def _record_failure(work: service.Work, error: PortalError) -> None:
    known = {"tenant_id": work.tenant_id, "action": work.step, "code": getattr(error, "code", None)}
    logger.warning("a step of a subaccount failed", extra=known)
    async with tenant_session(work.tenant_id) as session:
        await service.record_failure(session, work.tenant_id, error)
        await announce(session, work.tenant_id)


async def _carry_out(parent: ParentGateway, work: service.Work) -> Subaccount:
    if work.account_sid is None:
        return await parent.ensure_subaccount(work.friendly_name)
    calls = {
        Step.SUSPEND: parent.suspend_subaccount,
        Step.RESUME: parent.resume_subaccount,
        Step.CLOSE: parent.close_subaccount,
    }
    return await calls.get(work.step, parent.fetch_subaccount)(work.account_sid)


async def rotate_token(tenant_id: UUID) -> None:
    """Replace the subaccount's auth token at Twilio without refusing a single webhook.

    1. take over what Twilio has now, in case an earlier rotation died half-way;
    2. make a second token and accept its signatures;
    3. promote it (the first one is dead at once for calls);
    4. use it; the first one stays good for webhooks that are still on their way.
    """
    async with tenant_session(tenant_id) as session:
        before = await service.credentials(session, tenant_id)
    fresh = await parent_gateway().fetch_subaccount(before.account_sid)
    async with tenant_session(tenant_id) as session:
        await service.record_answer(session, tenant_id, fresh)
        current = await service.credentials(session, tenant_id)
    token = await _promote(tenant_id, tenant_gateway(current.account_sid, current.auth_token))
    async with tenant_session(tenant_id) as session:
        await service.replace_token(session, tenant_id, token)


async def _promote(tenant_id: UUID, gateway: TenantGateway) -> str:
    try:
        coming = await gateway.create_secondary_token()
    except TwilioRefused:
        # Left over from a rotation that died: nobody knows its value, and promoting it tells.
        return await gateway.promote_secondary_token()
    async with tenant_session(tenant_id) as session:
        await service.expect_token(session, tenant_id, coming)
    return await gateway.promote_secondary_token()


async def erase_synthetic(tenant_id: UUID) -> None:
    """Close the subaccount of a tenant of the two-tenant check and delete all its rows; NotAllowed for any other."""
    async with tenant_session(tenant_id) as session:
        work = await service.begin_erasing(session, tenant_id)
    parent = parent_gateway()
    account_sid = work.account_sid
    if account_sid is None:
        # Its creation may have timed out: what is there under our name must not stay behind.
        unfinished = await parent.find_subaccount(work.friendly_name)
        account_sid = unfinished.sid if unfinished else None
    if account_sid is not None:
        await parent.close_subaccount(account_sid)
    async with tenant_session(tenant_id) as session:
        await service.erase(session, tenant_id)
