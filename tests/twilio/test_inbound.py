"""What leads write arrives with every parameter Twilio sends, and Twilio's own rules hold."""

import pytest
from starlette.responses import RedirectResponse, Response

from tenant_portal.simulator.handset import Handset, HandsetError, Place
from tenant_portal.twilio_gateway.errors import TwilioRefused
from tenant_portal.twilio_gateway.gateway import (
    NumberPurchase,
    NumberSearch,
    NumberUrls,
    OutgoingMessage,
    OwnedNumber,
    SenderUrls,
    WhatsAppSender,
)
from tenant_portal.twilio_gateway.live import LiveParentGateway
from tests.twilio.conftest import Tenant
from tests.twilio.servers import FakePortal, Received, until, xml

RETRIED = "#rc=3&rp=5xx,ct,rt"


def last(tenant: Tenant, name: str = "sms") -> Received:
    return tenant.portal.at(tenant.path(name))[-1]


async def test_a_text_message_arrives_whole_and_signed(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    receipt = await phones.write(acme.phone, number.phone_number, " Grüße 👋\r\n")
    got = last(acme)
    assert receipt.accepted
    assert got.signed_with(acme.account.auth_token)
    assert got.parameters["Body"] == " Grüße 👋\r\n"
    assert {got.parameters[name] for name in ("MessageSid", "SmsSid", "SmsMessageSid")} == {receipt.message_sid}
    assert got.parameters["AccountSid"] == receipt.account_sid == acme.account.sid
    assert (got.parameters["From"], got.parameters["To"]) == (acme.phone, number.phone_number)
    assert (got.parameters["NumMedia"], got.parameters["SmsStatus"]) == ("0", "received")


async def test_a_number_tells_where_it_is(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.write("+12125550188", number.phone_number, "x")
    assert (last(acme).parameters["FromCity"], last(acme).parameters["FromCountry"]) == ("NEW YORK", "US")
    await phones.write("+4930231251234", number.phone_number, "x")
    assert (last(acme).parameters["FromCity"], last(acme).parameters["FromCountry"]) == ("", "DE")


async def test_ten_pictures_have_ten_urls(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    receipt = await phones.write(acme.phone, number.phone_number, pictures=10)
    got = last(acme).parameters
    assert receipt.message_sid.startswith("MM")
    assert got["NumMedia"] == "10"
    assert len({got[f"MediaUrl{at}"] for at in range(10)}) == 10
    assert got["MediaContentType9"] == "image/jpeg"
    assert got["MediaUrl0"].startswith(f"https://api.twilio.com/2010-04-01/Accounts/{acme.account.sid}/Messages/MM")


async def test_a_whatsapp_message_carries_the_profile(acme: Tenant, sender: WhatsAppSender, phones: Handset) -> None:
    await phones.write(acme.phone, sender.phone_number, "Hi", whatsapp=True, profile_name="María 🌸")
    got = last(acme, "whatsapp").parameters
    assert (got["From"], got["To"]) == (f"whatsapp:{acme.phone}", f"whatsapp:{sender.phone_number}")
    assert (got["ProfileName"], got["WaId"], got["MessageType"]) == ("María 🌸", acme.phone[1:], "text")
    assert "FromCity" not in got


async def test_a_location_a_button_and_a_reply_arrive(acme: Tenant, sender: WhatsAppSender, phones: Handset) -> None:
    place = Place(52.52, 13.405, "Alexanderplatz 1", "Shop")
    await phones.write(acme.phone, sender.phone_number, whatsapp=True, place=place)
    got = last(acme, "whatsapp").parameters
    assert (got["MessageType"], got["Latitude"], got["Label"], got["Body"]) == ("location", "52.52", "Shop", "")
    await phones.write(
        acme.phone, sender.phone_number, whatsapp=True, button=("Yes", "yes-1"), replies_to="SM" + "1" * 32
    )
    got = last(acme, "whatsapp").parameters
    assert (got["MessageType"], got["Body"], got["ButtonText"], got["ButtonPayload"]) == (
        "button",
        "Yes",
        "Yes",
        "yes-1",
    )
    assert got["OriginalRepliedMessageSid"] == "SM" + "1" * 32


async def test_a_parameter_of_the_future_is_sent_and_signed(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.write(acme.phone, number.phone_number, "STOP", extra={"OptOutType": "STOP", "Tomorrow": "ü"})
    assert last(acme).parameters["Tomorrow"] == "ü"
    assert last(acme).signed_with(acme.account.auth_token)


@pytest.mark.parametrize(
    ("content_type", "kind"), [("image/png", "image"), ("audio/ogg", "audio"), ("application/pdf", "document")]
)
async def test_a_whatsapp_file_says_what_it_is(
    acme: Tenant, sender: WhatsAppSender, phones: Handset, content_type: str, kind: str
) -> None:
    await phones.write(acme.phone, sender.phone_number, whatsapp=True, files=((content_type, "eA=="),))
    assert last(acme, "whatsapp").parameters["MessageType"] == kind


async def test_who_said_stop_gets_nothing_more_until_start(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    answer = OutgoingMessage(to=acme.phone, from_=number.phone_number, body="Hello")
    await phones.write(acme.phone, number.phone_number, " Stop ")
    assert last(acme).parameters["Body"] == " Stop "
    assert "OptOutType" not in last(acme).parameters
    with pytest.raises(TwilioRefused) as caught:
        await acme.gateway.send_message(answer)
    assert caught.value.code == 21610
    await phones.write(acme.phone, number.phone_number, "START")
    await acme.gateway.send_message(answer)


async def test_twilio_itself_answers_stop_and_help(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.write(acme.phone, number.phone_number, "HELP")
    await phones.write(acme.phone, number.phone_number, "STOP")
    texts = [entry.text for entry in await phones.conversation(acme.phone) if not entry.outgoing]
    assert ["Reply STOP" in texts[0], "unsubscribed" in texts[1]] == [True, True]


async def test_whatsapp_knows_no_stop_word(acme: Tenant, sender: WhatsAppSender, phones: Handset) -> None:
    await phones.write(acme.phone, sender.phone_number, "STOP", whatsapp=True)
    message = OutgoingMessage(to=f"whatsapp:{acme.phone}", from_=f"whatsapp:{sender.phone_number}", body="x")
    assert (await acme.gateway.send_message(message)).status == "queued"


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (Response("OK", media_type="text/plain"), ["OK"]),
        (xml("<Message>One</Message><Message><Body>Two</Body></Message>"), ["One", "Two"]),
        (xml(""), []),
        (Response(status_code=204), []),
        (Response("<Response", media_type="text/xml"), []),
    ],
)
async def test_the_answer_of_the_portal_may_speak_to_the_lead(
    acme: Tenant, number: OwnedNumber, phones: Handset, answer: Response, texts: list[str]
) -> None:
    acme.portal.answer(acme.path("sms"), answer)
    await phones.write(acme.phone, number.phone_number, "x")
    assert [entry.text for entry in await phones.conversation(acme.phone) if not entry.outgoing] == texts


async def test_a_failed_webhook_goes_to_the_fallback_with_its_reason(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    acme.portal.answer(acme.path("sms"), Response(status_code=500))
    receipt = await phones.write(acme.phone, number.phone_number, "x")
    assert receipt.accepted
    got = last(acme, "sms-fallback")
    assert (got.parameters["ErrorCode"], got.parameters["ErrorUrl"]) == ("11200", acme.url("sms"))
    assert got.signed_with(acme.account.auth_token)


async def test_a_server_error_is_repeated_only_where_the_url_asks_for_it(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    for name, answer in (("plain", Response(status_code=503)), ("asking", Response(status_code=503))):
        acme.portal.answer(acme.path(name), answer, xml(""))
    await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("plain")))
    assert not (await phones.write(acme.phone, number.phone_number, "x")).accepted
    await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("asking", RETRIED)))
    assert (await phones.write(acme.phone, number.phone_number, "x")).accepted
    assert [len(acme.portal.at(acme.path(name))) for name in ("plain", "asking")] == [1, 2]


async def test_a_repeat_carries_the_same_token_and_another_event_another(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("sms", RETRIED)))
    acme.portal.answer(acme.path("sms"), *[Response(status_code=500)] * 3, xml(""))
    await phones.write(acme.phone, number.phone_number, "x")
    tokens = [one.headers["i-twilio-idempotency-token"] for one in acme.portal.at(acme.path("sms"))]
    assert (len(tokens), len(set(tokens))) == (4, 1)
    await phones.write(acme.phone, number.phone_number, "y")
    assert last(acme).headers["i-twilio-idempotency-token"] not in tokens


async def test_the_fragment_is_neither_sent_nor_signed(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("sms?account=AC1", RETRIED)))
    await phones.write(acme.phone, number.phone_number, "x")
    assert last(acme).url.endswith("/sms?account=AC1")
    assert last(acme).signed_with(acme.account.auth_token)


