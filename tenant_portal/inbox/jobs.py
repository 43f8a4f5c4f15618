"""Jobs of the inbox: sending what is queued, looking up what is unknown, fetching files; one tenant at a time.

A job does a slice of its tenant's work and wakes itself for the rest, behind the other tenants that wait: ten thousand
messages of one hold up nobody else's. No transaction is open during a call to Twilio. A job that fails wakes itself
again; the worker sweeps up what was lost.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue, object_store
from tenant_portal.config import settings
from tenant_portal.db import announce, tenant_session
from tenant_portal.errors import PortalError
from tenant_portal.inbox import file_types, files, organise, outbox, pacing, planned, rules, words
from tenant_portal.models.enums import ThrottleReason
from tenant_portal.tenants.service import NotConnected, credentials
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tenant_portal.twilio_gateway.error_codes import AUTHENTICATION_FAILED
from tenant_portal.twilio_gateway.errors import (
    DownloadTooLarge,
    ForeignUrl,
    TwilioError,
    TwilioOutcomeUnknown,
    TwilioRefused,
    TwilioUnavailable,
)
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, TenantGateway

logger = logging.getLogger(__name__)

SEND = "inbox.send_outbox"
FETCH = "inbox.fetch_media"
# A slice ends at whichever comes first.
BATCH = 50
SLICE_SECONDS = 5.0
# After each slice of a tenant whose webhooks are beyond the soft line.
BUSY_PAUSE_SECONDS = 2.0
MAX_FILE_BYTES = 25 * 1024 * 1024
LOOK_UP_SECONDS = 5
REPEAT_SECONDS = 15
NOT_KEPT = "The file could not be kept. It is tried again."


@job_queue.app.task(name=SEND)
async def send_outbox(tenant_id: str) -> None:
    """Send what this tenant has queued, in order."""
    await _or_later(SEND, UUID(tenant_id), drain_outbox)


@job_queue.app.task(name=words.TASK)
async def take_in_words(tenant_id: str) -> None:
    """Make what this tenant has received findable."""
    await words.take_in(UUID(tenant_id))


@job_queue.app.task(name=FETCH)
async def fetch_media(tenant_id: str) -> None:
    """Fetch the files this tenant waits for."""
    await _or_later(FETCH, UUID(tenant_id), drain_media)


@job_queue.app.task(name=organise.END_SNOOZES)
async def end_snoozes(tenant_id: str) -> None:
    """Open the threads of this tenant whose snooze is over."""
    await _or_later(organise.END_SNOOZES, UUID(tenant_id), drain_snoozes)


@job_queue.app.task(name=planned.SEND_PLANNED)
async def send_planned(tenant_id: str) -> None:
    """Send the messages of this tenant whose time has come."""
    await _or_later(planned.SEND_PLANNED, UUID(tenant_id), drain_planned)


async def drain_planned(tenant_id: UUID) -> None:
    """Queue what is due, each in a transaction of its own, and say when the next one is."""
    async with tenant_session(tenant_id) as session:
        due = await planned.list_due(session, tenant_id)
    for planned_id in due:
        async with tenant_session(tenant_id) as session:
            await planned.send(session, tenant_id, planned_id)
    async with tenant_session(tenant_id) as session:
        await planned.wake_for_next(session, tenant_id)


async def drain_snoozes(tenant_id: UUID) -> None:
    """End what is due, and say when the next one is."""
    async with tenant_session(tenant_id) as session:
        seconds = await organise.end_snoozes(session, tenant_id)
        if seconds is not None:
            await job_queue.wake(session, organise.END_SNOOZES, tenant_id, delay_seconds=seconds)


async def drain_outbox(tenant_id: UUID) -> None:
    """Look up what is unknown, then send what is queued.

    1. a pause that Twilio asked for is kept by the whole tenant;
    2. what was `sending` when its worker died is unknown now, and looked up at Twilio;
    3. each queued message is claimed, sent and settled, oldest first, until one has to wait or the slice is done.
    """
    async with tenant_session(tenant_id) as session:
        if await _is_held_back(session, SEND, tenant_id):
            return
        await outbox.give_up_lost(session, tenant_id)
    gateway = await _gateway(tenant_id)
    if gateway is None:
        return
    await _look_up(tenant_id, gateway)
    if not await _send_slice(tenant_id, gateway):
        return
    async with tenant_session(tenant_id) as session:
        seconds = await outbox.seconds_to_next(session, tenant_id)
        if seconds is not None:
            await job_queue.wake(session, SEND, tenant_id, delay_seconds=seconds)


async def drain_media(tenant_id: UUID) -> None:
    """Fetch files that are due, keep them, and say when the next one is."""
    async with tenant_session(tenant_id) as session:
        if await _is_held_back(session, FETCH, tenant_id):
            return
    gateway = await _gateway(tenant_id)
    if gateway is None:
        return
    async with tenant_session(tenant_id) as session:
        due = await files.list_due(session, tenant_id, files.BATCH)
    end = time.monotonic() + SLICE_SECONDS
    for wanted in due:
        if not await _fetch(tenant_id, gateway, wanted) or time.monotonic() > end:
            break
    async with tenant_session(tenant_id) as session:
        seconds = await files.seconds_to_next(session, tenant_id)
        if seconds is None:
            return
        if await pacing.is_busy(session, tenant_id):
            await job_queue.pause(session, FETCH, tenant_id, BUSY_PAUSE_SECONDS, ThrottleReason.BUSY)
        await job_queue.wake(session, FETCH, tenant_id, delay_seconds=seconds)


async def _is_held_back(session: AsyncSession, task: str, tenant_id: UUID) -> bool:
    """Whether the task has to wait; it is woken for the end of the pause."""
    held_back = await job_queue.pause_left(session, task, tenant_id) > 0
    if held_back:
        await job_queue.wake(session, task, tenant_id)
    return held_back


async def _or_later(task: str, tenant_id: UUID, drain: Callable[[UUID], Awaitable[None]]) -> None:
    try:
        await drain(tenant_id)
    except TwilioUnavailable as error:
        known = {"task": task, "tenant_id": tenant_id, "code": error.code}
        logger.info("the tenant's work waits for Twilio", extra=known)
        async with tenant_session(tenant_id) as session:
            await _pause(session, task, tenant_id, error)
    except Exception:
        # The rows are still there: whatever went wrong, the work is taken up again and not lost with the job.
        logger.exception("the tenant's work stopped", extra={"task": task, "tenant_id": tenant_id})
        job_queue.FAILURES.labels(task).inc()
        async with tenant_session(tenant_id) as session:
            await job_queue.wake(session, task, tenant_id, delay_seconds=REPEAT_SECONDS)


async def _pause(session: AsyncSession, task: str, tenant_id: UUID, error: TwilioError) -> None:
    """Leave Twilio alone, for this tenant alone."""
    await job_queue.pause(session, task, tenant_id, rules.twilio_pause(error.retry_after), ThrottleReason.TWILIO)


async def _gateway(tenant_id: UUID) -> TenantGateway | None:
    try:
        async with tenant_session(tenant_id) as session:
            account = await credentials(session, tenant_id)
    except NotConnected:
        return None
    return tenant_gateway(account.account_sid, account.auth_token)


async def _send_slice(tenant_id: UUID, gateway: TenantGateway) -> bool:
    """Send until nothing may go any more or the slice is done; False if something stands in the way."""
    end = time.monotonic() + SLICE_SECONDS
    for _ in range(BATCH):
        async with tenant_session(tenant_id) as session:
            message = await outbox.claim(session, tenant_id)
        if message is None:
            break
        if not await _send(tenant_id, gateway, message):
            return False
        if time.monotonic() > end:
            break
    return True


async def _send(tenant_id: UUID, gateway: TenantGateway, message: outbox.Outgoing) -> bool:
    """Send one claimed message and settle it; whether the next one may go."""
    try:
        sent = await gateway.send_message(_to_twilio(gateway.account_sid, message))
    except TwilioError as error:
        return await _settle_error(tenant_id, message, error)
    async with tenant_session(tenant_id) as session:
        await outbox.settle_sent(session, tenant_id, message.id, sent)
        await announce(session, tenant_id)
    return True


async def _settle_error(tenant_id: UUID, message: outbox.Outgoing, error: TwilioError) -> bool:
    logger.info("a message was not accepted", extra={"message_id": message.id, "code": error.code})
    async with tenant_session(tenant_id) as session:
        await announce(session, tenant_id)
        if isinstance(error, TwilioOutcomeUnknown):
            await outbox.settle_unknown(session, tenant_id, message.id)
            await job_queue.wake(session, SEND, tenant_id, delay_seconds=LOOK_UP_SECONDS)
            return False
        if isinstance(error, TwilioRefused) and error.permanent and not _is_about_the_account(error):
            await outbox.settle_refused(session, tenant_id, message.id, error)
            return True
        pause = rules.twilio_pause(error.retry_after)
        await outbox.put_back(session, tenant_id, message.id, pause, heard=error.asks_to_wait)
        await _pause(session, SEND, tenant_id, error)
        return False


def _is_about_the_account(error: TwilioError) -> bool:
    # A suspended account or a token in rotation says nothing about this message: it can go later.
    return error.status == 401 or error.code == AUTHENTICATION_FAILED


def _to_twilio(account_sid: str, message: outbox.Outgoing) -> OutgoingMessage:
    callback = f"{settings().origin}/api/webhooks/status/{message.id}?account={account_sid}"
    template = message.details.get("template") or {}
    return OutgoingMessage(
        to=message.lead_number,
        from_=message.our_number,
        body=message.body,
        status_callback=callback,
        content_sid=template.get("sid"),
        content_variables=template.get("values") or {},
    )


async def _look_up(tenant_id: UUID, gateway: TenantGateway) -> None:
    async with tenant_session(tenant_id) as session:
        doubtful = await outbox.list_unknown(session, tenant_id)
    open_still = False
    for message in doubtful:
        at_twilio = await gateway.list_messages(to=message.lead_number, from_=message.our_number)
        async with tenant_session(tenant_id) as session:
            settled = await outbox.reconcile(session, tenant_id, message, at_twilio)
            await announce(session, tenant_id)
        open_still = open_still or not settled
    if open_still:
        async with tenant_session(tenant_id) as session:
            await job_queue.wake(session, SEND, tenant_id, delay_seconds=REPEAT_SECONDS)


async def _fetch(tenant_id: UUID, gateway: TenantGateway, wanted: files.Wanted) -> bool:
    """Fetch one file and settle it; whether the next one may be fetched."""
    try:
        await _keep(tenant_id, gateway, wanted)
    except TwilioUnavailable as error:
        if error.asks_to_wait:
            # Not the file's fault, so no attempt of its own.
            async with tenant_session(tenant_id) as session:
                await _pause(session, FETCH, tenant_id, error)
            return False
        await _fail(tenant_id, wanted, error.message)
    except (ForeignUrl, DownloadTooLarge) as error:
        await _refuse(tenant_id, wanted, error.message)
    except PortalError as error:
        await _fail(tenant_id, wanted, error.message)
    except Exception:
        # One file that breaks the portal must not stand in the way of all the others for ever.
        logger.exception("a file could not be kept", extra={"tenant_id": tenant_id})
        job_queue.FAILURES.labels(FETCH).inc()
        await _fail(tenant_id, wanted, NOT_KEPT)
    return True


async def _keep(tenant_id: UUID, gateway: TenantGateway, wanted: files.Wanted) -> None:
    file = await gateway.download(wanted.source_url, max_bytes=MAX_FILE_BYTES)
    kind, key = file_types.sniff(file.content), object_store.key_of(tenant_id, wanted.id)
    if kind is None:
        await _refuse(tenant_id, wanted, files.WRONG_TYPE)
        return
    await object_store.put(key, file.content)
    async with tenant_session(tenant_id) as session:
        size = len(file.content)
        await files.settle_stored(session, tenant_id, wanted.id, key=key, kind=kind, size_bytes=size)
        await announce(session, tenant_id)


async def _fail(tenant_id: UUID, wanted: files.Wanted, reason: str) -> None:
    async with tenant_session(tenant_id) as session:
        await files.settle_failed(session, tenant_id, wanted, reason)
        await announce(session, tenant_id)


async def _refuse(tenant_id: UUID, wanted: files.Wanted, reason: str) -> None:
    async with tenant_session(tenant_id) as session:
        await files.settle_refused(session, tenant_id, wanted.id, reason)
        await announce(session, tenant_id)
