"""Sends what waits, a tenant at a time; what could not be sent waits longer each time."""

import logging
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue
from tenant_portal.config import settings
from tenant_portal.db import announce, identity_session, job_queue_session, tenant_session
from tenant_portal.errors import PortalError, PortalFault
from tenant_portal.mail import service
from tenant_portal.mail.gateway import Mailer, MailError, mailer
from tenant_portal.mail.letters import compose

BATCH = 20
EMAILS = Counter("portal_emails_total", "E-mails handed over, put off or refused.", ["outcome"])
LOST = text(
    "select jobs.wake(:task, tenant_id, interval '0') from (select distinct tenant_id from outgoing_email"
    " where state = 'waiting' and next_attempt_at <= now() - interval '5 seconds') as due"
)
logger = logging.getLogger(__name__)


@job_queue.app.task(name=service.SEND)
async def send(tenant_id: str | None) -> None:
    """Send what is due to the people of this tenant; without one, to staff."""
    await drain(UUID(tenant_id) if tenant_id else None, mailer())


async def drain(tenant_id: UUID | None, way_out: Mailer) -> None:
    """One slice. No transaction is open while the mail server is spoken to."""
    async with _door(tenant_id) as session:
        if tenant_id is not None and not await service.has_real_people(session, tenant_id):
            return
        due = await service.list_due(session, tenant_id, BATCH)
    for one in due:
        await _send(tenant_id, way_out, one)
    async with _door(tenant_id) as session:
        seconds = await service.seconds_to_next(session, tenant_id)
        if seconds is not None:
            await job_queue.wake(session, service.SEND, tenant_id, delay_seconds=seconds)


@job_queue.app.periodic(cron="* * * * * */10")
@job_queue.app.task(name="mail.sweep", queueing_lock="mail.sweep")
async def sweep(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Wake whoever has e-mails that are due without a job: a worker that was killed takes none with it."""
    async with job_queue_session() as session:
        await session.execute(LOST, {"task": service.SEND})


@job_queue.app.periodic(cron="17 3 * * *")
@job_queue.app.task(name="mail.forget", queueing_lock="mail.forget")
async def forget(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Delete what is long settled."""
    async with identity_session() as session:
        await service.forget_old(session, datetime.now(UTC))


async def _send(tenant_id: UUID | None, way_out: Mailer, due: service.Due) -> None:
    try:
        if due.useful_until <= datetime.now(UTC):
            raise MailError(service.TOO_LATE)
        await way_out.send(compose(due.letter, due.id, settings().mail_sender, datetime.now(UTC)))
    except PortalError as error:
        await _settle_failed(tenant_id, due, error)
        return
    except Exception as error:  # noqa: BLE001  # logged without its words, which may quote the letter
        # One letter that breaks the portal must not stand in the way of the others.
        logger.warning("an e-mail broke", extra={"tenant_id": tenant_id, "error": type(error).__name__})
        job_queue.FAILURES.labels(service.SEND).inc()
        await _settle_failed(tenant_id, due, PortalFault())
        return
    EMAILS.labels("sent").inc()
    async with _door(tenant_id) as session:
        await service.settle_sent(session, tenant_id, due.id)
        await _tell(session, tenant_id)


async def _settle_failed(tenant_id: UUID | None, due: service.Due, error: PortalError) -> None:
    EMAILS.labels("refused" if error.permanent else "put off").inc()
    logger.warning("an e-mail was not sent: %s", error.message, extra={"tenant_id": tenant_id, "action": "mail"})
    async with _door(tenant_id) as session:
        await service.settle_failed(session, tenant_id, due, error)
        await _tell(session, tenant_id)


async def _tell(session: AsyncSession, tenant_id: UUID | None) -> None:
    if tenant_id is not None:
        await announce(session, tenant_id)


def _door(tenant_id: UUID | None) -> AbstractAsyncContextManager[AsyncSession]:
    return identity_session() if tenant_id is None else tenant_session(tenant_id)
