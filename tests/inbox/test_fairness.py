"""One tenant's backlog does not starve another, with a single place in the worker, and is worked off to its end."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from tenant_portal import db
from tenant_portal.config import settings
from tenant_portal.inbox import files, jobs, service
from tenant_portal.models.ids import uuid7
from tests.backlog import done, pile_up, working
from tests.cast import Company
from tests.inbox.conftest import Desk, enter_twilio, file_at_twilio
from tests.inbox.test_media import PICTURE
from tests.signed_in import person
from tests.threads import LEAD, open_thread, receive

pytestmark = pytest.mark.database
FILES, ANSWERS, SLICE = 40, 30, 5
LOOK_SECONDS = 0.02
Looking = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def looking(admin_url: str) -> Iterator[Looking]:
    """A connection to look with, for which the event loop does not stand still each time."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def busy(desk: Desk, admin_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Acme has a backlog, Globex nothing yet; slices are small, and no number holds anything back."""
    monkeypatch.setattr(jobs, "BATCH", SLICE)
    monkeypatch.setattr(files, "BATCH", SLICE)
    for rate in ("long_code_send_rate", "tenant_send_rate"):
        monkeypatch.setitem(settings().__dict__, rate, 1_000.0)
    enter_twilio(desk.twilio, desk.cast.globex)
    url = desk.file_at_twilio(PICTURE)
    pile_up(admin_url, desk.acme, desk.thread, files=FILES, url=url, answers=ANSWERS)
    return desk


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(LOOK_SECONDS)


async def has_begun(looking: Looking, company: Company) -> None:
    await until(lambda: sum(done(looking, company)) > 0)


async def finished(looking: Looking, company: Company, files: int, answers: int) -> None:
    await until(lambda: done(looking, company) == (files, answers))


async def test_anothers_picture_waits_for_a_slice_and_not_for_the_backlog(
    busy: Desk, admin_url: str, looking: Looking
) -> None:
    globex = busy.cast.globex
    async with working(concurrency=1):
        await has_begun(looking, busy.acme)
        before = sum(done(looking, busy.acme))
        await receive(globex, media=[picture(busy, globex)])
        await finished(looking, globex, 1, 0)
        overtaken_by = sum(done(looking, busy.acme)) - before
        await finished(looking, busy.acme, FILES, ANSWERS)
    # The slices under way and in front of it, one for each task of Acme's, and as much while we look.
    assert overtaken_by <= 4 * SLICE


async def test_anothers_answer_waits_for_a_slice_and_not_for_the_backlog(
    busy: Desk, admin_url: str, looking: Looking
) -> None:
    globex = busy.cast.globex
    thread = await open_thread(globex, lead=LEAD)
    async with working(concurrency=1):
        await has_begun(looking, busy.acme)
        before = sum(done(looking, busy.acme))
        async with db.tenant_session(globex.tenant_id) as session:
            await service.queue_reply(session, person(busy.cast.charlie), thread, "At once")
        await finished(looking, globex, 0, 1)
        overtaken_by = sum(done(looking, busy.acme)) - before
        await finished(looking, busy.acme, FILES, ANSWERS)
    assert overtaken_by <= 4 * SLICE


async def test_two_backlogs_take_turns(busy: Desk, admin_url: str, looking: Looking) -> None:
    globex = busy.cast.globex
    thread, url = await open_thread(globex, lead=LEAD), file_at_twilio(busy.twilio, globex, PICTURE)
    pile_up(admin_url, globex, thread, files=FILES, url=url, answers=ANSWERS)
    ahead = []
    async with working(concurrency=1):
        while min(sum(done(looking, company)) for company in (busy.acme, globex)) < FILES + ANSWERS:
            ahead.append(abs(sum(done(looking, busy.acme)) - sum(done(looking, globex))))
            await asyncio.sleep(LOOK_SECONDS)
    assert max(ahead) <= 4 * SLICE


def picture(desk: Desk, company: Company) -> dict[str, object]:
    url = file_at_twilio(desk.twilio, company, PICTURE)
    return {"id": str(uuid7()), "position": 0, "url": url, "type": "image/png"}
