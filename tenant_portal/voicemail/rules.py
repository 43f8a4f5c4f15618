"""Decisions about recordings and transcripts."""

import re
from datetime import datetime, timedelta

from tenant_portal.models.enums import RecordingState, TranscriptState

_OUR_STATES = {
    "in-progress": RecordingState.EXPECTED,
    "paused": RecordingState.EXPECTED,
    "processing": RecordingState.EXPECTED,
    "completed": RecordingState.COMPLETED,
    "absent": RecordingState.ABSENT,
    "failed": RecordingState.FAILED,
}
_RECORDING_SID = re.compile(r"/Recordings/(RE[0-9a-f]{32})(?:[./?]|\Z)")
MP3 = ".mp3"
# Twilio promises a transcript for no particular time, and sometimes sends none.
TRANSCRIPT_PATIENCE = timedelta(hours=1)


def recording_state(word: str) -> RecordingState:
    """Our state for Twilio's word; one we do not know says no more than that there may be a recording."""
    return _OUR_STATES.get(word, RecordingState.EXPECTED)


def recording_sid(url: str) -> str:
    """The `RE…` in a recording's URL, "" if there is none."""
    found = _RECORDING_SID.search(url)
    return found[1] if found else ""


def sound_url(url: str) -> str:
    """Where the recording can be fetched as MP3, which every browser plays and is a tenth of the WAV."""
    return url if not url or url.endswith((MP3, ".wav")) else url + MP3


def transcript_state(state: TranscriptState, made_at: datetime, now: datetime) -> TranscriptState:
    """What to show: a transcript that has not come within an hour is not expected any more."""
    if state is TranscriptState.EXPECTED and now - made_at > TRANSCRIPT_PATIENCE:
        return TranscriptState.NONE
    return state
