"""Keeps a tenant's templates in step with Twilio: intents first, then one look at how all of them stand.

No transaction is open during a call to Twilio. A job that fails wakes itself again; the worker sweeps up what was lost.
"""

import logging
from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.db import announce, tenant_session
from tenant_portal.models.enums import TemplateState
from tenant_portal.templates import syncing
from tenant_portal.templates.queries import TemplateRow
from tenant_portal.templates.service import SYNC
from tenant_portal.tenants.service import NotConnected, credentials
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tenant_portal.twilio_gateway.errors import TwilioError
from tenant_portal.twilio_gateway.gateway import TenantGateway

logger = logging.getLogger(__name__)
REPEAT_SECONDS, REFUSED_SECONDS = 60, 3600


@job_queue.app.task(name=SYNC)
async def sync(tenant_id: str) -> None:
    """Carry out what people want, and read how the tenant's templates stand."""
    try:
        await drain(UUID(tenant_id))
    except Exception as error:
        # The rows are still there: the work is taken up again and not lost with the job.
        if not isinstance(error, TwilioError):
            logger.exception("templates could not be synchronised", extra={"task": SYNC, "tenant_id": tenant_id})
            job_queue.FAILURES.labels(SYNC).inc()
        # A suspended account refuses everything until somebody resumes it.
        is_refused = isinstance(error, TwilioError) and error.permanent
        async with tenant_session(UUID(tenant_id)) as session:
            delay = REFUSED_SECONDS if is_refused else REPEAT_SECONDS
            await job_queue.wake(session, SYNC, UUID(tenant_id), delay_seconds=delay)


async def drain(tenant_id: UUID) -> None:
    """One round; the job's lock keeps it to one at a time for a tenant."""
    try:
        async with tenant_session(tenant_id) as session:
            account = await credentials(session, tenant_id)
            wanted = await syncing.intents(session, tenant_id)
    except NotConnected:
        return
    gateway = tenant_gateway(account.account_sid, account.auth_token)
    for row in wanted:
        await _carry_out(tenant_id, gateway, row)
    found = await gateway.list_templates()
    async with tenant_session(tenant_id) as session:
        is_new = await syncing.keep_list(session, tenant_id, found)
        seconds = await syncing.seconds_to_next(session, tenant_id)
        if seconds is not None:
            await job_queue.wake(session, SYNC, tenant_id, delay_seconds=seconds)
        if is_new or wanted:
            await announce(session, tenant_id)


async def _carry_out(tenant_id: UUID, gateway: TenantGateway, row: TemplateRow) -> None:
    try:
        await (_delete if row.state is TemplateState.DELETING else _submit)(tenant_id, gateway, row)
    except TwilioError as error:
        logger.info("a template was not taken", extra={"template_id": row.id, "code": error.code})
        async with tenant_session(tenant_id) as session:
            if error.permanent:
                await syncing.keep_failure(session, tenant_id, row.id, error.message)
            else:
                await syncing.postpone(session, tenant_id, row, error.message)


async def _submit(tenant_id: UUID, gateway: TenantGateway, row: TemplateRow) -> None:
    content_sid = row.content_sid or await _made(tenant_id, gateway, row)
    found = next((one for one in await gateway.list_templates() if one.sid == content_sid), None)
    # An earlier attempt may have got through although its answer did not.
    if found is None or found.status == "unsubmitted":
        await gateway.submit_template(content_sid, row.name, row.category)
    async with tenant_session(tenant_id) as session:
        await syncing.keep_submitted(session, tenant_id, row.id)


async def _made(tenant_id: UUID, gateway: TenantGateway, row: TemplateRow) -> str:
    """The SID of the content, made unless an earlier attempt has; known before anything else is done with it."""
    content = syncing.content_of(row)
    same = [one.sid for one in await gateway.list_templates() if one.content == content]
    content_sid = same[0] if same else await gateway.create_template(content)
    async with tenant_session(tenant_id) as session:
        await syncing.keep_sid(session, tenant_id, row.id, content_sid)
    return content_sid


async def _delete(tenant_id: UUID, gateway: TenantGateway, row: TemplateRow) -> None:
    if row.content_sid is not None:
        await gateway.delete_template(row.content_sid)
    async with tenant_session(tenant_id) as session:
        await syncing.remove(session, tenant_id, row.id)
