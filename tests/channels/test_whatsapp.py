"""A WhatsApp sender: registered, verified, watched."""

import asyncio
from uuid import UUID

import pytest

from tenant_portal import db
from tenant_portal.channels import queries, rules, service, steps
from tenant_portal.config import settings
from tenant_portal.errors import BadInput, Conflict
from tenant_portal.models.enums import ChannelState
from tests.channels.stage import SMS, WHATSAPP, Stage
from tests.threads import receive


async def pending(acme: Stage, *kinds: object, **details: object) -> UUID:
    """A WhatsApp channel whose sender waits for its code."""
    ids = await acme.connect(*(kinds or (WHATSAPP,)), **details)  # type: ignore[arg-type]
    await until(acme, "PENDING_VERIFICATION")
    await acme.drain()
    return ids[-1]


async def until(acme: Stage, status: str) -> None:
    """Wait for the simulated WhatsApp."""
    for _ in range(200):
        if acme.twilio.senders()[0].status == status:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(acme.twilio.senders()[0].status)


async def online(acme: Stage, channel_id: UUID) -> None:
    """Hand the right code in and let the rest happen."""
    await acme.do(service.submit_code, channel_id, acme.twilio.senders()[0].code)
    await acme.drain()
    await until(acme, "ONLINE")
    await acme.drain()


async def test_a_sender_comes_online_with_its_code(acme: Stage) -> None:
    channel_id = await pending(acme)
    row = await acme.row(channel_id)
    assert (row.state, row.sender_status) == (ChannelState.VERIFYING, "PENDING_VERIFICATION")
    await online(acme, channel_id)
    row = await acme.row(channel_id)
    assert (row.state, row.sender_status, row.sender_sid) == (
        ChannelState.ACTIVE,
        "ONLINE",
        acme.twilio.senders()[0].sid,
    )


async def test_the_senders_webhook_is_set(acme: Stage) -> None:
    await pending(acme)
    webhook = acme.twilio.senders()[0].webhook
    base = f"{settings().origin}/api/webhooks/whatsapp"
    assert webhook["callback_url"] == f"{base}?account={acme.account_sid}#rc=3&rp=5xx,ct,rt"
    assert webhook["fallback_url"] == f"{base}/fallback?account={acme.account_sid}"


async def test_a_used_code_is_not_kept(acme: Stage) -> None:
    channel_id = await pending(acme)
    await online(acme, channel_id)
    assert "verification_code" not in (await acme.row(channel_id)).config


async def test_a_wrong_code_is_explained_and_a_right_one_still_works(acme: Stage) -> None:
    channel_id = await pending(acme)
    right = acme.twilio.senders()[0].code
    await acme.do(service.submit_code, channel_id, "000000" if right != "000000" else "111111")
    await acme.drain(due=False)
    row = await acme.row(channel_id)
    assert (row.state, row.last_error) == (ChannelState.VERIFYING, steps.WRONG_CODE)
    await online(acme, channel_id)
    assert await acme.state(channel_id) is ChannelState.ACTIVE


@pytest.mark.parametrize("code", ["", "abc", "12", "12345678901"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(BadInput):
        rules.clean_code(code)


async def test_no_code_is_taken_before_one_is_asked_for(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    with pytest.raises(Conflict):
        await acme.do(service.submit_code, channel_id, "123456")


async def test_a_code_that_arrives_as_a_text_is_handed_in_by_itself(acme: Stage) -> None:
    channel_id = await pending(acme, SMS, WHATSAPP)
    if await acme.state(channel_id) is ChannelState.VERIFYING:
        code = acme.twilio.senders()[0].code
        body = f"Your WhatsApp code is {code[:3]}-{code[3:]}. Do not share it."
        await receive(acme.company(), lead="WhatsApp", body=body)
    await acme.drain()
    await until(acme, "ONLINE")
    await acme.drain()
    assert await acme.state(channel_id) is ChannelState.ACTIVE


async def test_a_lost_answer_registers_no_second_sender(acme: Stage) -> None:
    acme.twilio.fail("drop_after", method="POST", path_contains="/Channels/Senders")
    [channel_id] = await acme.connect(WHATSAPP)
    assert await acme.state(channel_id) is ChannelState.REGISTERING
    await acme.drain()
    assert await acme.state(channel_id) is ChannelState.VERIFYING
    assert len(acme.twilio.senders()) == 1


async def test_a_phone_from_elsewhere_is_not_bought(acme: Stage) -> None:
    channel_id = await pending(acme, number="+491711234567", own_number=True)
    assert await acme.state(channel_id) is ChannelState.VERIFYING
    assert acme.twilio.numbers() == []


async def test_a_sender_that_goes_offline_fails_the_channel_with_whatsapps_reason(acme: Stage) -> None:
    channel_id = await pending(acme)
    await online(acme, channel_id)
    acme.twilio.world.store.change(acme.twilio.senders()[0], status="OFFLINE")
    await acme.drain()
    row = await acme.row(channel_id)
    assert row.state is ChannelState.FAILED
    assert str(row.last_error).startswith("WhatsApp has taken this number offline.")


async def test_an_active_sender_is_looked_at_again(acme: Stage) -> None:
    channel_id = await pending(acme)
    await online(acme, channel_id)
    assert (await acme.row(channel_id)).next_attempt_at is not None


async def test_a_review_is_waited_for(acme: Stage) -> None:
    channel_id = await pending(acme)
    acme.twilio.world.store.change(acme.twilio.senders()[0], status="TWILIO_REVIEW")
    await acme.drain()
    row = await acme.row(channel_id)
    assert (row.state, row.sender_status) == (ChannelState.VERIFYING, "TWILIO_REVIEW")


def test_polling_slows_down() -> None:
    pauses = [rules.poll_seconds(attempts) for attempts in range(60)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2.0, 120.0)


async def test_disconnecting_removes_the_sender_and_keeps_the_number(acme: Stage) -> None:
    channel_id = await pending(acme)
    await online(acme, channel_id)
    await acme.do(service.disconnect, channel_id, release_number=False)
    await acme.drain()
    assert (acme.twilio.senders(), len(acme.twilio.numbers())) == ([], 1)
    async with db.tenant_session(acme.tenant_id) as session:
        assert await queries.channels(session, acme.tenant_id) == []
