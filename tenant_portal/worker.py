"""The worker process: drains tenants' work, and looks after the queue itself."""

import asyncio
import logging
from uuid import UUID

from procrastinate import App, JobContext
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from sqlalchemy import text

from tenant_portal import db, figures, job_queue, metrics_server, tracing
from tenant_portal.channels import jobs as channels_jobs
from tenant_portal.identity import jobs as identity_jobs
from tenant_portal.inbox import jobs as inbox_jobs
from tenant_portal.leads import jobs as leads_jobs
from tenant_portal.logs import configure_logging
from tenant_portal.mail import jobs as mail_jobs
from tenant_portal.models.enums import ThrottleReason
from tenant_portal.templates import jobs as templates_jobs
from tenant_portal.tenants import jobs as tenants_jobs
from tenant_portal.voicemail import jobs as voicemail_jobs

# Jobs mostly wait for Twilio. One tenant takes at most one place for each of its tasks.
CONCURRENCY = 16
# A job whose lock was busy is looked for again only by polling, so this is also the longest such wait.
POLL_SECONDS = 0.5
STOP_SECONDS = 10
STALLED_SECONDS = 30
MOST_RESCUES = 5
# A job that was given up is not taken up again before, whoever wakes it, unless staff do.
GIVEN_UP_SECONDS = 3600.0
# Importing a module of jobs is what makes its tasks known to the queue.
JOB_MODULES = (
    channels_jobs,
    identity_jobs,
    inbox_jobs,
    leads_jobs,
    mail_jobs,
    templates_jobs,
    tenants_jobs,
    voicemail_jobs,
)

log = logging.getLogger(__name__)


async def work(app: App) -> None:
    """Run jobs until SIGTERM or SIGINT; running ones get STOP_SECONDS to end."""
    await app.run_worker_async(
        concurrency=CONCURRENCY,
        fetch_job_polling_interval=POLL_SECONDS,
        shutdown_graceful_timeout=STOP_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        delete_jobs="successful",
        worker_middleware=[job_queue.observed],
    )


async def main() -> None:
    """Connect, work, give the connections back."""
    configure_logging()
    tracing.start("worker")
    try:
        with metrics_server.serving("worker"):
            async with figures.kept_fresh(), job_queue.open_app(job_queue.connector()) as app:
                await work(app)
    finally:
        await db.close()
        await asyncio.to_thread(tracing.stop)


# Seconds are the sixth field; as the first it would be minutes, and nothing would be looked after in most of them.
@job_queue.app.periodic(cron="* * * * * */15")
@job_queue.app.task(name="queue.rescue", queueing_lock="queue.rescue", pass_context=True)
async def rescue(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Put the jobs of killed workers back in line; one that was there MOST_RESCUES times is failed."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await settle_stalled(context.app, job)


async def settle_stalled(app: App, job: Job) -> None:
    """Back in line, or given up after MOST_RESCUES times: a job that kills its worker must not go round for ever."""
    if job.attempts >= MOST_RESCUES:
        known = {"action": "job_given_up", "job_id": job.id, "task": job.task_name}
        log.error("a job was given up", extra=known)
        # First, or whoever wakes it between the two would start it once more.
        await _hold_back(job)
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
        return
    try:
        await app.job_manager.retry_job(job)
    except UniqueViolation:
        # Its tenant was woken meanwhile: the job that waits does the same work, and this one still holds the lock.
        await app.job_manager.finish_job(job, status=Status.ABORTED, delete_job=True)


async def _hold_back(job: Job) -> None:
    """Keep the next webhook, or the sweep, from starting what has just killed so many workers."""
    if tenant := job.task_kwargs.get("tenant_id"):
        async with db.job_queue_session() as session:
            await job_queue.pause(session, job.task_name, UUID(str(tenant)), GIVEN_UP_SECONDS, ThrottleReason.GIVEN_UP)


@job_queue.app.periodic(cron="* * * * * */10")
@job_queue.app.task(name="queue.sweep", queueing_lock="queue.sweep")
async def sweep(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Wake every tenant whose rows are due without a job: nothing waits for ever, whatever was killed."""
    async with db.job_queue_session() as session:
        woken = await session.scalar(text("select jobs.sweep()"))
    if woken:
        log.info("%s tenants had work without a job", woken, extra={"action": "swept", "woken": woken})


@job_queue.app.periodic(cron="*/2 * * * *")
@job_queue.app.task(name="queue.sweep_search", queueing_lock="queue.sweep_search")
async def sweep_search(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Wake every tenant that has messages whose words are not taken in."""
    async with db.job_queue_session() as session:
        await session.execute(text("select jobs.sweep_search()"))
