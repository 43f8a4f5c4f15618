"""A tenant's own account: numbers, messages and WhatsApp senders through Twilio's library and real HTTP."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from starlette.responses import Response

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.errors import TwilioOutcomeUnknown, TwilioRefused
from tenant_portal.twilio_gateway.gateway import (
    Capabilities,
    NumberPurchase,
    NumberSearch,
    NumberType,
    NumberUrls,
    OutgoingMessage,
    OwnedNumber,
    SenderRegistration,
    SenderStatus,
    SenderUrls,
    TwilioMessage,
    WhatsAppSender,
)
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveTenantGateway
from tests.twilio.conftest import StandIn, Tenant, in_state
from tests.twilio.servers import until


async def test_numbers_on_sale_have_a_price_and_a_place(acme: Tenant) -> None:
    found = await acme.gateway.search_numbers(NumberSearch(country="US", area_code=305, limit=5))
    assert {(one.locality, one.region, one.monthly_price, one.currency) for one in found} == {
        ("Miami", "FL", Decimal("1.15"), "USD")
    }
    assert len(found) == 5


async def test_a_search_by_digits_finds_numbers_with_them(acme: Tenant) -> None:
    found = await acme.gateway.search_numbers(NumberSearch(country="GB", contains="79460*"))
    assert found
    assert all("79460" in one.phone_number for one in found)


async def test_a_search_for_what_a_number_cannot_do_finds_none(acme: Tenant) -> None:
    search = NumberSearch(country="FR", needs=Capabilities(sms=True))
    assert await acme.gateway.search_numbers(search) == []


async def test_a_country_without_such_numbers_has_none_on_sale(acme: Tenant) -> None:
    assert await acme.gateway.search_numbers(NumberSearch(country="FR", number_type=NumberType.MOBILE)) == []


async def test_a_missing_price_hides_no_number(acme: Tenant, phones: Handset) -> None:
    await phones.add_fault("status", account_sid=acme.account.sid, path_contains="/v1/PhoneNumbers", status=404)
    [found] = await acme.gateway.search_numbers(NumberSearch(country="US", limit=1))
    assert found.monthly_price is None


async def test_prices_differ_by_type(acme: Tenant) -> None:
    currency, prices = await acme.gateway.number_prices("DE")
    assert (currency, prices) == ("USD", {NumberType.LOCAL: Decimal("1.15"), NumberType.MOBILE: Decimal("15.00")})


async def test_a_bought_number_has_all_its_urls(acme: Tenant, number: OwnedNumber) -> None:
    assert number.urls == acme.urls
    assert await acme.gateway.fetch_number(number.sid) == number
    assert await acme.gateway.list_numbers() == [number]


async def test_a_number_is_sold_once(globex: Tenant, number: OwnedNumber) -> None:
    with pytest.raises(TwilioRefused, match="Somebody else has just taken this number"):
        await globex.gateway.buy_number(NumberPurchase(phone_number=number.phone_number, urls=NumberUrls()))
    on_sale = await globex.gateway.search_numbers(NumberSearch(country="US", area_code=int(number.phone_number[2:5])))
    assert number.phone_number not in {one.phone_number for one in on_sale}


@pytest.mark.parametrize(
    ("phone_number", "code"),
    [
        ("+15005550000", 21422),
        ("+15005550001", 21421),
        ("+14150000000", 21421),
        ("+493023125000", 21615),
        ("+61255500000", 21631),
    ],
)
async def test_a_number_that_cannot_be_bought_says_why(acme: Tenant, phone_number: str, code: int) -> None:
    with pytest.raises(TwilioRefused) as caught:
        await acme.gateway.buy_number(NumberPurchase(phone_number=phone_number, urls=NumberUrls()))
    assert caught.value.code == code


async def test_a_purchase_whose_answer_is_lost_is_found_again(acme: Tenant, phones: Handset) -> None:
    [spare] = await acme.gateway.search_numbers(NumberSearch(country="US", area_code=617, limit=1))
    await phones.add_fault("drop_after", account_sid=acme.account.sid)
    with pytest.raises(TwilioOutcomeUnknown):
        await acme.gateway.buy_number(NumberPurchase(phone_number=spare.phone_number, urls=acme.urls))
    found = await acme.gateway.find_number(spare.phone_number)
    assert found is not None
    assert found.urls == acme.urls


async def test_a_part_of_a_number_is_not_the_number(acme: Tenant, number: OwnedNumber) -> None:
    assert await acme.gateway.find_number(number.phone_number[:-1]) is None


async def test_urls_are_set_as_a_whole(acme: Tenant, number: OwnedNumber) -> None:
    changed = await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("other", "#rc=3&rp=5xx,ct,rt")))
    assert changed.urls == NumberUrls(sms=acme.url("other", "#rc=3&rp=5xx,ct,rt"))


async def test_a_number_is_released_once_or_twice(acme: Tenant, number: OwnedNumber) -> None:
    await acme.gateway.release_number(number.sid)
    await acme.gateway.release_number(number.sid)
    assert await acme.gateway.list_numbers() == []


async def test_a_stranger_cannot_touch_a_number(globex: Tenant, number: OwnedNumber) -> None:
    with pytest.raises(TwilioRefused) as caught:
        await globex.gateway.fetch_number(number.sid)
    assert caught.value.not_found
    await globex.gateway.release_number(number.sid)


async def test_credentials_of_one_account_do_not_open_another(
    acme: Tenant, globex: Tenant, http: PortalHttpClient
) -> None:
    crossed = LiveTenantGateway(globex.account.sid, acme.account.auth_token, http)
    with pytest.raises(TwilioRefused) as caught:
        await crossed.list_messages()
    assert (caught.value.code, caught.value.status) == (20003, 401)


async def test_a_sent_message_has_no_price_until_it_is_billed(acme: Tenant, number: OwnedNumber) -> None:
    sent = await send(acme, number, "Hello")
    assert (sent.status, sent.price, sent.direction) == ("queued", None, "outbound-api")
    billed = await settled(acme, sent)
    assert (billed.price, billed.currency) == (Decimal("-0.00790"), "USD")
    assert billed.sent_at is not None


@pytest.mark.parametrize(
    ("body", "segments"),
    [("x" * 160, 1), ("x" * 161, 2), ("ü" * 160, 1), ("😀" * 35, 1), ("😀" * 36, 2), ("€" * 81, 2)],
)
async def test_segments_are_counted_as_carriers_do(acme: Tenant, number: OwnedNumber, body: str, segments: int) -> None:
    assert (await send(acme, number, body)).num_segments == segments


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "+1"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"to": ""}, 21604),
        ({"to": "whatsapp:+14155550188"}, 21910),
        ({"from_": ""}, 21603),
        ({"from_": "+14155550000"}, 21606),
        ({"from_": "hello"}, 21212),
        ({"from_": "whatsapp:+14155550000", "to": "whatsapp:+14155550188"}, 63007),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"media_urls": ("not a url",)}, 21620),
        ({"media_urls": ("https://a.example/b",) * 11}, 21623),
        ({"status_callback": "https://under_score.example/x"}, 21609),
    ],
)
async def test_a_message_that_cannot_be_sent_says_why(
    acme: Tenant, number: OwnedNumber, change: dict[str, str], code: int
) -> None:
    fields = {"to": acme.phone, "from_": number.phone_number, "body": "Hello", **change}
    with pytest.raises(TwilioRefused) as caught:
        await acme.gateway.send_message(OutgoingMessage(**fields))  # type: ignore[arg-type]
    assert caught.value.code == code


async def test_nobody_writes_to_themselves(acme: Tenant, number: OwnedNumber) -> None:
    with pytest.raises(TwilioRefused):
        await acme.gateway.send_message(
            OutgoingMessage(to=number.phone_number, from_=number.phone_number, body="Hello")
        )


async def test_messages_are_listed_newest_first_and_by_address(acme: Tenant, number: OwnedNumber) -> None:
    for body in ("one", "two", "three"):
        await send(acme, number, body)
    await acme.gateway.send_message(OutgoingMessage(to="+14155559999", from_=number.phone_number, body="other"))
    found = await acme.gateway.list_messages(to=acme.phone)
    assert [message.body for message in found] == ["three", "two", "one"]


async def test_a_list_is_read_over_all_its_pages(acme: Tenant, number: OwnedNumber, stand_in: StandIn) -> None:
    for at in range(5):
        await send(acme, number, str(at))
    pages = acme.gateway._client.messages.stream(page_size=2)
    assert [message.body for message in pages] == ["4", "3", "2", "1", "0"]


async def test_messages_are_listed_from_a_time_on(acme: Tenant, number: OwnedNumber) -> None:
    await settled(acme, await send(acme, number, "now"))
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert await acme.gateway.list_messages(since=soon) == []
    assert len(await acme.gateway.list_messages(since=soon - timedelta(hours=2), limit=1)) == 1


async def test_a_message_that_still_waits_has_no_time_to_be_listed_by(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await phones.set_speed(0.01)
    sent = await send(acme, number, "soon")
    assert await acme.gateway.list_messages(since=datetime.now(UTC) - timedelta(hours=1)) == []
    assert [one.sid for one in await acme.gateway.list_messages()] == [sent.sid]
    await phones.set_speed(300)


async def test_a_redacted_message_keeps_its_facts(acme: Tenant, number: OwnedNumber) -> None:
    sent = await settled(acme, await send(acme, number, "secret"))
    await acme.gateway.redact_message(sent.sid)
    found = await acme.gateway.fetch_message(sent.sid)
    assert (found.body, found.to) == ("", acme.phone)


async def test_a_message_on_its_way_cannot_be_deleted_yet(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.set_speed(0.1)
    sent = await send(acme, number, "x")
    with pytest.raises(TwilioRefused) as caught:
        await acme.gateway.delete_message(sent.sid)
    await phones.set_speed(300)
    assert (caught.value.code, caught.value.permanent) == (20009, False)


async def test_a_deleted_message_is_gone(acme: Tenant, number: OwnedNumber) -> None:
    sent = await settled(acme, await send(acme, number, "x"))
    await acme.gateway.delete_message(sent.sid)
    await acme.gateway.delete_message(sent.sid)
    assert await acme.gateway.list_messages() == []


async def test_a_sender_goes_online_with_the_code_from_the_phone(acme: Tenant, sender: WhatsAppSender) -> None:
    assert sender.status is SenderStatus.ONLINE
    assert (sender.display_name, sender.urls.callback) == ("Acme Kitchens", acme.url("whatsapp"))
    assert await acme.gateway.list_senders() == [sender]


async def test_a_wrong_code_is_refused_and_can_be_corrected(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    created = await acme.gateway.create_sender(registration(acme, number))
    await in_state(acme, created, SenderStatus.PENDING_VERIFICATION)
    with pytest.raises(TwilioRefused, match="verification code"):
        await acme.gateway.verify_sender(created.sid, "000000x")
    code = (await phones.verification_codes())[number.phone_number]
    assert (await acme.gateway.verify_sender(created.sid, code)).status is SenderStatus.VERIFYING
    await in_state(acme, created, SenderStatus.ONLINE)


async def test_the_code_comes_as_a_text_message_to_a_number_of_the_account(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    created = await acme.gateway.create_sender(registration(acme, number))
    await in_state(acme, created, SenderStatus.PENDING_VERIFICATION)
    code = (await phones.verification_codes())[number.phone_number]
    await until(lambda: bool(acme.portal.at(acme.path("sms"))))
    [got] = acme.portal.at(acme.path("sms"))
    assert got.signed_with(acme.account.auth_token)
    assert (got.parameters["From"], got.parameters["FromCountry"]) == ("WhatsApp", "")
    assert f"{code[:3]}-{code[3:]}" in got.parameters["Body"]


async def test_the_code_comes_again_until_somebody_takes_it(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls())
    created = await acme.gateway.create_sender(registration(acme, number))
    await in_state(acme, created, SenderStatus.PENDING_VERIFICATION)
    acme.portal.answer(acme.path("sms"), *[Response(status_code=503)] * 2, Response(status_code=204))
    await acme.gateway.update_number(number.sid, NumberUrls(sms=acme.url("sms")))
    await until(lambda: len(acme.portal.at(acme.path("sms"))) == 3)
    await asyncio.sleep(0.05)
    assert len(acme.portal.at(acme.path("sms"))) == 3


async def test_a_code_that_was_handed_in_is_not_sent_again(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls())
    created = await acme.gateway.create_sender(registration(acme, number))
    await in_state(acme, created, SenderStatus.PENDING_VERIFICATION)
    await acme.gateway.verify_sender(created.sid, (await phones.verification_codes())[number.phone_number])
    await in_state(acme, created, SenderStatus.ONLINE)
    await acme.gateway.update_number(number.sid, acme.urls)
    await asyncio.sleep(0.05)
    assert acme.portal.at(acme.path("sms")) == []


async def test_a_code_that_is_spoken_sends_no_text(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    spoken = replace(registration(acme, number), verification_method="voice")
    created = await acme.gateway.create_sender(spoken)
    await in_state(acme, created, SenderStatus.PENDING_VERIFICATION)
    assert number.phone_number in await phones.verification_codes()
    assert acme.portal.at(acme.path("sms")) == []


async def test_a_number_is_registered_with_whatsapp_once(globex: Tenant, sender: WhatsAppSender) -> None:
    wanted = SenderRegistration(phone_number=sender.phone_number, display_name="Globex", urls=SenderUrls())
    with pytest.raises(TwilioRefused):
        await globex.gateway.create_sender(wanted)


async def test_a_sender_keeps_the_urls_that_are_not_changed(acme: Tenant, sender: WhatsAppSender) -> None:
    changed = await acme.gateway.update_sender(sender.sid, SenderUrls(fallback=acme.url("fallback")))
    assert changed.urls.callback == acme.url("whatsapp")
    assert changed.urls.fallback == acme.url("fallback")


async def test_a_sender_of_another_account_is_unknown(globex: Tenant, sender: WhatsAppSender) -> None:
    with pytest.raises(TwilioRefused) as caught:
        await globex.gateway.fetch_sender(sender.sid)
    assert caught.value.not_found


@pytest.mark.parametrize("name", ["", "x"])
async def test_a_sender_needs_a_name_and_a_number(acme: Tenant, name: str) -> None:
    wanted = SenderRegistration(phone_number="+1" if name else "+14155550188", display_name=name, urls=SenderUrls())
    with pytest.raises(TwilioRefused, match="WhatsApp did not accept"):
        await acme.gateway.create_sender(wanted)


async def send(tenant: Tenant, number: OwnedNumber, body: str) -> TwilioMessage:
    return await tenant.gateway.send_message(OutgoingMessage(to=tenant.phone, from_=number.phone_number, body=body))


async def settled(tenant: Tenant, message: TwilioMessage) -> TwilioMessage:
    async def billed() -> bool:
        return (await tenant.gateway.fetch_message(message.sid)).price is not None

    await until(billed)
    return await tenant.gateway.fetch_message(message.sid)


def registration(tenant: Tenant, number: OwnedNumber) -> SenderRegistration:
    urls = SenderUrls(callback=tenant.url("whatsapp"))
    return SenderRegistration(phone_number=number.phone_number, display_name="Acme", urls=urls)
