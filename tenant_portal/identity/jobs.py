"""What happens to old sessions, links and failures by itself."""

from datetime import UTC, datetime

from tenant_portal import job_queue
from tenant_portal.db import identity_session
from tenant_portal.identity import attempts, resets, sessions


@job_queue.app.periodic(cron="*/10 * * * *")
@job_queue.app.task(name="identity.forget", queueing_lock="identity.forget")
async def forget(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands it over
    """Delete what is over. Tabs of a session that has timed out are cut, as if it had been signed out."""
    now = datetime.now(UTC)
    async with identity_session() as session:
        await sessions.forget_ended(session, now)
        await attempts.forget_old(session, now)
        await resets.forget_expired(session, now)
