"""Decisions about recordings and transcripts."""

from datetime import UTC, datetime, timedelta

import pytest

from tenant_portal.models.enums import RecordingState, TranscriptState
from tenant_portal.voicemail import rules

BASE = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE" + "a" * 32
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("url", [BASE, f"{BASE}.mp3", f"{BASE}.wav", f"{BASE}?x=1", f"{BASE}/Media"])
def test_the_sid_is_found_in_the_url(url: str) -> None:
    assert rules.recording_sid(url) == "RE" + "a" * 32


@pytest.mark.parametrize("url", ["", "https://x/", f"{BASE}f", "/Recordings/RE1"])
def test_a_url_without_a_sid_has_none(url: str) -> None:
    assert rules.recording_sid(url) == ""


@pytest.mark.parametrize(("url", "expected"), [(BASE, f"{BASE}.mp3"), (f"{BASE}.wav", f"{BASE}.wav"), ("", "")])
def test_a_recording_is_fetched_as_mp3(url: str, expected: str) -> None:
    assert rules.sound_url(url) == expected


@pytest.mark.parametrize("word", ["in-progress", "processing", "paused", "something-new", ""])
def test_a_word_that_is_no_end_leaves_the_recording_expected(word: str) -> None:
    assert rules.recording_state(word) is RecordingState.EXPECTED


def test_a_transcript_is_not_expected_for_ever() -> None:
    expected = TranscriptState.EXPECTED
    assert rules.transcript_state(expected, NOW - timedelta(minutes=59), NOW) is expected
    assert rules.transcript_state(expected, NOW - timedelta(minutes=61), NOW) is TranscriptState.NONE
    assert rules.transcript_state(TranscriptState.COMPLETED, NOW - timedelta(days=9), NOW) is TranscriptState.COMPLETED
