"""Sending: once, in order, and truthfully told, whatever Twilio or the machine does in between."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tenant_portal import db
from tenant_portal.inbox import jobs, outbox
from tenant_portal.models.enums import MessageStatus
from tenant_portal.simulator.stand_in.records import Account
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, TwilioMessage
from tests.inbox.conftest import Desk
from tests.running_portal import free_ports
from tests.threads import LEAD, open_thread
from tests.twilio.servers import until

pytestmark = pytest.mark.database
GRACE_IS_OVER = "update message set status_at = now() - interval '1 hour' where status in ('sending', 'unknown')"


def waiting(admin_url: str) -> dict[str, float]:
    """Task to seconds from now, of the jobs that wait."""
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute(
            "select task_name, coalesce(extract(epoch from scheduled_at - now()), 0)::float"
            " from jobs.procrastinate_jobs where status = 'todo'"
        )
        return dict(rows.fetchall())


def forget_jobs(admin_url: str) -> None:
    """As if a worker had taken them."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("set search_path = jobs")
        connection.execute("delete from procrastinate_jobs")


async def test_an_answer_reaches_twilio_as_it_was_written(desk: Desk) -> None:
    message_id = await desk.answer("On my way 👋\nBob")
    await desk.drain()
    (sent,) = desk.at_twilio()
    assert (sent.to, sent.from_, sent.body) == (LEAD, desk.acme.number, "On my way 👋\nBob")
    assert f"/api/webhooks/status/{message_id}?account={desk.acme.account_sid}" in sent.status_callback
    assert await desk.sql("select provider_sid from message where id = :id", id=message_id) == sent.sid


async def test_a_whatsapp_answer_goes_out_by_whatsapp(desk: Desk) -> None:
    lead = "+491511234567"
    thread = await open_thread(desk.acme, kind="whatsapp", lead=lead)
    await desk.answer(thread=thread)
    await desk.drain()
    assert [(one.to, one.from_) for one in desk.at_twilio()] == [(f"whatsapp:{lead}", f"whatsapp:{desk.acme.number}")]


async def test_delivery_advances_by_twilios_callbacks(desk: Desk, portal: str) -> None:
    message_id = await desk.answer()
    await desk.drain()

    async def delivered() -> bool:
        return await desk.status(message_id) == "delivered"

    await until(delivered)


async def test_answers_go_out_in_the_order_they_were_written(desk: Desk) -> None:
    for n in range(5):
        await desk.answer(f"Line {n}")
    await desk.drain()
    assert [one.body for one in desk.at_twilio()] == [f"Line {n}" for n in range(5)]


async def test_a_second_run_sends_nothing_again(desk: Desk) -> None:
    await desk.answer()
    await desk.drain()
    await desk.drain()
    assert len(desk.at_twilio()) == 1


async def test_an_answer_twilio_refuses_for_good_fails_with_its_reason(desk: Desk) -> None:
    message_id = await desk.answer()
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=400, code=21612)
    await desk.drain()
    message = await desk.message(message_id)
    assert (message.status, message.error_code) == (MessageStatus.FAILED, 21612)
    assert "No message can be sent from your number" in (message.error_text or "")
    assert await desk.sql("select failures from tenant_hour") == 1


async def test_a_refusal_does_not_stop_the_next_answer(desk: Desk) -> None:
    await desk.answer("refused")
    await desk.answer("fine")
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=400, code=21612)
    await desk.drain()
    assert [one.body for one in desk.at_twilio()] == ["fine"]


async def test_an_opt_out_that_only_twilio_knows_of_is_recorded(desk: Desk) -> None:
    await desk.answer()
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=400, code=21610)
    await desk.drain()
    assert await desk.sql("select opted_out_at from lead where address = :lead", lead=LEAD) is not None


async def test_a_stop_that_arrives_meanwhile_keeps_the_answer_from_going_out(desk: Desk) -> None:
    message_id = await desk.answer()
    await desk.sql("update lead set opted_out_at = now()")
    await desk.drain()
    assert (await desk.message(message_id)).error_code == 21610
    assert desk.at_twilio() == []


async def test_too_many_requests_make_only_this_tenant_wait(desk: Desk, admin_url: str) -> None:
    message_id = await desk.answer()
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=429, code=20429, retry_after=40)
    forget_jobs(admin_url)
    await desk.drain()
    assert await desk.status(message_id) == "queued"
    assert 30 < waiting(admin_url)[jobs.SEND] <= 40
    await desk.drain(due=False)
    assert desk.at_twilio() == []


