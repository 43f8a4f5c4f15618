"""Messages travel through their states, and the portal hears of each one, signed."""

import base64

import pytest
from starlette.responses import Response

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, OwnedNumber, WhatsAppSender
from tenant_portal.twilio_gateway.live import LiveParentGateway
from tests.twilio.conftest import Tenant
from tests.twilio.servers import Received, until

UNREACHABLE = "+15005553003"


async def statuses(tenant: Tenant, message: OutgoingMessage, count: int, name: str = "status") -> list[Received]:
    """Send, and wait for so many callbacks on this message."""
    sent = await tenant.gateway.send_message(message)

    def heard() -> list[Received]:
        return [one for one in tenant.portal.at(tenant.path(name)) if one.parameters["MessageSid"] == sent.sid]

    await until(lambda: len(heard()) == count)
    return heard()


def sms(tenant: Tenant, number: OwnedNumber, **changes: object) -> OutgoingMessage:
    fields = {"to": tenant.phone, "from_": number.phone_number, "body": "Hello"}
    return OutgoingMessage(**{**fields, "status_callback": tenant.url("status"), **changes})  # type: ignore[arg-type]


def whatsapp(tenant: Tenant, sender: WhatsAppSender) -> OutgoingMessage:
    return OutgoingMessage(to=f"whatsapp:{tenant.phone}", from_=f"whatsapp:{sender.phone_number}", body="Hello")


async def test_a_text_message_is_sent_and_delivered(acme: Tenant, number: OwnedNumber) -> None:
    heard = await statuses(acme, sms(acme, number), 2)
    assert [one.parameters["MessageStatus"] for one in heard] == ["sent", "delivered"]
    assert heard[1].parameters["SmsStatus"] == "delivered"
    assert len(heard[1].parameters["RawDlrDoneDate"]) == 10
    assert "ErrorCode" not in heard[1].parameters


async def test_each_callback_is_signed_with_the_subaccounts_token(
    acme: Tenant, globex: Tenant, number: OwnedNumber
) -> None:
    for one in await statuses(acme, sms(acme, number), 2):
        assert one.signed_with(acme.account.auth_token)
        assert not one.signed_with(globex.account.auth_token)
        assert one.parameters["AccountSid"] == acme.account.sid


async def test_a_promoted_token_signs_at_once(acme: Tenant, number: OwnedNumber) -> None:
    second = await acme.gateway.create_secondary_token()
    [first, *_] = await statuses(acme, sms(acme, number), 2)
    assert first.signed_with(acme.account.auth_token)
    await acme.gateway.promote_secondary_token()
    acme.gateway._client.username, acme.gateway._client.password = acme.account.sid, second
    acme.gateway._client.auth = (acme.account.sid, second)
    [first, *_] = await statuses(acme, sms(acme, number, status_callback=acme.url("later")), 2, "later")
    assert first.signed_with(second)
    assert not first.signed_with(acme.account.auth_token)


async def test_an_undelivered_message_says_why(acme: Tenant, number: OwnedNumber) -> None:
    heard = await statuses(acme, sms(acme, number, to=UNREACHABLE), 2)
    assert heard[1].parameters["MessageStatus"] == "undelivered"
    assert heard[1].parameters["ErrorCode"] == "30003"
    found = await acme.gateway.fetch_message(heard[1].parameters["MessageSid"])
    assert (found.status, found.error_code) == ("undelivered", 30003)


async def test_a_whatsapp_message_is_read_at_last(acme: Tenant, sender: WhatsAppSender, phones: Handset) -> None:
    await phones.write(acme.phone, sender.phone_number, "Hi", whatsapp=True)
    heard = await statuses(acme, whatsapp(acme, sender), 3, "whatsapp-status")
    assert [one.parameters["MessageStatus"] for one in heard] == ["sent", "delivered", "read"]
    assert heard[2].parameters["EventType"] == "READ"
    assert heard[2].parameters["ChannelToAddress"] == acme.phone
    assert heard[2].parameters["ChannelInstallSid"] == sender.sid


async def test_whatsapp_refuses_a_free_message_to_who_did_not_write(acme: Tenant, sender: WhatsAppSender) -> None:
    [failed] = await statuses(acme, whatsapp(acme, sender), 1, "whatsapp-status")
    assert failed.parameters["MessageStatus"] == "failed"
    assert failed.parameters["ErrorCode"] == "63016"
    assert failed.parameters["ChannelStatusMessage"]


async def test_a_message_of_a_suspended_account_fails(
    acme: Tenant, number: OwnedNumber, parent: LiveParentGateway, phones: Handset
) -> None:
    await phones.set_speed(5)
    sent = await acme.gateway.send_message(sms(acme, number))
    await parent.suspend_subaccount(acme.account.sid)
    await phones.set_speed(300)
    await until(lambda: bool(acme.portal.at(acme.path("status"))))
    last = acme.portal.at(acme.path("status"))[-1].parameters
    assert (last["MessageSid"], last["ErrorCode"]) == (sent.sid, "30002")


async def test_a_picture_of_the_portal_reaches_the_phone(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    acme.portal.answer(acme.path("a.png"), Response(b"picture", media_type="image/png"))
    await statuses(acme, sms(acme, number, media_urls=(acme.url("a.png"),)), 2)
    [entry] = await phones.conversation(acme.phone, number.phone_number)
    assert (entry.outgoing, entry.arrived, entry.media[0].content_type) == (False, True, "image/png")
    assert await phones.media(entry.media[0].sid) == (b"picture", "image/png")


async def test_a_picture_that_cannot_be_fetched_fails_the_message(acme: Tenant, number: OwnedNumber) -> None:
    acme.portal.answer(acme.path("gone.png"), Response(status_code=404))
    [failed] = await statuses(acme, sms(acme, number, media_urls=(acme.url("gone.png"),)), 1)
    assert failed.parameters["MessageStatus"] == "failed"


@pytest.mark.parametrize("answer", [500, 404])
async def test_a_portal_that_refuses_a_status_does_not_stop_the_message(
    acme: Tenant, number: OwnedNumber, answer: int
) -> None:
    acme.portal.answer(acme.path("status"), Response(status_code=answer))
    heard = await statuses(acme, sms(acme, number), 2)
    assert heard[-1].parameters["MessageStatus"] == "delivered"


async def test_a_phone_shows_what_it_sent(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.write(acme.phone, number.phone_number, "Look", files=(("image/png", base64.b64encode(b"x").decode()),))
    [entry] = await phones.conversation(acme.phone)
    assert (entry.kind, entry.outgoing, entry.text, entry.other) == ("sms", True, "Look", number.phone_number)
    assert await phones.media(entry.media[0].sid) == (b"x", "image/png")
