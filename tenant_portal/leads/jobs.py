"""The job of leads: files on their way in, a slice at a time, so that one tenant's 100,000 rows hold up nobody else."""

import asyncio
import logging
import time
from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput
from tenant_portal.leads import import_steps
from tenant_portal.leads.importing import CHUNK, IMPORT
from tenant_portal.models import LeadImport
from tenant_portal.models.enums import ImportState

logger = logging.getLogger(__name__)
SLICE_SECONDS = 5.0
FAULT = "The portal failed at this file. Nothing of it became a lead. Please try again."


@job_queue.app.task(name=IMPORT)
async def take_in(tenant_id: str) -> None:
    """Go on with this tenant's files, and come back if there is more."""
    await drain(UUID(tenant_id))


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