async def test_after_the_pause_the_order_is_kept(desk: Desk) -> None:
    await desk.answer("first")
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=429, code=20429, retry_after=40)
    await desk.drain()
    await desk.answer("second")
    await desk.drain(due=False)
    assert desk.at_twilio() == []
    await desk.drain()
    assert [one.body for one in desk.at_twilio()] == ["first", "second"]


async def test_while_twilio_is_unreachable_answers_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    message_id, nowhere = await desk.answer(), f"http://127.0.0.1:{free_ports()}"
    monkeypatch.setattr("tenant_portal.twilio_gateway.clients._origin", lambda: nowhere)
    await desk.drain()
    assert await desk.status(message_id) == "queued"
    monkeypatch.undo()
    await desk.drain()
    assert len(desk.at_twilio()) == 1


async def test_an_answer_that_waited_an_hour_is_given_up_visibly(desk: Desk) -> None:
    message_id = await desk.answer()
    await desk.sql(
        "update message set created_at = now() - interval '2 hours', next_attempt_at = now() where id = :id",
        id=message_id,
    )
    await desk.drain()
    message = await desk.message(message_id)
    assert (message.status, message.error_text) == (MessageStatus.FAILED, outbox.UNREACHABLE)
    assert desk.at_twilio() == []


async def test_lost_credentials_keep_the_answer_until_they_are_back(desk: Desk) -> None:
    message_id = await desk.answer()
    desk.twilio.fail("status", path_contains="Messages", method="POST", status=401, code=20003)
    await desk.drain()
    assert await desk.status(message_id) == "queued"


async def test_a_suspended_client_sends_nothing_until_resumed(desk: Desk) -> None:
    message_id = await desk.answer()
    await desk.sql("update tenant set state = 'suspended'")
    await desk.drain()
    assert (await desk.status(message_id), desk.at_twilio()) == ("queued", [])
    await desk.sql("update tenant set state = 'active'")
    await desk.drain()
    assert len(desk.at_twilio()) == 1


async def test_a_line_that_goes_dead_after_twilio_took_it_sends_once(desk: Desk, admin_url: str) -> None:
    message_id = await desk.answer()
    # It waits at Twilio, where its time of sending is empty still.
    desk.twilio.world.speed = 0.01
    desk.twilio.fail("drop_after", path_contains="Messages", method="POST")
    await desk.drain()
    assert await desk.status(message_id) == "unknown"
    assert jobs.SEND in waiting(admin_url)
    await desk.drain()
    assert len(desk.at_twilio()) == 1
    assert await desk.sql("select provider_sid from message where id = :id", id=message_id) == desk.at_twilio()[0].sid
    assert await desk.status(message_id) not in {"unknown", "failed"}


async def test_a_line_that_goes_dead_before_twilio_took_it_fails_after_a_while(desk: Desk) -> None:
    message_id = await desk.answer()
    desk.twilio.fail("drop", path_contains="Messages", method="POST")
    await desk.drain()
    await desk.drain()
    assert await desk.status(message_id) == "unknown"
    await desk.sql(GRACE_IS_OVER)
    await desk.drain()
    message = await desk.message(message_id)
    assert (message.status, message.error_text) == (MessageStatus.FAILED, outbox.NOT_CONFIRMED)
    assert desk.at_twilio() == []


async def claim(desk: Desk) -> outbox.Outgoing:
    async with db.tenant_session(desk.acme.tenant_id) as session:
        claimed = await outbox.claim(session, desk.acme.tenant_id)
    assert claimed is not None
    return claimed


async def test_a_worker_killed_before_the_request_sends_nothing_twice(desk: Desk) -> None:
    message_id = await desk.answer()
    await claim(desk)
    await desk.drain()
    assert (await desk.status(message_id), desk.at_twilio()) == ("unknown", [])
    await desk.sql(GRACE_IS_OVER)
    await desk.drain()
    assert await desk.status(message_id) == "failed"


async def test_a_worker_killed_after_the_request_sends_nothing_twice(desk: Desk) -> None:
    message_id = await desk.answer()
    claimed, gateway = await claim(desk), tenant_gateway(desk.acme.account_sid, desk.acme.auth_token)
    await gateway.send_message(OutgoingMessage(to=claimed.lead_number, from_=claimed.our_number, body=claimed.body))
    await desk.drain()
    assert len(desk.at_twilio()) == 1
    assert await desk.sql("select provider_sid from message where id = :id", id=message_id) == desk.at_twilio()[0].sid


