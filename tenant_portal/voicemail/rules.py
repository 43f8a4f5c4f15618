"""Decisions about recordings, transcripts, and texts to missed callers."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers
from phonenumbers import PhoneNumberType

from tenant_portal.errors import BadInput
from tenant_portal.leads.rules import is_phone_number
from tenant_portal.models.enums import RecordingState, TranscriptState
from tenant_portal.tenants.rules import clean_clock

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
GREETING_LIMIT, TEXT_LIMIT = 600, 480
LONGEST_MESSAGE_SECONDS = (30, 60, 120, 300)
TEXT_WINDOWS = (1, 4, 24, 72, 168)
TEXTABLE = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)
DEAR = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UNKNOWN})
# Below this nobody has said anything: the caller has hung up at the tone.
TOO_SHORT_SECONDS = 2


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


@dataclass(frozen=True, slots=True)
class Missed:
    """What decides about a text to a caller."""

    address: str
    is_answered: bool
    is_handled: bool
    was_texted: bool
    was_answered_in_writing: bool


def why_no_text(missed: Missed) -> str:
    """Why this caller gets no text, before anything about the lead's own wishes; empty where nothing is against it."""
    if missed.is_answered:
        return "The call was answered."
    if not is_phone_number(missed.address):
        return "The caller's number is withheld."
    if missed.was_texted:
        return "This caller was sent the text a short while ago."
    if missed.is_handled or missed.was_answered_in_writing:
        return "Your team has already looked after it."
    return (
        "" if takes_texts(missed.address) else "This number cannot receive texts: it is a landline or a service number."
    )


def takes_texts(address: str) -> bool:
    """Whether a number (E.164) may belong to a phone that shows texts; North American plans do not tell them apart."""
    try:
        return phonenumbers.number_type(phonenumbers.parse(address)) in TEXTABLE
    except phonenumbers.NumberParseException:
        return False


def clean_greeting(text: str, field: str, *, may_be_empty: bool = False) -> str:
    """What a caller hears before the tone, in one line; BadInput beside `field`."""
    greeting = " ".join(text.split())
    if len(greeting) > GREETING_LIMIT or not (greeting or may_be_empty):
        raise BadInput(f"Please write a greeting of 1 to {GREETING_LIMIT} characters.", field=field)
    return greeting


def clean_phone(text: str, own_number: str) -> str:
    """The phone (E.164) that rings first, without a country of `own_number`'s; BadInput if it is none, or dear."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(own_number))
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise BadInput("Enter a phone number with its country code, such as +1 415 555 0100.", field="ring_number")
    if phonenumbers.number_type(number) in DEAR:
        raise BadInput("Calls are not forwarded to premium-rate numbers.", field="ring_number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def clean_text_back(
    *, is_on: bool, text: str, window_hours: int, quiet_from: str, quiet_until: str
) -> dict[str, object]:
    """The settings of the text to missed callers, as the channel keeps them; BadInput."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > TEXT_LIMIT or (is_on and not text):
        raise BadInput(f"Write a text of 1 to {TEXT_LIMIT} characters.", field="text_back_text")
    if window_hours not in TEXT_WINDOWS:
        raise BadInput("Choose one of the periods.", field="window_hours")
    return {
        "is_on": is_on,
        "text": text,
        "window_hours": window_hours,
        "quiet_from": clean_clock(quiet_from, "quiet_from"),
        "quiet_until": clean_clock(quiet_until, "quiet_until"),
    }
