"""Jobs: one waits per tenant and task, none is lost, and the queue sees no content."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tenant_portal import db, job_queue
from tenant_portal.models import Media, Message
from tenant_portal.models.enums import ChannelKind, Direction, MessageStatus, ThrottleReason
from tests.cast import Cast
from tests.threads import open_thread

pytestmark = pytest.mark.database


def waiting(admin_url: str) -> list[tuple[str, str]]:
    """(task, tenant) of every job that waits."""
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute(
            "select task_name, args ->> 'tenant_id' from jobs.procrastinate_jobs where status = 'todo' order by id"
        )
        return [(task, tenant) for task, tenant in rows]


async def wake(tenant_id: UUID, *, delay_seconds: float = 0) -> None:
    async with db.tenant_session(tenant_id) as session:
        await job_queue.wake(session, "inbox.send_outbox", tenant_id, delay_seconds=delay_seconds)


async def test_a_hundred_wakes_make_one_job(cast: Cast, admin_url: str) -> None:
    for _ in range(100):
        await wake(cast.acme.tenant_id)
    assert waiting(admin_url) == [("inbox.send_outbox", str(cast.acme.tenant_id))]


async def test_each_tenant_has_its_own_job(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id)
    await wake(cast.globex.tenant_id)
    assert len(waiting(admin_url)) == 2


async def test_a_rolled_back_transaction_leaves_no_job(cast: Cast, admin_url: str) -> None:
    with pytest.raises(RuntimeError):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await job_queue.wake(session, "inbox.send_outbox", cast.acme.tenant_id)
            raise RuntimeError
    assert waiting(admin_url) == []


async def test_the_earlier_of_two_times_wins(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id, delay_seconds=3600)
    await wake(cast.acme.tenant_id)
    await wake(cast.acme.tenant_id, delay_seconds=60)
    with psycopg.connect(admin_url) as connection:
        due = "select coalesce(scheduled_at, '-infinity') <= now() from jobs.procrastinate_jobs"
        assert connection.execute(due).fetchone() == (True,)


async def pause(tenant_id: UUID, seconds: float) -> None:
    async with db.tenant_session(tenant_id) as session:
        await job_queue.pause(session, "inbox.send_outbox", tenant_id, seconds, ThrottleReason.TWILIO)


def seconds_until(admin_url: str, tenant_id: UUID) -> float:
    """How long this tenant's one waiting job still waits."""
    due = (
        "select greatest(coalesce(extract(epoch from scheduled_at - now()), 0), 0)::float from jobs.procrastinate_jobs"
        " where status = 'todo' and args ->> 'tenant_id' = %s"
    )
    with psycopg.connect(admin_url) as connection:
        ((seconds,),) = connection.execute(due, (str(tenant_id),)).fetchall()
    return float(seconds)


async def test_a_paused_task_waits_whoever_wakes_it(cast: Cast, admin_url: str) -> None:
    await wake(cast.acme.tenant_id)
    await pause(cast.acme.tenant_id, 60)
    await wake(cast.acme.tenant_id)
    assert 50 < seconds_until(admin_url, cast.acme.tenant_id) <= 60


async def test_a_pause_holds_for_one_tenant_and_one_task_only(cast: Cast, admin_url: str) -> None:
    await pause(cast.acme.tenant_id, 60)
    await wake(cast.globex.tenant_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await job_queue.wake(session, "inbox.fetch_media", cast.acme.tenant_id)
    assert seconds_until(admin_url, cast.globex.tenant_id) == 0
    with psycopg.connect(admin_url) as connection:
        due = "select scheduled_at from jobs.procrastinate_jobs where task_name = 'inbox.fetch_media'"
        assert connection.execute(due).fetchall() == [(None,)]


async def test_the_longer_of_two_pauses_holds(cast: Cast, admin_url: str) -> None:
    await pause(cast.acme.tenant_id, 60)
    await pause(cast.acme.tenant_id, 5)
    assert seconds_until(admin_url, cast.acme.tenant_id) > 50


async def test_a_later_time_than_the_pause_is_kept(cast: Cast, admin_url: str) -> None:
    await pause(cast.globex.tenant_id, 60)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await job_queue.wake(session, "inbox.send_outbox", cast.acme.tenant_id, delay_seconds=3600)
    assert seconds_until(admin_url, cast.acme.tenant_id) > 3500


async def test_after_the_pause_the_task_may_run_and_is_woken_for_it(cast: Cast, admin_url: str) -> None:
    await pause(cast.acme.tenant_id, 60)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert 50 < await job_queue.pause_left(session, "inbox.send_outbox", cast.acme.tenant_id) <= 60
        await session.execute(text("update throttle set until = now()"))
    await wake(cast.acme.tenant_id)
    assert seconds_until(admin_url, cast.acme.tenant_id) == 0
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await job_queue.pause_left(session, "inbox.send_outbox", cast.acme.tenant_id) == 0


async def test_a_tenant_cannot_hold_back_another_or_see_that_it_waits(cast: Cast) -> None:
    await pause(cast.acme.tenant_id, 60)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await job_queue.pause_left(session, "inbox.send_outbox", cast.acme.tenant_id) == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant_session(cast.globex.tenant_id) as session:
            await job_queue.pause(session, "inbox.fetch_media", cast.acme.tenant_id, 60, ThrottleReason.BUSY)


async def test_a_worker_takes_a_job_that_was_woken_again_and_again(cast: Cast, admin_url: str) -> None:
    done: list[str] = []

    async with job_queue.open_app(job_queue.connector()) as app:

        @app.task(name="tests.note")
        async def note(tenant_id: str) -> None:
            done.append(tenant_id)

        for _ in range(3):
            async with db.tenant_session(cast.acme.tenant_id) as session:
                await job_queue.wake(session, "tests.note", cast.acme.tenant_id)
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
    assert done == [str(cast.acme.tenant_id)]


async def _leave_work_behind(cast: Cast) -> None:
    """A queued send and a waiting picture of Acme, both without a job; nothing of Globex."""
    thread = await open_thread(cast.acme)
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    sent = Message(
        tenant_id=cast.acme.tenant_id,
        conversation_id=thread,
        channel_kind=ChannelKind.SMS,
        direction=Direction.OUT,
        status=MessageStatus.QUEUED,
        our_number=cast.acme.number,
        lead_number="+14155550999",
        created_at=long_ago,
        status_at=long_ago,
    )
    picture = Media(tenant_id=cast.acme.tenant_id, message_id=sent.id, source_url="https://x", next_attempt_at=long_ago)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        session.add(sent)
        await session.flush()
        session.add(picture)


async def _sweep() -> int:
    async with db.engine().begin() as connection:
        await connection.execute(text("set local role portal_jobs"))
        return int(await connection.scalar(text("select jobs.sweep()")) or 0)


async def test_the_sweep_wakes_who_has_work_and_nobody_else(cast: Cast, admin_url: str) -> None:
    await _leave_work_behind(cast)
    assert await _sweep() == 2
    acme = str(cast.acme.tenant_id)
    assert sorted(waiting(admin_url)) == [("inbox.fetch_media", acme), ("inbox.send_outbox", acme)]


async def test_the_sweep_leaves_jobs_that_wait_already(cast: Cast) -> None:
    await _leave_work_behind(cast)
    await _sweep()
    assert await _sweep() == 0


@pytest.mark.parametrize("column", ["body", "lead_number", "details"])
async def test_the_queue_cannot_read_messages(cast: Cast, column: str) -> None:
    async with db.engine().connect() as connection:
        await connection.execute(text("set local role portal_jobs"))
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute(text(f"select {column} from message"))
