"""The documents that callers hear, read back as XML."""

from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.twilio_gateway import twiml

ACTION, RECORDING, TRANSCRIPT = (f"https://portal.example.com/v/1/{name}?account=AC1" for name in ("a", "r", "t"))


def greeting(**changes: object) -> list[Element]:
    urls = {"action_url": ACTION, "recording_url": RECORDING, "transcription_url": TRANSCRIPT}
    return verbs(twiml.voicemail_greeting(**{**urls, **changes}))  # type: ignore[arg-type]


def verbs(document: str) -> list[Element]:
    assert document.startswith("<?xml")
    root = ET.fromstring(document)  # noqa: S314  # our own document
    assert root.tag == "Response"
    return list(root)


def test_a_greeting_speaks_records_and_says_goodbye() -> None:
    assert [verb.tag for verb in greeting()] == ["Say", "Record", "Say", "Hangup"]


def test_a_recording_always_knows_where_to_go_on() -> None:
    record = greeting()[1]
    assert record.get("action") == ACTION
    assert record.get("recordingStatusCallback") == RECORDING
    assert record.get("transcribeCallback") == TRANSCRIPT
    assert record.get("playBeep") == "true"
    assert record.get("recordingStatusCallbackEvent") == "completed absent"


def test_without_a_transcript_url_none_is_paid_for() -> None:
    record = greeting(transcription_url=None)[1]
    assert record.get("transcribe") == "false"
    assert record.get("transcribeCallback") is None


@pytest.mark.parametrize(
    ("transcript", "seconds", "limit"), [(TRANSCRIPT, 600, "120"), (None, 600, "600"), (TRANSCRIPT, 30, "30")]
)
def test_a_recording_ends_while_it_can_still_be_transcribed(transcript: str | None, seconds: int, limit: str) -> None:
    assert greeting(transcription_url=transcript, max_seconds=seconds)[1].get("maxLength") == limit


def test_a_greeting_can_be_a_sound() -> None:
    play = greeting(greeting_audio_url="https://portal.example.com/hello.mp3")[0]
    assert (play.tag, play.text) == ("Play", "https://portal.example.com/hello.mp3")


def test_a_greeting_is_spoken_in_its_language() -> None:
    assert {verb.get("language") for verb in greeting(greeting="Guten Tag", language="de-DE") if verb.tag == "Say"} == {
        "de-DE"
    }


@given(st.text(max_size=200))
def test_any_greeting_gives_a_document_that_can_be_read(text: str) -> None:
    document = twiml.voicemail_greeting(
        action_url=ACTION, recording_url=RECORDING, transcription_url=None, greeting=text
    )
    document.encode()
    assert verbs(document)[1].tag == "Record"


def test_markup_in_a_greeting_is_spoken_not_obeyed() -> None:
    assert [verb.tag for verb in greeting(greeting="</Say><Dial>+1900</Dial>")] == ["Say", "Record", "Say", "Hangup"]


@pytest.mark.parametrize("document", [twiml.goodbye(), twiml.apology()])
def test_a_farewell_speaks_and_hangs_up(document: str) -> None:
    assert [verb.tag for verb in verbs(document)] == ["Say", "Hangup"]


def test_an_empty_answer_sends_nothing() -> None:
    assert verbs(twiml.empty_response()) == []


def test_a_hang_up_is_silent() -> None:
    assert [verb.tag for verb in verbs(twiml.hangup())] == ["Hangup"]