async def test_a_portal_that_is_away_is_told_as_an_error(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(sms="http://127.0.0.1:9/sms#rc=1"))
    receipt = await phones.write(acme.phone, number.phone_number, "x")
    assert (receipt.sent, receipt.status, receipt.error_code) == (True, None, 11205)
    assert [one.error_code for one in await phones.attempts(acme.account.sid)] == [11205, 11205]


async def test_a_slow_portal_is_not_waited_for(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(sms="http://127.0.0.1:9/sms#rc=0&tt=100&ct=100"))
    assert (await phones.write(acme.phone, number.phone_number, "x")).milliseconds < 1000


async def test_nothing_is_sent_to_a_foreign_machine(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(sms="https://elsewhere.example/sms"))
    assert (await phones.write(acme.phone, number.phone_number, "x")).error_code == 11100


async def test_a_redirect_loses_the_form_unless_it_keeps_the_method(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    acme.portal.answer(
        acme.path("sms"), RedirectResponse(acme.url("kept"), 307), RedirectResponse(acme.url("lost"), 302)
    )
    await phones.write(acme.phone, number.phone_number, "x")
    await phones.write(acme.phone, number.phone_number, "x")
    assert last(acme, "kept").parameters["Body"] == "x"
    assert last(acme, "kept").signed_with(acme.account.auth_token)
    assert (last(acme, "lost").method, last(acme, "lost").pairs) == ("GET", [])


async def test_redirects_in_circles_end(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("round")))
    acme.portal.answer(acme.path("round"), RedirectResponse(acme.url("round"), 307))
    assert (await phones.write(acme.phone, number.phone_number, "x")).error_code == 11215


