"""A status only moves up, whatever the order, and often before the send has returned."""

import asyncio
from itertools import permutations
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_portal import db
from tenant_portal.front_door import events
from tenant_portal.inbox.rules import RANK, from_twilio
from tenant_portal.models import Message
from tenant_portal.models.enums import ChannelKind, Direction, MessageStatus
from tests.cast import Cast, Company
from tests.webhook_client import LEAD, Portal, sid, text_message

WORDS = ["accepted", "scheduled", "queued", "sending", "sent", "delivered", "read", "undelivered", "failed", "canceled"]
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


async def outgoing(portal: Portal, company: Company, count: int = 1, **changes: object) -> list[UUID]:
    """Messages of ours whose send is under way: no SID yet."""
    if not await portal.rows("select from conversation where tenant_id = %s", company.tenant_id):
        await portal.post("sms", company, text_message(company))
    thread = await portal.row("select id from conversation where tenant_id = %s", company.tenant_id)
    values = {"status": MessageStatus.SENDING, "our_number": company.number, "lead_number": LEAD} | changes
    messages = [
        Message(
            tenant_id=company.tenant_id,
            conversation_id=thread["id"],
            channel_kind=ChannelKind.SMS,
            direction=Direction.OUT,
            **values,
        )
        for _ in range(count)
    ]
    async with db.tenant_session(company.tenant_id) as session:
        session.add_all(messages)
    return [message.id for message in messages]


def told(company: Company, message_sid: str, word: str, **extra: str) -> dict[str, str]:
    return {
        "MessageSid": message_sid,
        "SmsSid": message_sid,
        "AccountSid": company.account_sid,
        "MessageStatus": word,
        "SmsStatus": word,
        "From": company.number,
        "To": LEAD,
    } | extra


async def tell(portal: Portal, company: Company, message_id: UUID, message_sid: str, word: str, **extra: str) -> int:
    form = told(company, message_sid, word, **extra)
    return (await portal.post(f"status/{message_id}", company, form)).status_code


async def state(portal: Portal, message_id: UUID) -> dict[str, object]:
    return await portal.row(
        "select status, provider_sid, error_code, error_text, details from message where id = %s", message_id
    )


async def test_a_status_may_come_before_the_send_has_returned(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    assert await tell(portal, cast.acme, message_id, "SM1", "sent") == 204
    assert await state(portal, message_id) | {"details": {}} == {
        "status": "sent",
        "provider_sid": "SM1",
        "error_code": None,
        "error_text": None,
        "details": {},
    }


async def test_twilios_early_words_do_not_look_like_our_own_queue(portal: Portal, cast: Cast) -> None:
    for word in ("accepted", "scheduled", "queued", "sending"):
        (message_id,) = await outgoing(portal, cast.acme)
        await tell(portal, cast.acme, message_id, sid("SM"), word)
        assert (await state(portal, message_id))["status"] == "accepted"


async def apply(portal: Portal, company: Company, orders: list[tuple[UUID, list[str]]]) -> None:
    """Each message's statuses in its own order, in as few commits as there are statuses."""
    for step in range(max(len(words) for _, words in orders)):
        rows = [
            events.change("status", company.tenant_id, str(message_id), status_data(message_id, words[step]))
            for message_id, words in orders
            if step < len(words)
        ]
        await portal.door.events.line.call(events.STORE, (events.numbered(rows),))


def status_data(message_id: UUID, word: str) -> dict[str, object]:
    code = {"undelivered": 30003, "failed": 30007}.get(word)
    return {
        "message_id": str(message_id),
        "sid": f"SM{message_id.hex[:32]}",
        "status": from_twilio(word),
        "error_code": code,
        "error_text": str(code),
        "details": {},
    }


def highest(words: list[str]) -> MessageStatus:
    return max((from_twilio(word) or MessageStatus.SENDING for word in words), key=RANK.__getitem__)


@pytest.mark.parametrize("end", ["read", "failed", "undelivered", "canceled"])
async def test_every_order_of_five_statuses_ends_alike(portal: Portal, cast: Cast, end: str) -> None:
    words = ["queued", "sending", "sent", "delivered", end]
    orders = [list(order) for order in permutations(words)]
    ids = await outgoing(portal, cast.acme, len(orders))
    await apply(portal, cast.acme, list(zip(ids, orders, strict=True)))
    ends = await portal.rows("select distinct status, error_code from message where direction = 'out'")
    assert [row["status"] for row in ends] == [end]


@given(sequences=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), min_size=1, max_size=12))
@QUICK
async def test_any_sequence_ends_at_its_highest_status(portal: Portal, cast: Cast, sequences: list[list[str]]) -> None:
    ids = await outgoing(portal, cast.acme, len(sequences))
    await apply(portal, cast.acme, list(zip(ids, sequences, strict=True)))
    found = await portal.rows("select id, status, error_code from message where id = any(%s)", ids)
    got = {row["id"]: (row["status"], row["error_code"]) for row in found}
    for message_id, words in zip(ids, sequences, strict=True):
        end = highest(words)
        assert got[message_id] == (end, {"undelivered": 30003, "failed": 30007}.get(end))


