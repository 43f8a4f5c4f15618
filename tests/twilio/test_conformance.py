"""Every method of both gateways is used once, so that every request the portal can make meets the OpenAPI judge."""

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.content import Content, ContentButton, ContentKind
from tenant_portal.twilio_gateway.gateway import (
    Capabilities,
    NumberPurchase,
    NumberSearch,
    NumberType,
    OutgoingMessage,
    OwnedNumber,
    ParentGateway,
    SenderRegistration,
    SenderUrls,
    TenantGateway,
    WhatsAppSender,
)
from tenant_portal.twilio_gateway.live import LiveParentGateway
from tests.twilio.conftest import StandIn, Tenant, xml_voicemail
from tests.twilio.openapi import FOLDER, documented, strict
from tests.twilio.servers import Exchange, until


class Noted:
    """A gateway that writes down which of its methods were called."""

    def __init__(self, gateway: object) -> None:
        self._gateway = gateway
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        return getattr(self._gateway, name)


def methods_of(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.iscoroutinefunction)}


async def test_every_parent_method_makes_documented_requests(parent: LiveParentGateway, stand_in: StandIn) -> None:
    noted = Noted(parent)
    account = await noted.ensure_subaccount("Conformance")
    assert (await noted.find_subaccount("Conformance")).sid == account.sid
    await noted.fetch_subaccount(account.sid)
    await noted.suspend_subaccount(account.sid)
    await noted.resume_subaccount(account.sid)
    await noted.close_subaccount(account.sid)
    assert noted.called == methods_of(ParentGateway)


async def test_every_tenant_method_makes_documented_requests(
    acme: Tenant, number: OwnedNumber, sender: WhatsAppSender, phones: Handset
) -> None:
    noted = Noted(acme.gateway)
    await use_numbers(noted, number, acme)
    await use_messages(noted, number, acme, phones)
    await use_templates(noted)
    await use_senders(noted, sender, acme)
    await use_recordings(noted, number, acme, phones)
    await noted.fetch_account()
    await noted.create_secondary_token()
    await noted.promote_secondary_token()
    assert noted.called == methods_of(TenantGateway)


async def use_numbers(noted: Any, number: OwnedNumber, acme: Tenant) -> None:
    needs = Capabilities(sms=True, mms=True, voice=True)
    await noted.search_numbers(NumberSearch(country="US", area_code=512, contains="55*", needs=needs))
    await noted.search_numbers(NumberSearch(country="GB", number_type=NumberType.MOBILE))
    await noted.search_numbers(NumberSearch(country="US", number_type=NumberType.TOLL_FREE))
    await noted.number_prices("US")
    [spare] = await noted.search_numbers(NumberSearch(country="CA", limit=1))
    bought = await noted.buy_number(
        NumberPurchase(
            phone_number=spare.phone_number,
            urls=acme.urls,
            friendly_name="Spare",
            address_sid="AD" + "a" * 32,
            bundle_sid="BU" + "b" * 32,
        )
    )
    assert len(await noted.list_numbers()) == 2
    assert await noted.find_number(bought.phone_number) == bought
    assert await noted.fetch_number(bought.sid) == bought
    await noted.update_number(number.sid, acme.urls)
    await noted.release_number(bought.sid)


async def use_messages(noted: Any, number: OwnedNumber, acme: Tenant, phones: Handset) -> None:
    receipt = await phones.write(acme.phone, number.phone_number, "Look", pictures=2)
    media = await noted.list_media(receipt.message_sid)
    await noted.download(media[0].url, max_bytes=1_000_000)
    await noted.delete_media(receipt.message_sid, media[0].sid)
    sent = await noted.send_message(
        OutgoingMessage(
            to=acme.phone,
            from_=number.phone_number,
            body="Nice",
            media_urls=(acme.url("a.jpg"), acme.url("b.jpg")),
            status_callback=acme.url("status"),
        )
    )

    async def delivered() -> bool:
        return (await noted.fetch_message(sent.sid)).status == "delivered"

    await until(delivered)
    since = datetime.now(UTC) - timedelta(days=1)
    assert await noted.list_messages(to=acme.phone, from_=number.phone_number, since=since, limit=5)
    await noted.redact_message(sent.sid)
    await noted.delete_message(sent.sid)


