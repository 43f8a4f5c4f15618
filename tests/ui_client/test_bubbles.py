"""What a bubble shows of a message, a file, a call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tenant_portal.inbox.queries import MediaRow, MessageRow, VoicemailRow
from tenant_portal.models.enums import (
    ChannelKind,
    Direction,
    MediaState,
    MessageStatus,
    RecordingState,
    TranscriptState,
)
from tenant_portal.ui.pages.inbox.bubbles import MessageItem, duration_text, message_items, size_text

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def message(**changes: Any) -> MessageRow:
    row = MessageRow(
        id=uuid4(),
        channel_kind=ChannelKind.SMS,
        direction=Direction.IN,
        status=MessageStatus.RECEIVED,
        body="Hello",
        details={},
        error_code=None,
        error_text=None,
        author_name="",
        created_at=NOON,
    )
    return replace(row, **changes)


def file(state: MediaState = MediaState.STORED, content_type: str = "image/png", **changes: Any) -> MediaRow:
    return replace(MediaRow(uuid4(), uuid4(), "image/png", content_type, state, 34_567, None), **changes)


def recording(state: RecordingState = RecordingState.COMPLETED, **changes: Any) -> VoicemailRow:
    row = VoicemailRow(uuid4(), uuid4(), state, 65, None, TranscriptState.NONE, None)
    return replace(row, **changes)


def shown(row: MessageRow) -> MessageItem:
    return message_items([row])[0]


def answer(status: MessageStatus, **changes: Any) -> MessageItem:
    return shown(message(direction=Direction.OUT, status=status, author_name="Bob Baker", **changes))


def test_messages_of_one_sender_share_head_and_foot() -> None:
    rows = [message(created_at=NOON + timedelta(seconds=n)) for n in range(3)]
    assert [(item.has_head, item.has_foot) for item in message_items(rows)] == [
        (True, False),
        (False, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": NOON + timedelta(minutes=6)},
        {"channel_kind": ChannelKind.WHATSAPP},
        {"direction": Direction.OUT, "author_name": "Bob Baker"},
    ],
)
def test_another_sender_channel_or_time_starts_a_new_group(changes: dict[str, Any]) -> None:
    assert message_items([message(), message(**changes)])[1].has_head


def test_each_message_knows_when_the_one_before_was() -> None:
    later = message(created_at=NOON + timedelta(days=1))
    assert [item.previous_at for item in message_items([message(), later])] == ["", NOON.isoformat()]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (MessageStatus.QUEUED, "Sending…"),
        (MessageStatus.SENDING, "Sending…"),
        (MessageStatus.UNKNOWN, "Checking with Twilio…"),
        (MessageStatus.ACCEPTED, "Queued"),
        (MessageStatus.SENT, "Sent"),
        (MessageStatus.DELIVERED, "Delivered"),
        (MessageStatus.READ, "Read"),
    ],
)
def test_an_answer_tells_how_far_it_has_come(status: MessageStatus, word: str) -> None:
    item = answer(status)
    assert (item.status_name, item.error, item.can_retry) == (word, "", False)


@pytest.mark.parametrize("status", [MessageStatus.FAILED, MessageStatus.UNDELIVERED, MessageStatus.CANCELED])
def test_a_failed_answer_tells_why_and_can_be_repeated_once(status: MessageStatus) -> None:
    item = answer(status, error_text="The recipient's phone is switched off.")
    assert (item.error, item.can_retry, item.has_foot) == ("The recipient's phone is switched off.", True, True)
    again = answer(status, details={"retried_as": "x"})
    assert (again.can_retry, again.was_retried, again.error) == (False, True, "Twilio gave no reason.")


def test_a_received_message_has_no_delivery_state() -> None:
    assert shown(message()).status_name == ""


def test_a_location_is_a_link_and_no_picture_of_a_map() -> None:
    place = {"latitude": 52.52, "longitude": 13.405, "label": "Alexanderplatz"}
    item = shown(message(body="", details={"location": place}))
    assert item.place_name == "Alexanderplatz"
    assert item.place_url.startswith("https://www.openstreetmap.org/?mlat=52.52&mlon=13.405")


@pytest.mark.parametrize("place", [{"latitude": "javascript:alert(1)", "longitude": 1.0}, {"label": "Home"}])
def test_a_location_without_two_numbers_is_no_link(place: dict[str, Any]) -> None:
    assert shown(message(details={"location": place})).place_url == ""


def test_a_tapped_button_and_an_advertisement_are_told() -> None:
    item = shown(message(details={"button": {"text": "Yes"}, "referral": {"headline": "Spring sale"}}))
    assert (item.button, item.origin) == ("Tapped a button", "Spring sale")


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/png", "image"),
        ("audio/mpeg", "audio"),
        ("video/mp4", "video"),
        ("application/pdf", "file"),
        ("image/heic", "file"),
        ("text/vcard", "file"),
        ("text/html", "file"),
    ],
)
def test_a_file_is_shown_by_what_a_browser_can_do_with_it(content_type: str, kind: str) -> None:
    one = file(content_type=content_type)
    (item,) = shown(message(media=(one,))).files
    assert (item.kind, item.url) == (kind, f"/media/{one.id}")


@pytest.mark.parametrize("state", [MediaState.WAITING, MediaState.FAILED, MediaState.REFUSED])
def test_a_file_that_is_not_here_says_so_and_has_no_address(state: MediaState) -> None:
    (item,) = shown(message(media=(file(state, last_error="Too large."),))).files
    assert (item.kind, item.url, item.label, item.note) == (state.value, "", "Picture", "Too large.")


def call(*recordings: VoicemailRow, media: tuple[MediaRow, ...] = ()) -> MessageItem:
    return shown(message(channel_kind=ChannelKind.VOICEMAIL, voicemails=recordings, media=media))


def test_a_voicemail_can_be_played_and_read() -> None:
    sound = file(content_type="audio/mpeg")
    item = call(recording(media_id=sound.id, transcript="Call me back"), media=(sound,))
    (voicemail,) = item.voicemails
    assert (voicemail.url, voicemail.duration, voicemail.transcript) == (f"/media/{sound.id}", "1:05", "Call me back")
    assert item.files == []


@pytest.mark.parametrize(
    ("one", "note"),
    [
        (recording(RecordingState.EXPECTED), "The recording is on its way."),
        (recording(RecordingState.ABSENT), "The caller left no message."),
        (recording(RecordingState.FAILED), "The recording failed at Twilio."),
    ],
)
def test_a_recording_that_is_not_here_is_told_truthfully(one: VoicemailRow, note: str) -> None:
    (voicemail,) = call(one).voicemails
    assert (voicemail.url, voicemail.note) == ("", note)


@pytest.mark.parametrize(
    ("state", "note"),
    [
        (TranscriptState.NONE, ""),
        (TranscriptState.EXPECTED, "The transcript is on its way."),
        (TranscriptState.FAILED, "The recording could not be transcribed."),
    ],
)
def test_a_transcript_that_is_not_here_is_told_too(state: TranscriptState, note: str) -> None:
    (voicemail,) = call(recording(transcript_state=state)).voicemails
    assert voicemail.transcript_note == note


def test_a_recording_that_could_not_be_fetched_says_why() -> None:
    lost = file(MediaState.FAILED, "", last_error="Twilio did not answer.")
    (voicemail,) = call(recording(media_id=lost.id), media=(lost,)).voicemails
    assert voicemail.note == "The recording could not be fetched. Twilio did not answer."


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (0, "0:00"), (9, "0:09"), (65, "1:05"), (3600, "60:00")])
def test_a_duration_is_minutes_and_seconds(seconds: int | None, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(10, "1 kB"), (34_567, "34 kB"), (1_200_000, "1.2 MB")])
def test_a_size_is_rounded(size: int, text: str) -> None:
    assert size_text(size) == text