async def test_two_lost_answers_with_one_text_find_one_sid_each(desk: Desk) -> None:
    gateway = tenant_gateway(desk.acme.account_sid, desk.acme.auth_token)
    ids = [await desk.answer("Yes") for _ in range(2)]
    for _ in ids:
        claimed = await claim(desk)
        await gateway.send_message(OutgoingMessage(to=claimed.lead_number, from_=claimed.our_number, body=claimed.body))
    await desk.drain()
    assert [await desk.status(one) for one in ids] == ["unknown", "unknown"]
    await desk.sql(GRACE_IS_OVER)
    await desk.drain()
    found = [await desk.sql("select provider_sid from message where id = :id", id=one) for one in ids]
    assert sorted(found) == sorted(one.sid for one in desk.at_twilio())


async def test_of_two_lost_answers_with_one_text_the_callback_says_which_was_sent(desk: Desk, portal: str) -> None:
    lost, taken = [await desk.answer("Yes") for _ in range(2)]
    desk.twilio.world.speed = 2
    for kind in ("drop", "drop_after"):
        desk.twilio.fail(kind, path_contains="Messages", method="POST")
        await desk.drain()
    await desk.drain()
    assert [await desk.status(one) for one in (lost, taken)] == ["unknown", "unknown"]

    async def told() -> bool:
        return await desk.status(taken) in {"sent", "delivered"}

    await until(told)
    await desk.sql(GRACE_IS_OVER)
    await desk.drain()
    assert (await desk.status(lost), len(desk.at_twilio())) == ("failed", 1)
    assert await desk.sql("select provider_sid from message where id = :id", id=taken) == desk.at_twilio()[0].sid


async def test_somebody_elses_text_to_the_same_lead_is_not_taken_for_ours(desk: Desk) -> None:
    message_id = await desk.answer("On my way")
    claimed, gateway = await claim(desk), tenant_gateway(desk.acme.account_sid, desk.acme.auth_token)
    await gateway.send_message(OutgoingMessage(to=claimed.lead_number, from_=claimed.our_number, body="Another text"))
    await desk.drain()
    assert await desk.status(message_id) == "unknown"


async def test_only_one_of_two_senders_gets_a_message(desk: Desk) -> None:
    await desk.answer()
    await claim(desk)
    async with db.tenant_session(desk.acme.tenant_id) as session:
        assert await outbox.claim(session, desk.acme.tenant_id) is None


async def test_a_callback_that_was_faster_than_the_answer_is_not_undone(desk: Desk) -> None:
    message_id = await desk.answer()
    claimed = await claim(desk)
    await desk.sql("update message set status = 'delivered', provider_sid = 'SM1' where id = :id", id=message_id)
    async with db.tenant_session(desk.acme.tenant_id) as session:
        await outbox.settle_sent(session, desk.acme.tenant_id, claimed.id, at_twilio("SM1", "queued"))
    assert await desk.status(message_id) == "delivered"


@pytest.mark.parametrize(
    ("word", "status"), [("queued", "accepted"), ("sent", "sent"), ("failed", "failed"), ("unheard-of", "accepted")]
)
async def test_twilios_first_word_becomes_our_status(desk: Desk, word: str, status: str) -> None:
    message_id = await desk.answer()
    await claim(desk)
    async with db.tenant_session(desk.acme.tenant_id) as session:
        await outbox.settle_sent(session, desk.acme.tenant_id, message_id, at_twilio("SM1", word))
    assert await desk.status(message_id) == status


def at_twilio(sid: str, status: str) -> TwilioMessage:
    return TwilioMessage(
        sid=sid,
        to=LEAD,
        from_="+1",
        body="",
        status=status,
        direction="outbound-api",
        error_code=None,
        num_media=0,
        num_segments=1,
        price=None,
        currency=None,
        created_at=datetime.now(UTC) - timedelta(seconds=1),
        sent_at=None,
    )


async def test_a_job_that_fails_comes_back_by_itself(desk: Desk, admin_url: str) -> None:
    await desk.answer()
    desk.twilio.world.store.put(
        desk.twilio.world.store.all(Account, desk.acme.account_sid)[0].model_copy(update={"status": "suspended"})
    )
    await jobs.send_outbox(str(desk.acme.tenant_id))
    assert jobs.SEND in waiting(admin_url)


async def test_a_client_that_is_still_being_set_up_sends_nothing(desk: Desk) -> None:
    message_id = await desk.answer()
    await desk.sql("update subaccount set account_sid = null, auth_token_sealed = null")
    await desk.drain()
    assert await desk.status(message_id) == "queued"