async def use_templates(noted: Any) -> None:
    answers = tuple(ContentButton("reply", word, word.lower()) for word in ("Yes", "No"))
    links = (ContentButton("url", "See it", "https://acme.example/"), ContentButton("phone", "Call", "+14155550100"))
    kinds = {
        ContentKind.TEXT: {},
        ContentKind.MEDIA: {"media_url": "https://acme.example/a.jpg"},
        ContentKind.QUICK_REPLY: {"buttons": answers},
        ContentKind.CALL_TO_ACTION: {"buttons": links},
    }
    made = {
        await noted.create_template(content): content
        for content in (
            Content(name=kind.name.lower(), language="en", kind=kind, body="Hi {{1}}, bye.", samples={"1": "Ada"}, **of)
            for kind, of in kinds.items()
        )
    }
    await noted.submit_template(next(iter(made)), "text", "UTILITY")
    assert {one.sid: one.content for one in await noted.list_templates()} == made
    for sid in made:
        await noted.delete_template(sid)
    assert await noted.list_templates() == []


async def use_senders(noted: Any, sender: WhatsAppSender, acme: Tenant) -> None:
    assert await noted.list_senders() == [sender]
    await noted.fetch_sender(sender.sid)
    await noted.update_sender(sender.sid, SenderUrls(callback=acme.url("new"), fallback=acme.url("fallback")))
    await noted.delete_sender(sender.sid)
    again = SenderRegistration(
        phone_number=sender.phone_number,
        display_name="Acme",
        urls=SenderUrls(callback=acme.url("a"), fallback=acme.url("b"), status_callback=acme.url("c")),
        waba_id="12345",
        verification_method="voice",
        about="Kitchens",
    )
    created = await noted.create_sender(again)
    with pytest.raises(Exception, match="WhatsApp did not accept"):
        await noted.verify_sender(created.sid, "no code")


async def use_recordings(noted: Any, number: OwnedNumber, acme: Tenant, phones: Handset) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    call = await phones.call(acme.phone, number.phone_number, wait=True)
    [finished] = acme.portal.at(acme.path("recording"))
    recording = await noted.fetch_recording(finished.parameters["RecordingSid"])
    [transcription] = await noted.list_transcriptions(recording.sid)
    assert await noted.fetch_transcription(transcription.sid) == transcription
    await noted.delete_transcription(transcription.sid)
    await noted.delete_recording(recording.sid)
    await noted.delete_call(call.sid)


@pytest.mark.skipif(not FOLDER.exists(), reason="Twilio's OpenAPI files are not beside the repository")
@pytest.mark.parametrize(
    ("method", "path", "query", "body", "answer"),
    [
        ("GET", "/2010-04-01/Nothing.json", [], b"", b"{}"),
        ("GET", "/2010-04-01/Accounts.json", [("Colour", "red")], b"", b'{"accounts": []}'),
        ("GET", "/2010-04-01/Accounts.json", [("PageSize", "many")], b"", b'{"accounts": []}'),
        ("GET", "/2010-04-01/Accounts.json", [("Status", "asleep")], b"", b'{"accounts": []}'),
        ("GET", "/2010-04-01/Accounts.json", [], b"", b'{"accounts": [{"sid": "nonsense"}]}'),
        ("GET", "/2010-04-01/Accounts.json", [], b"", b'{"accounts": [{"colour": "red"}]}'),
        ("POST", "/2010-04-01/Accounts.json", [], b"Name=x", b"{}"),
        ("GET", "/v2/Channels/Senders", [], b"", b'{"senders": []}'),
        ("POST", "/v2/Channels/Senders", [], b"{}", b"{}"),
    ],
)
def test_the_judge_finds_a_wrong_request(
    method: str, path: str, query: list[tuple[str, str]], body: bytes, answer: bytes
) -> None:
    headers = {"content-type": "application/json"}
    assert documented(Exchange(method, path, query, headers, body, 200, answer)) != []


def test_the_judge_reads_nullable_as_json_schema_does() -> None:
    assert strict({"type": "string", "nullable": True}) == {"anyOf": [{"type": "string"}, {"type": "null"}]}
