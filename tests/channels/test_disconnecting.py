"""Disconnecting keeps history, and a number is given back only on request and only if nothing uses it."""

import pytest

from tenant_portal import db
from tenant_portal.channels import queries, service
from tenant_portal.errors import Conflict
from tenant_portal.models.enums import ChannelState
from tests.channels.stage import SMS, VOICEMAIL, Stage
from tests.threads import receive


async def left(acme: Stage) -> int:
    async with db.tenant_session(acme.tenant_id) as session:
        return len(await queries.channels(session, acme.tenant_id))


async def test_without_the_wish_the_number_stays_but_leads_nowhere(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    await acme.do(service.disconnect, channel_id, release_number=False)
    await acme.drain(due=False)
    [number] = acme.twilio.numbers()
    assert (number.sms_url, number.sms_fallback_url, await left(acme)) == ("", "", 0)


async def test_on_request_the_number_is_given_back(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    await acme.do(service.disconnect, channel_id, release_number=True)
    await acme.drain(due=False)
    assert (acme.twilio.numbers(), await left(acme)) == ([], 0)


async def test_a_number_that_carries_another_channel_is_never_given_back(acme: Stage) -> None:
    sms, _ = await acme.connect(SMS, VOICEMAIL)
    await acme.do(service.disconnect, sms, release_number=True)
    await acme.drain(due=False)
    [number] = acme.twilio.numbers()
    assert number.sms_url == ""
    assert "voicemail" in number.voice_url


async def test_messages_stay(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    message_id = await receive(acme.company())
    await acme.do(service.disconnect, channel_id, release_number=True)
    await acme.drain(due=False)
    async with db.tenant_session(acme.tenant_id) as session:
        connection = await session.connection()
        found = await connection.exec_driver_sql("select id from message")
        assert [row[0] for row in found] == [message_id]


async def test_a_disconnected_channel_stays_in_sight_until_twilio_knows(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    await acme.do(service.disconnect, channel_id, release_number=False)
    assert (await left(acme), await acme.state(channel_id)) == (1, ChannelState.DISCONNECTED)


async def test_a_channel_is_disconnected_once(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    await acme.do(service.disconnect, channel_id, release_number=False)
    with pytest.raises(Conflict):
        await acme.do(service.disconnect, channel_id, release_number=True)


async def test_it_can_be_connected_again_on_the_same_number(acme: Stage) -> None:
    [first] = await acme.connect(SMS)
    await acme.do(service.disconnect, first, release_number=False)
    [second] = await acme.ask(SMS, number_sid=acme.twilio.numbers()[0].sid)
    await acme.drain(due=False)
    [number] = acme.twilio.numbers()
    assert await acme.state(second) is ChannelState.ACTIVE
    assert "/sms?" in number.sms_url


async def test_taking_down_is_tried_again_when_twilio_is_away(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.fail("status", status=503, times=3, path_contains="IncomingPhoneNumbers")
    await acme.do(service.disconnect, channel_id, release_number=True)
    await acme.drain(due=False)
    assert len(acme.twilio.numbers()) == 1
    await acme.drain()
    assert acme.twilio.numbers() == []


async def test_a_number_that_is_gone_already_is_no_problem(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.delete(acme.twilio.numbers()[0])
    await acme.do(service.disconnect, channel_id, release_number=True)
    await acme.drain(due=False)
    assert await left(acme) == 0


async def test_disconnecting_while_the_number_is_bought_loses_no_number(acme: Stage) -> None:
    acme.twilio.fail("drop_after", method="POST", path_contains="/IncomingPhoneNumbers.json")
    [channel_id] = await acme.connect(SMS)
    await acme.do(service.disconnect, channel_id, release_number=True)
    await acme.drain()
    assert acme.twilio.numbers() == []
