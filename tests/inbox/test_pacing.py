"""No number sends faster than Twilio takes it, no tenant more than its share, and one that has to wait waits alone."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.config import settings
from tenant_portal.inbox import jobs, pacing, rules, service
from tenant_portal.models.enums import MediaState
from tenant_portal.simulator.stand_in.records import Message
from tests.cast import Company
from tests.inbox.conftest import Desk, enter_twilio
from tests.inbox.test_media import PICTURE
from tests.inbox.test_outbox import forget_jobs, waiting
from tests.signed_in import person
from tests.threads import LEAD, open_thread

pytestmark = pytest.mark.database


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long code sends its burst and then one message in 100 s, so that no test waits for a refill."""
    monkeypatch.setitem(settings().__dict__, "long_code_send_rate", 0.01)


async def answers(desk: Desk, count: int, **more: UUID) -> None:
    for n in range(count):
        await desk.answer(f"Line {n}", **more)


async def globex_sends(desk: Desk) -> list[Message]:
    """What Globex has sent after one answer of Charlie's and one run of its outbox."""
    globex, store = desk.cast.globex, desk.twilio.world.store
    enter_twilio(desk.twilio, globex)
    thread = await open_thread(globex, lead=LEAD)
    async with db.tenant_session(globex.tenant_id) as session:
        await service.queue_reply(session, person(desk.cast.charlie), thread, "Hello from Globex")
    await jobs.drain_outbox(globex.tenant_id)
    return [one for one in store.all(Message, globex.account_sid) if one.to != globex.number]


@pytest.mark.parametrize(
    ("number", "rate"),
    [
        ("+14155550100", 1),
        ("+16045550100", 1),
        ("+18885550100", 3),
        ("+18005550100", 3),
        ("+18085550100", 1),
        ("72345", 100),
        ("+447700900123", 10),
        ("ACME", 10),
        ("whatsapp:+14155550100", 80),
    ],
)
def test_each_kind_of_number_has_twilios_rate(number: str, rate: float) -> None:
    assert rules.send_rate(number, long_code=1) == rate


@pytest.mark.parametrize(("asked", "seconds"), [(None, 15), (0, 15), (40, 40), (86_400, 600)])
def test_a_pause_is_as_long_as_twilio_asks_within_reason(asked: float | None, seconds: float) -> None:
    assert rules.twilio_pause(asked) == seconds


async def test_a_long_code_sends_a_burst_and_then_waits_for_its_turn(desk: Desk, slow: None, admin_url: str) -> None:
    await answers(desk, rules.SEND_BURST + 2)
    forget_jobs(admin_url)
    await desk.drain()
    assert [one.body for one in desk.at_twilio()] == [f"Line {n}" for n in range(rules.SEND_BURST)]
    assert 90 < waiting(admin_url)[jobs.SEND] <= 100
    await desk.drain()
    assert len(desk.at_twilio()) == rules.SEND_BURST


async def test_when_its_time_has_come_the_next_one_goes(desk: Desk, slow: None) -> None:
    await answers(desk, rules.SEND_BURST + 2)
    await desk.drain()
    await desk.sql("update throttle set until = now() where subject like 'number:%'")
    await desk.drain()
    assert [one.body for one in desk.at_twilio()] == [f"Line {n}" for n in range(rules.SEND_BURST + 1)]


async def test_a_number_that_waits_does_not_hold_up_the_tenants_other_one(desk: Desk, slow: None) -> None:
    thread = await open_thread(desk.acme, kind="whatsapp", lead="+491511234567")
    await answers(desk, rules.SEND_BURST + 2)
    await desk.answer("by WhatsApp", thread=thread)
    await desk.drain()
    assert [one.body for one in desk.at_twilio()][-1] == "by WhatsApp"
    assert len(desk.at_twilio()) == rules.SEND_BURST + 1


async def test_all_numbers_of_a_tenant_share_its_own_rate(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, admin_url: str
) -> None:
    monkeypatch.setitem(settings().__dict__, "tenant_send_rate", 0.01)
    thread = await open_thread(desk.acme, kind="whatsapp", lead="+491511234567")
    await answers(desk, 6)
    await answers(desk, 6, thread=thread)
    forget_jobs(admin_url)
    await desk.drain()
    assert len(desk.at_twilio()) == rules.SEND_BURST
    assert 90 < waiting(admin_url)[jobs.SEND] <= 100


async def test_another_tenant_sends_meanwhile(desk: Desk, slow: None) -> None:
    await answers(desk, rules.SEND_BURST + 2)
    await desk.drain()
    assert len(await globex_sends(desk)) == 1


async def test_processes_that_send_at_once_share_one_rate(desk: Desk, slow: None) -> None:
    async def one() -> bool:
        async with db.tenant_session(desk.acme.tenant_id) as session:
            return await pacing.take(session, desk.acme.tenant_id, desk.acme.number)

    assert sum(await asyncio.gather(*(one() for _ in range(3 * rules.SEND_BURST)))) == rules.SEND_BURST


async def test_the_rate_outlives_the_process(desk: Desk, slow: None) -> None:
    await answers(desk, rules.SEND_BURST + 1)
    await desk.drain()
    await db.close()
    await desk.drain()
    assert len(desk.at_twilio()) == rules.SEND_BURST