async def test_a_get_webhook_has_everything_in_its_signed_query(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    acme.gateway._client.incoming_phone_numbers(number.sid).update(sms_method="GET")
    await phones.write(acme.phone, number.phone_number, "a+b &c")
    got = last(acme)
    assert (got.method, got.pairs) == ("GET", [])
    assert "Body=a%2Bb+%26c" in got.url
    assert got.signed_with(acme.account.auth_token)


async def test_a_suspended_account_hears_nothing(
    acme: Tenant, number: OwnedNumber, parent: LiveParentGateway, phones: Handset
) -> None:
    await parent.suspend_subaccount(acme.account.sid)
    receipt = await phones.write(acme.phone, number.phone_number, "x")
    assert not receipt.sent
    assert acme.portal.at(acme.path("sms")) == []


async def test_a_number_without_a_url_keeps_the_message_only(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls())
    receipt = await phones.write(acme.phone, number.phone_number, "x")
    assert not receipt.sent
    assert (await acme.gateway.fetch_message(receipt.message_sid)).direction == "inbound"


async def test_nobody_answers_at_an_unknown_number(phones: Handset, number: OwnedNumber) -> None:
    for whatsapp in (True, False):
        with pytest.raises(HandsetError, match="nobody answers"):
            await phones.write("+14155550188", "+14155550999", "x", whatsapp=whatsapp)
    with pytest.raises(HandsetError, match="nobody answers"):
        await phones.write("+14155550188", number.phone_number, "x", whatsapp=True)


async def test_a_whatsapp_sender_without_a_url_hears_nothing(
    acme: Tenant, sender: WhatsAppSender, phones: Handset
) -> None:
    await acme.gateway.update_sender(sender.sid, SenderUrls(callback=""))
    assert not (await phones.write(acme.phone, sender.phone_number, "x", whatsapp=True)).sent


async def test_a_number_of_one_tenant_can_write_to_a_number_of_the_other(
    acme: Tenant, globex: Tenant, number: OwnedNumber, portal: FakePortal
) -> None:
    [spare] = await globex.gateway.search_numbers(NumberSearch(country="CA", area_code=514, limit=1))
    await globex.gateway.buy_number(NumberPurchase(phone_number=spare.phone_number, urls=globex.urls))
    portal.answer(acme.path("a.png"), Response(b"x", media_type="image/png"))
    await acme.gateway.send_message(
        OutgoingMessage(to=spare.phone_number, from_=number.phone_number, body="Hello", media_urls=(acme.url("a.png"),))
    )
    await until(lambda: bool(globex.portal.at(globex.path("sms"))))
    got = last(globex)
    assert (got.parameters["AccountSid"], got.parameters["From"]) == (globex.account.sid, number.phone_number)
    assert (got.parameters["Body"], got.parameters["NumMedia"]) == ("Hello", "1")
    assert got.signed_with(globex.account.auth_token)
    assert globex.account.sid in got.parameters["MediaUrl0"]


async def test_numbers_of_both_tenants_are_told_apart(
    acme: Tenant, globex: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await phones.write(acme.phone, number.phone_number, "for Acme")
    await until(lambda: bool(acme.portal.at(acme.path("sms"))))
    assert globex.portal.at(globex.path("sms")) == []
    assert await globex.gateway.list_messages() == []
