"""What the simulated Twilio sends, held against Twilio's own validator and its documented parameters."""

import pytest
from twilio.request_validator import RequestValidator

from tenant_portal.simulator.handset import Handset, Place
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, OwnedNumber, WhatsAppSender
from tests.twilio.conftest import Tenant, xml_voicemail
from tests.twilio.servers import Received, until


def listed(names: str) -> frozenset[str]:
    return frozenset(names.split())


def places(*sides: str) -> frozenset[str]:
    return frozenset(side + part for side in sides for part in ("City", "State", "Zip", "Country"))


MESSAGE = listed("MessageSid SmsSid SmsMessageSid AccountSid From To Body NumMedia NumSegments SmsStatus ApiVersion")
TEXT_MESSAGE = MESSAGE | places("From", "To")
WHATSAPP = MESSAGE | listed("ProfileName WaId MessageType")
STATUS = listed("MessageSid SmsSid AccountSid From To ApiVersion MessageStatus SmsStatus")
CHANNEL = listed("ChannelPrefix ChannelInstallSid ChannelToAddress")
VOICE = places("From", "To", "Caller", "Called") | listed(
    "CallSid AccountSid From To Caller Called CallStatus ApiVersion Direction StirVerstat"
)
ACTION = VOICE | listed("RecordingUrl RecordingSid RecordingDuration Digits")
RECORDING = listed(
    "AccountSid CallSid RecordingSid RecordingUrl RecordingStatus RecordingDuration RecordingChannels RecordingSource "
    "RecordingStartTime RecordingTrack"
)
TRANSCRIPT = VOICE | listed(
    "TranscriptionSid TranscriptionText TranscriptionStatus TranscriptionType TranscriptionUrl "
    "RecordingSid RecordingUrl"
)
CALL_END = VOICE | listed("CallDuration Duration Timestamp SequenceNumber CallbackSource SipResponseCode")


def names(received: Received) -> set[str]:
    return {name for name, _ in received.pairs}


def last(tenant: Tenant, name: str) -> Received:
    return tenant.portal.at(tenant.path(name))[-1]


def all_of(tenant: Tenant) -> list[Received]:
    return [one for one in tenant.portal.received if tenant.account.sid in one.path]


def officially_valid(tenant: Tenant, received: Received) -> bool:
    validator = RequestValidator(tenant.account.auth_token)
    return bool(validator.validate(received.url, received.parameters, received.headers["x-twilio-signature"]))


async def test_a_text_message_has_exactly_the_documented_parameters(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await phones.write(acme.phone, number.phone_number, "Hello")
    assert names(last(acme, "sms")) == TEXT_MESSAGE
    await phones.write(acme.phone, number.phone_number, pictures=2)
    media = {f"Media{part}{at}" for part in ("Url", "ContentType") for at in range(2)}
    assert names(last(acme, "sms")) == TEXT_MESSAGE | media


@pytest.mark.parametrize(
    ("how", "extra"),
    [
        ({"body": "Hi"}, set()),
        ({"place": Place(1.5, 2.5)}, {"Latitude", "Longitude"}),
        ({"place": Place(1.5, 2.5, "Street 1", "Shop")}, {"Latitude", "Longitude", "Address", "Label"}),
        ({"button": ("Yes", "y")}, {"ButtonText", "ButtonPayload", "ButtonType"}),
        ({"replies_to": "SM1"}, {"OriginalRepliedMessageSid", "OriginalRepliedMessageSender"}),
        ({"pictures": 1}, {"MediaUrl0", "MediaContentType0"}),
    ],
)
async def test_a_whatsapp_message_has_exactly_the_documented_parameters(
    acme: Tenant, sender: WhatsAppSender, phones: Handset, how: dict[str, object], extra: set[str]
) -> None:
    await phones.write(acme.phone, sender.phone_number, whatsapp=True, **how)  # type: ignore[arg-type]
    assert names(last(acme, "whatsapp")) == WHATSAPP | extra


async def test_statuses_of_a_text_message_have_the_documented_parameters(acme: Tenant, number: OwnedNumber) -> None:
    for to, extra in ((acme.phone, set()), ("+15005553007", {"ErrorCode", "ErrorMessage"})):
        name = f"status{len(extra)}"
        await acme.gateway.send_message(
            OutgoingMessage(to=to, from_=number.phone_number, body="x", status_callback=acme.url(name))
        )
        await until(lambda name=name: len(acme.portal.at(acme.path(name))) == 2)
        sent, done = acme.portal.at(acme.path(name))
        assert names(sent) == STATUS
        assert names(done) == STATUS | extra | {"RawDlrDoneDate"}


async def test_statuses_of_a_whatsapp_message_have_the_documented_parameters(
    acme: Tenant, sender: WhatsAppSender, phones: Handset
) -> None:
    await phones.write(acme.phone, sender.phone_number, "Hi", whatsapp=True)
    answer = OutgoingMessage(to=f"whatsapp:{acme.phone}", from_=f"whatsapp:{sender.phone_number}", body="x")
    await acme.gateway.send_message(answer)
    await until(lambda: len(acme.portal.at(acme.path("whatsapp-status"))) == 3)
    sent, delivered, read = acme.portal.at(acme.path("whatsapp-status"))
    assert names(sent) == STATUS | CHANNEL
    assert names(delivered) == names(read) == STATUS | CHANNEL | {"EventType"}


async def test_requests_of_a_call_have_the_documented_parameters(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    await phones.call(acme.phone, number.phone_number, wait=True)
    expected = {"voice": VOICE, "action": ACTION, "recording": RECORDING, "transcript": TRANSCRIPT, "call": CALL_END}
    assert {name: names(last(acme, name)) for name in expected} == expected


async def test_the_official_validator_accepts_every_webhook(
    acme: Tenant, globex: Tenant, number: OwnedNumber, sender: WhatsAppSender, phones: Handset
) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    await phones.call(acme.phone, number.phone_number, wait=True)
    await phones.write(acme.phone, number.phone_number, " Grüße\r\n👋 & =+%", pictures=3)
    await phones.write(acme.phone, sender.phone_number, "Hi", whatsapp=True, profile_name="😀", place=Place(1, 2))
    message = OutgoingMessage(to=acme.phone, from_=number.phone_number, body="x", status_callback=acme.url("status"))
    await acme.gateway.send_message(message)
    await until(lambda: len(acme.portal.at(acme.path("status"))) == 2)
    assert len(all_of(acme)) >= 9
    assert all(officially_valid(acme, one) for one in all_of(acme))
    assert not any(one.signed_with(globex.account.auth_token) for one in all_of(acme))


async def test_every_webhook_names_the_account_it_is_for(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    await phones.call(acme.phone, number.phone_number, wait=True)
    await phones.write(acme.phone, number.phone_number, "x")
    assert {one.parameters["AccountSid"] for one in all_of(acme)} == {acme.account.sid}


async def test_each_event_has_a_token_of_its_own(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    for _ in range(3):
        await phones.write(acme.phone, number.phone_number, "x")
    tokens = {one.headers["i-twilio-idempotency-token"] for one in all_of(acme)}
    assert len(tokens) == 3