async def test_a_tenants_rate_is_its_own(desk: Desk, slow: None) -> None:
    async def takes(company: Company) -> bool:
        async with db.tenant_session(company.tenant_id) as session:
            return await pacing.take(session, company.tenant_id, desk.acme.number)

    assert [await takes(desk.acme) for _ in range(rules.SEND_BURST + 1)][-1] is False
    assert await takes(desk.cast.globex)


async def test_a_slice_ends_after_its_time_and_the_next_one_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, admin_url: str
) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0)
    await answers(desk, 3)
    for sent in (1, 2, 3):
        forget_jobs(admin_url)
        await desk.drain()
        assert len(desk.at_twilio()) == sent
        assert waiting(admin_url) == ({jobs.SEND: 0} if sent < 3 else {})
    assert await desk.sql("select count(*) from message where status in ('queued', 'sending', 'unknown')") == 0


async def test_a_suspended_tenants_backlog_does_not_keep_waking_itself(desk: Desk, admin_url: str) -> None:
    await desk.answer()
    async with db.staff_session() as session:
        await session.execute(text("update tenant set state = 'suspended' where name = 'Acme'"))
    forget_jobs(admin_url)
    await desk.drain()
    assert waiting(admin_url) == {}


async def test_too_many_requests_slow_nobody_else(desk: Desk, admin_url: str) -> None:
    await desk.answer()
    fault = {"status": 429, "code": 20429, "retry_after": 40, "account_sid": desk.acme.account_sid, "times": 9}
    desk.twilio.fail("status", path_contains="Messages", method="POST", **fault)
    await desk.drain()
    assert desk.at_twilio() == []
    assert [one.body for one in await globex_sends(desk)] == ["Hello from Globex"]


async def test_a_new_answer_does_not_end_the_pause(desk: Desk, admin_url: str) -> None:
    await desk.answer()
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=429, code=20429, retry_after=40)
    await desk.drain()
    await desk.answer("one more")
    assert 30 < waiting(admin_url)[jobs.SEND] <= 40


async def test_what_twilio_asked_to_wait_for_is_not_given_up(desk: Desk) -> None:
    message_id = await desk.answer()
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=429, code=20429, retry_after=40)
    await desk.drain()
    await desk.sql("update message set created_at = now() - interval '2 hours' where id = :id", id=message_id)
    await desk.drain()
    assert len(desk.at_twilio()) == 1


async def test_too_many_requests_while_looking_up_are_heeded(desk: Desk, admin_url: str) -> None:
    await desk.answer()
    await desk.sql("update message set status = 'unknown' where direction = 'out'")
    desk.twilio.fail("status", path_contains="Messages", method="GET", status=429, code=20429, retry_after=40)
    forget_jobs(admin_url)
    await jobs.send_outbox(str(desk.acme.tenant_id))
    assert 30 < waiting(admin_url)[jobs.SEND] <= 40


async def test_too_many_requests_for_files_make_all_of_the_tenants_files_wait(desk: Desk, admin_url: str) -> None:
    first = await desk.receive_file(desk.file_at_twilio(PICTURE))
    desk.twilio.fail("status", path_contains="/Media/", status=429, code=20429, retry_after=40)
    forget_jobs(admin_url)
    assert (await desk.fetch(first)).state is MediaState.WAITING
    assert await desk.sql("select attempts from media where id = :id", id=first) == 0
    second = await desk.receive_file(desk.file_at_twilio(PICTURE))
    assert 30 < waiting(admin_url)[jobs.FETCH] <= 40
    assert (await desk.fetch(second, due=False)).state is MediaState.WAITING
    assert (await desk.fetch(second)).state is MediaState.STORED


async def test_a_file_that_breaks_the_portal_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = [await desk.receive_file(desk.file_at_twilio(PICTURE)) for _ in range(2)]
    really, broken = jobs.object_store.key_of, ValueError("poison")

    def key_of(tenant_id: UUID, media_id: UUID) -> str:
        if media_id == poison:
            raise broken
        return really(tenant_id, media_id)

    monkeypatch.setattr(jobs.object_store, "key_of", key_of)
    assert (await desk.fetch(good)).state is MediaState.STORED
    file = await desk.fetch(poison)
    assert (file.state, file.last_error) == (MediaState.WAITING, jobs.NOT_KEPT)
    assert await desk.sql("select attempts from media where id = :id", id=poison) == 2


async def test_files_of_a_tenant_beyond_the_soft_line_are_fetched_in_spaced_slices(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, admin_url: str
) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0)
    files = [await desk.receive_file(desk.file_at_twilio(PICTURE)) for _ in range(3)]
    await desk.fetch(files[0])
    assert waiting(admin_url)[jobs.FETCH] == 0
    with psycopg.connect(admin_url) as connection:
        note = "insert into throttle select id, 'webhooks:soft', now() + interval '1 min', 'rate' from tenant"
        connection.execute(note)
    await desk.fetch(files[1])
    assert 0 < waiting(admin_url)[jobs.FETCH] <= jobs.BUSY_PAUSE_SECONDS
    await desk.end_pauses()
    await desk.fetch(files[2])
    assert await desk.sql("select count(*) from media where state = 'stored'") == 3