async def test_repeats_at_once_count_one_failure(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await asyncio.gather(
        *(tell(portal, cast.acme, message_id, "SM1", "failed", ErrorCode="30007") for _ in range(20)),
        *(tell(portal, cast.acme, message_id, "SM1", "undelivered", ErrorCode="30003") for _ in range(20)),
    )
    assert (await portal.row("select sum(failures)::int as n from tenant_hour"))["n"] == 1
    assert (await state(portal, message_id))["status"] == "failed"


async def test_a_failure_has_its_code_and_a_sentence(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "undelivered", ErrorCode="30007")
    got = await state(portal, message_id)
    assert got["error_code"] == 30007
    assert "filtered" in str(got["error_text"])


@pytest.mark.parametrize("code", ["", "x", "99999999999", "-1", "1e3"])
async def test_a_strange_error_code_does_not_cost_the_status(portal: Portal, cast: Cast, code: str) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "failed", ErrorCode=code)
    assert (await state(portal, message_id))["status"] == "failed"


async def test_a_code_that_comes_later_is_added(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "failed")
    await tell(portal, cast.acme, message_id, "SM1", "failed", ErrorCode="30007")
    assert (await state(portal, message_id))["error_code"] == 30007


async def test_an_unknown_status_is_kept_and_changes_nothing(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "sent")
    assert await tell(portal, cast.acme, message_id, "SM1", "teleported") == 204
    got = await state(portal, message_id)
    assert (got["status"], got["details"]) == ("sent", {"unknown_status": "teleported"})


async def test_a_whatsapp_read_receipt_is_read(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "read", EventType="READ", ChannelPrefix="whatsapp")
    assert (await state(portal, message_id))["status"] == "read"


async def test_twilio_overrules_our_own_verdict_on_an_unconfirmed_send(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme, status=MessageStatus.FAILED, error_text="Twilio did not confirm")
    await tell(portal, cast.acme, message_id, "SM1", "delivered")
    assert (await state(portal, message_id)) | {"details": 0} == {
        "status": "delivered",
        "provider_sid": "SM1",
        "error_code": None,
        "error_text": None,
        "details": 0,
    }


async def test_an_opt_out_that_twilio_reports_is_recorded(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "failed", ErrorCode="21610")
    assert (await portal.row("select opted_out_at from lead"))["opted_out_at"] is not None


async def test_another_clients_message_is_out_of_reach(portal: Portal, cast: Cast) -> None:
    (theirs,) = await outgoing(portal, cast.globex)
    assert await tell(portal, cast.acme, theirs, "SM1", "failed") == 204
    assert await tell(portal, cast.acme, uuid4(), "SM2", "failed") == 204
    assert (await state(portal, theirs))["status"] == "sending"
    assert [row["reason"] for row in await portal.held()] == ["unknown-message"] * 2


async def test_a_sid_of_another_message_changes_nothing(portal: Portal, cast: Cast) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    await tell(portal, cast.acme, message_id, "SM1", "sent")
    await tell(portal, cast.acme, message_id, "SM2", "failed")
    assert (await state(portal, message_id))["status"] == "sent"


async def test_a_received_message_has_no_delivery_status(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme)
    await portal.post("sms", cast.acme, form)
    received = await portal.row("select id from message")
    await tell(portal, cast.acme, received["id"], form["MessageSid"], "failed")
    assert (await state(portal, received["id"]))["status"] == "received"


async def test_open_browsers_hear_of_a_status(portal: Portal, cast: Cast, admin_url: str) -> None:
    (message_id,) = await outgoing(portal, cast.acme)
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as listener:
        await listener.execute("listen portal_live")
        await tell(portal, cast.acme, message_id, "SM1", "sent")
        notices = [notice.payload async for notice in listener.notifies(timeout=2, stop_after=1)]
    assert notices == [str(cast.acme.tenant_id)]
