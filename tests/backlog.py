"""Thousands of one tenant's rows that wait for the worker, written at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg

from tenant_portal import job_queue
from tests.cast import Company

MESSAGES = """
    insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, body, our_number, lead_number,
                         media_count, details, author_name, created_at, status_at)
    select %(tenant)s, gen_random_uuid(), %(thread)s, 'whatsapp', %(direction)s, %(status)s, 'backlog ' || n,
           'whatsapp:' || %(number)s, 'whatsapp:+14155550999', 0, '{}', '', now(), now()
    from generate_series(1, %(count)s) as n"""
FILES = """
    insert into media (tenant_id, id, message_id, position, source_url, declared_type, content_type, state, attempts,
                       next_attempt_at, created_at)
    select m.tenant_id, gen_random_uuid(), m.id, 0, %(url)s, 'image/png', '', 'waiting', 0, now(), now()
    from message m where m.tenant_id = %(tenant)s and m.direction = 'in' and m.body like 'backlog %%'"""
WAKE = "select jobs.wake(task, %s, interval '0') from unnest(array['inbox.fetch_media', 'inbox.send_outbox']) as task"


def pile_up(admin_url: str, company: Company, thread: UUID, *, files: int, url: str, answers: int) -> None:
    """So many messages with one file each to be fetched, and so many answers to be sent, with a job for both."""
    whose = {"tenant": company.tenant_id, "thread": thread, "number": company.number}
    with psycopg.connect(admin_url) as connection:
        connection.execute(MESSAGES, whose | {"direction": "in", "status": "received", "count": files})
        connection.execute(FILES, whose | {"url": url})
        connection.execute(MESSAGES, whose | {"direction": "out", "status": "queued", "count": answers})
        connection.execute(WAKE, (company.tenant_id,))


def done(connection: psycopg.Connection, company: Company) -> tuple[int, int]:
    """(files fetched, answers sent) of this company so far."""
    query = """
        select (select count(*) from media where tenant_id = %(tenant)s and state = 'stored'),
               (select count(*) from message where tenant_id = %(tenant)s and direction = 'out'
                and status not in ('queued', 'sending', 'unknown', 'failed', 'undelivered'))"""
    row = connection.execute(query, {"tenant": company.tenant_id}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@asynccontextmanager
async def working(concurrency: int) -> AsyncIterator[None]:
    """A worker in this process, with so many places."""
    async with job_queue.open_app(job_queue.connector()) as app:
        worker = app.run_worker_async(
            concurrency=concurrency,
            fetch_job_polling_interval=0.05,
            install_signal_handlers=False,
            delete_jobs="successful",
        )
        task = asyncio.create_task(worker)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
