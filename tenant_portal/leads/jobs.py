"""The jobs of leads: files on their way in, and people on their way out; a slice at a time, one tenant at a time."""

import asyncio
import logging
import time
from uuid import UUID

from tenant_portal import job_queue, object_store
from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError, PortalFault
from tenant_portal.leads import erasing, import_steps
from tenant_portal.leads.erasing import ERASE
from tenant_portal.leads.importing import CHUNK, IMPORT
from tenant_portal.models import ErasureItem, LeadImport
from tenant_portal.models.enums import ErasureKind, ImportState
from tenant_portal.tenants.service import NotConnected, credentials
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tenant_portal.twilio_gateway.errors import TwilioRefused
from tenant_portal.twilio_gateway.gateway import TenantGateway

logger = logging.getLogger(__name__)
SLICE_SECONDS = 5.0
FAULT = "The portal failed at this file. Nothing of it became a lead. Please try again."


@job_queue.app.task(name=IMPORT)
async def take_in(tenant_id: str) -> None:
    """Go on with this tenant's files, and come back if there is more."""
    await drain(UUID(tenant_id))


@job_queue.app.task(name=ERASE)
async def erase(tenant_id: str) -> None:
    """Go on with what this tenant's erased people have left elsewhere."""
    await drain_erasures(UUID(tenant_id))


async def drain_erasures(tenant_id: UUID) -> None:
    """A slice of what is due, and the time of the rest. Each thing is tried until it is confirmed to be gone."""
    end = time.monotonic() + SLICE_SECONDS
    async with tenant_session(tenant_id) as session:
        due = await erasing.due_items(session, tenant_id)
    gateway = await _gateway(tenant_id) if due else None
    for item in due:
        reason = await _remove(gateway, item)
        async with tenant_session(tenant_id) as session:
            await (erasing.put_off(session, item, reason) if reason else erasing.confirm(session, item))
        if time.monotonic() > end:
            break
    async with tenant_session(tenant_id) as session:
        seconds = await erasing.seconds_to_next(session, tenant_id)
        if seconds is not None:
            await job_queue.wake(session, ERASE, tenant_id, delay_seconds=seconds)


async def _gateway(tenant_id: UUID) -> TenantGateway | None:
    try:
        async with tenant_session(tenant_id) as session:
            account = await credentials(session, tenant_id)
    except NotConnected:
        return None
    return tenant_gateway(account.account_sid, account.auth_token)


async def _remove(gateway: TenantGateway | None, item: ErasureItem) -> str:
    """Delete one thing; "" once that is confirmed, else why it is not."""
    try:
        if item.kind is ErasureKind.FILE:
            await object_store.delete(item.reference)
        elif gateway is None:
            return "This client has no connection to Twilio at the moment."
        elif item.kind is ErasureKind.RECORDING:
            await _remove_recording(gateway, item.reference)
        elif item.kind is ErasureKind.CALL:
            await gateway.delete_call(item.reference)
        else:
            await gateway.delete_message(item.reference)
    except PortalError as error:
        return error.message
    except Exception:
        logger.exception("a thing of an erased person could not be deleted", extra={"tenant_id": item.tenant_id})
        job_queue.FAILURES.labels(ERASE).inc()
        return PortalFault().message
    return ""


async def _remove_recording(gateway: TenantGateway, sid: str) -> None:
    try:
        transcripts = await gateway.list_transcriptions(sid)
    except TwilioRefused as error:
        if not error.not_found:
            raise
        transcripts = []
    for transcript in transcripts:
        await gateway.delete_transcription(transcript.sid)
    await gateway.delete_recording(sid)


async def drain(tenant_id: UUID) -> None:
    """A slice of work; the job's lock keeps it to one for a tenant. What fails is shown with the file."""
    end = time.monotonic() + SLICE_SECONDS
    while True:
        async with tenant_session(tenant_id) as session:
            row = await import_steps.next_work(session, tenant_id)
        if row is None:
            return
        if time.monotonic() > end:
            break
        await _go_on(row, end)
    async with tenant_session(tenant_id) as session:
        await job_queue.wake(session, IMPORT, tenant_id)


async def _go_on(row: LeadImport, end: float) -> None:
    try:
        if row.state is ImportState.READING:
            await _read(row)
        elif row.state is ImportState.CHECKING:
            await _check(row, end)
        else:
            async with tenant_session(row.tenant_id) as session:
                is_undo = row.state is ImportState.UNDOING
                await (import_steps.take_away if is_undo else import_steps.apply)(session, row)
    except BadInput as error:
        await _fail(row, error.message)
    except Exception:
        logger.exception("a file of leads could not be taken in", extra={"tenant_id": row.tenant_id})
        job_queue.FAILURES.labels(IMPORT).inc()
        await _fail(row, FAULT)


async def _read(row: LeadImport) -> None:
    # Off the loop: a large workbook takes seconds of the processor, and other tenants' jobs share this process.
    columns, rows = await asyncio.to_thread(import_steps.table_of, row)
    for start in range(0, len(rows), CHUNK):
        async with tenant_session(row.tenant_id) as session:
            # Line 1 names the columns.
            await import_steps.keep_rows(session, row, start + 2, rows[start : start + CHUNK])
    async with tenant_session(row.tenant_id) as session:
        await import_steps.end_reading(session, row, columns, len(rows))


async def _check(row: LeadImport, end: float) -> None:
    async with tenant_session(row.tenant_id) as session:
        known = await import_steps.known_words(session, row.tenant_id)
    is_going_on = True
    while is_going_on and time.monotonic() < end:
        async with tenant_session(row.tenant_id) as session:
            is_going_on = await import_steps.check_chunk(session, row, known)


async def _fail(row: LeadImport, reason: str) -> None:
    async with tenant_session(row.tenant_id) as session:
        await import_steps.fail(session, row.tenant_id, row.id, reason)
