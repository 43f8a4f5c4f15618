"""Calls: the portal's TwiML is obeyed, voices are recorded, callbacks come in any order, and callers hear something."""

import base64
import io
import wave

import pytest
from starlette.responses import Response

from tenant_portal.simulator.handset import Entry, Handset, HandsetError
from tenant_portal.simulator.stand_in.calls import APPLICATION_ERROR, MOST_DOCUMENTS, NOT_CONFIGURED
from tenant_portal.twilio_gateway import twiml
from tenant_portal.twilio_gateway.gateway import NumberUrls, OwnedNumber
from tenant_portal.twilio_gateway.live import LiveParentGateway
from tests.twilio.conftest import Tenant, xml_voicemail
from tests.twilio.servers import until, xml


@pytest.fixture
def voicemail(acme: Tenant) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))


async def call(tenant: Tenant, number: OwnedNumber, phones: Handset, **how: object) -> Entry:
    return await phones.call(tenant.phone, number.phone_number, wait=True, **how)  # type: ignore[arg-type]


def heard(tenant: Tenant) -> list[str]:
    """The callbacks of a call in the order they came."""
    names = (one.path.rpartition("/")[2] for one in tenant.portal.received if tenant.account.sid in one.path)
    return list(names)


def wav(seconds: int) -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(100)
        sound.writeframes(bytes(100 * seconds))
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.usefixtures("voicemail")
async def test_a_voicemail_is_recorded_reported_and_written_down(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    entry = await call(acme, number, phones)
    assert heard(acme)[:2] == ["voice", "action"]
    assert set(heard(acme)[2:]) == {"call", "recording", "transcript"}
    assert entry.text.splitlines() == [twiml.GREETING, "(beep)", twiml.GOODBYE]
    assert entry.status == "completed"


@pytest.mark.usefixtures("voicemail")
async def test_every_request_of_a_call_is_signed_and_names_it(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    entry = await call(acme, number, phones)
    requests = [one for one in acme.portal.received if acme.account.sid in one.path]
    assert all(one.signed_with(acme.account.auth_token) for one in requests)
    assert {one.parameters["CallSid"] for one in requests} == {entry.sid}


@pytest.mark.usefixtures("voicemail")
async def test_the_first_request_tells_who_calls(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await call(acme, number, phones, caller_name="MARIA")
    got = acme.portal.at(acme.path("voice"))[0].parameters
    assert (got["From"], got["Caller"], got["To"], got["Called"]) == (*[acme.phone] * 2, *[number.phone_number] * 2)
    assert (got["CallStatus"], got["Direction"], got["CallerName"]) == ("ringing", "inbound", "MARIA")
    assert got["FromCountry"] == got["CallerCountry"] == "US"


@pytest.mark.usefixtures("voicemail")
async def test_a_recording_and_its_transcript_belong_together(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await call(acme, number, phones, speech={"words": "Call me back"})
    file, text = (acme.portal.at(acme.path(name))[0].parameters for name in ("recording", "transcript"))
    assert file["RecordingSid"] == text["RecordingSid"]
    assert (file["RecordingStatus"], file["RecordingSource"], file["RecordingDuration"]) == (
        "completed",
        "RecordVerb",
        "9",
    )
    assert (text["TranscriptionText"], text["TranscriptionStatus"]) == ("Call me back", "completed")
    assert "From" not in file
    assert (await acme.gateway.fetch_recording(file["RecordingSid"])).duration == 9


@pytest.mark.usefixtures("voicemail")
@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ({"transcription_first": True}, ["transcript", "recording"]),
        ({"recording_copies": 2}, ["recording", "recording", "transcript"]),
        ({"recording_copies": 0, "transcription_copies": 2}, ["transcript", "transcript"]),
        ({"recording_copies": 0, "transcription_copies": 0}, []),
        ({"wav_base64": wav(1), "words": "Hi"}, ["recording"]),
    ],
)
async def test_callbacks_come_in_any_order_twice_or_never(
    acme: Tenant, number: OwnedNumber, phones: Handset, speech: dict[str, object], expected: list[str]
) -> None:
    await call(acme, number, phones, speech=speech)
    assert [name for name in heard(acme) if name in {"recording", "transcript"}] == expected


@pytest.mark.usefixtures("voicemail")
async def test_who_hangs_up_during_the_greeting_leaves_no_recording(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await call(acme, number, phones, hangs_up="greeting")
    assert heard(acme) == ["voice", "call"]


@pytest.mark.usefixtures("voicemail")
async def test_who_stays_on_the_line_is_still_there_for_the_action(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await call(acme, number, phones, hangs_up="never")
    got = acme.portal.at(acme.path("action"))[0].parameters
    assert (got["CallStatus"], got["Digits"], got["RecordingDuration"]) == ("in-progress", "", "9")


@pytest.mark.usefixtures("voicemail")
async def test_who_hangs_up_after_the_message_is_told_as_such(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await call(acme, number, phones)
    got = acme.portal.at(acme.path("action"))[0].parameters
    assert (got["CallStatus"], got["Digits"]) == ("completed", "hangup")


@pytest.mark.usefixtures("voicemail")
async def test_a_silent_caller_leaves_an_absent_recording(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    entry = await call(acme, number, phones, silent=True)
    assert "action" not in heard(acme)
    assert acme.portal.at(acme.path("recording"))[0].parameters["RecordingStatus"] == "absent"
    assert entry.text.endswith(twiml.NOTHING_RECORDED)


@pytest.mark.usefixtures("voicemail")
async def test_the_end_of_a_call_is_reported(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await call(acme, number, phones)
    got = acme.portal.at(acme.path("call"))[0].parameters
    assert (got["CallStatus"], got["CallbackSource"]) == ("completed", "call-progress-events")
    assert {"CallDuration", "Duration", "Timestamp", "SequenceNumber"} <= set(got)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (Response(status_code=500), "11200"),
        (Response("not xml", media_type="text/xml"), "12100"),
        (Response("<Nothing/>", media_type="text/xml"), "12100"),
        (Response(twiml.goodbye(), media_type="text/plain"), "12300"),
        (Response(twiml.goodbye("x" * 70_000), media_type="text/xml"), "11750"),
    ],
)
async def test_a_broken_document_leads_to_the_fallback(
    acme: Tenant, number: OwnedNumber, phones: Handset, broken: Response, code: str
) -> None:
    acme.portal.answer(acme.path("voice"), broken)
    acme.portal.answer(acme.path("voice-fallback"), Response(twiml.apology(), media_type="text/xml"))
    entry = await call(acme, number, phones)
    assert entry.text == twiml.APOLOGY
    assert acme.portal.at(acme.path("voice-fallback"))[0].parameters["ErrorCode"] == code


@pytest.mark.parametrize("answer", [Response(status_code=500), Response("", media_type="text/xml")])
async def test_a_caller_hears_an_error_when_everything_is_broken(
    acme: Tenant, number: OwnedNumber, phones: Handset, answer: Response
) -> None:
    for name in ("voice", "voice-fallback"):
        acme.portal.answer(acme.path(name), answer)
    assert (await call(acme, number, phones)).text == APPLICATION_ERROR


async def test_without_a_fallback_the_caller_hears_an_error(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls(voice=acme.url("voice")))
    acme.portal.answer(acme.path("voice"), Response("oops", media_type="text/xml"))
    assert (await call(acme, number, phones)).text == APPLICATION_ERROR


async def test_a_number_without_a_voice_url_is_not_in_service(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await acme.gateway.update_number(number.sid, NumberUrls())
    assert (await call(acme, number, phones)).text == NOT_CONFIGURED


async def test_a_recording_without_an_action_goes_round_in_circles_but_not_for_ever(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    acme.portal.answer(acme.path("voice"), xml('<Record maxLength="2"/>'))
    await call(acme, number, phones, hangs_up="never")
    assert len(acme.portal.at(acme.path("voice"))) == MOST_DOCUMENTS + 1


async def test_an_unanswered_dial_goes_on_to_its_action(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    acme.portal.answer(acme.path("voice"), xml('<Dial timeout="20" action="dialled">+14155550123</Dial>'))
    acme.portal.answer(acme.path("dialled"), xml("<Say>Nobody home</Say>"))
    assert (await call(acme, number, phones)).text.splitlines() == ["(ringing)", "Nobody home"]
    assert acme.portal.at(acme.path("dialled"))[0].parameters["DialCallStatus"] == "no-answer"


async def test_other_verbs_are_obeyed_and_unknown_ones_skipped(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    verbs = '<Dial>+1</Dial><Pause length="1"/><Dance/><Play>a.mp3</Play><Redirect>next</Redirect><Say>never</Say>'
    acme.portal.answer(acme.path("voice"), xml(verbs))
    acme.portal.answer(acme.path("next"), xml("<Say>Hello</Say><Hangup/><Say>never</Say>"))
    assert (await call(acme, number, phones)).text.splitlines() == ["(ringing)", "(a.mp3)", "Hello"]


async def test_a_rejected_call_is_busy(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    acme.portal.answer(acme.path("voice"), xml("<Reject/>"))
    assert (await call(acme, number, phones)).status == "busy"


@pytest.mark.usefixtures("voicemail")
async def test_a_call_goes_on_while_the_tester_does_something_else(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    begun = await phones.call(acme.phone, number.phone_number)
    assert begun.status == "ringing"
    await until(lambda: bool(acme.portal.at(acme.path("transcript"))))
    assert (await phones.fetch_call(begun.sid)).status == "completed"
    assert [entry.kind for entry in await phones.conversation(acme.phone)] == ["call"]


@pytest.mark.usefixtures("voicemail")
async def test_a_longer_message_is_cut(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await call(acme, number, phones, speech={"wav_base64": wav(130), "words": "very long"})
    assert acme.portal.at(acme.path("recording"))[0].parameters["RecordingDuration"] == "120"
    assert "transcript" not in heard(acme)


async def test_nobody_can_call_a_suspended_account(
    acme: Tenant, number: OwnedNumber, parent: LiveParentGateway, phones: Handset
) -> None:
    await parent.suspend_subaccount(acme.account.sid)
    with pytest.raises(HandsetError, match="nobody answers"):
        await call(acme, number, phones)


async def test_a_sound_that_does_not_ship_is_refused(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    with pytest.raises(HandsetError, match="there is no such sound"):
        await call(acme, number, phones, speech={"sound": "../../etc/passwd"})
