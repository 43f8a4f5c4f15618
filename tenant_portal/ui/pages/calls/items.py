"""Calls as small values for the browser; made from rows of the queries."""

from dataclasses import dataclass

from tenant_portal.channels.rules import display
from tenant_portal.leads.rules import display_name, format_number, is_phone_number
from tenant_portal.models.enums import MediaState, RecordingState, TextBackState, TranscriptState
from tenant_portal.ui import routes
from tenant_portal.ui.components.lead_avatar import lead_initials, tint_of
from tenant_portal.ui.pages.inbox.bubbles import duration_text
from tenant_portal.voicemail.queries import CallRow, VoicemailRow
from tenant_portal.voicemail.rules import TOO_SHORT_SECONDS

TRANSCRIPT_NOTES = {
    TranscriptState.EXPECTED: "The transcript is on its way.",
    TranscriptState.FAILED: "The recording could not be transcribed.",
}


@dataclass(frozen=True)
class RecordingItem:
    """One recording; `url` is empty until the sound is here, and `note` says why."""

    id: str
    url: str
    duration: str
    note: str
    transcript: str
    transcript_note: str


@dataclass(frozen=True)
class CallItem:
    """A call. Times are ISO 8601; `tel` is empty where nobody can be called back."""

    id: str
    name: str
    initials: str
    tint: str
    number: str
    our_number: str
    thread_href: str
    reply_href: str
    tel: str
    at: str
    word: str
    tone: str
    note: str
    is_handled: bool
    handled_by: str
    handled_at: str
    text_note: str
    text_at: str
    recordings: list[RecordingItem]


def call_item(row: CallRow) -> CallItem:
    """A call as the page shows it."""
    word, tone, note = _outcome(row)
    can_be_reached = is_phone_number(row.address)
    thread = routes.thread(row.conversation_id)
    return CallItem(
        id=str(row.id),
        name=display_name(row.name, row.profile_name, row.address),
        initials=lead_initials(row.name, row.profile_name, row.address),
        tint=tint_of(row.lead_id),
        number=format_number(row.address),
        our_number=display(row.our_number),
        thread_href=thread,
        reply_href=f"{thread}#composer-body" if can_be_reached else "",
        tel=f"tel:{row.address}" if can_be_reached else "",
        at=row.created_at.isoformat(),
        word=word,
        tone=tone,
        note=note,
        is_handled=row.handled_at is not None,
        handled_by=row.handled_by_name or "",
        handled_at=row.handled_at.isoformat() if row.handled_at else "",
        text_note=_text_note(row),
        text_at=row.text_due_at.isoformat() if row.text_due_at and row.text_state is TextBackState.WAITING else "",
        recordings=[recording_item(one) for one in row.recordings if one.recording_state is not RecordingState.ABSENT],
    )


def _outcome(row: CallRow) -> tuple[str, str, str]:
    """Word, tone and explanation of how the call went."""
    if "answered_seconds" in row.details:
        return "Answered", "good", f"Answered on your phone, {duration_text(row.details['answered_seconds'])}."
    if any(one.recording_state is not RecordingState.ABSENT for one in row.recordings):
        several = f"{len(row.recordings)} recordings of one call." if len(row.recordings) > 1 else ""
        return "Voicemail", "info", several
    if row.recordings:
        return "Missed", "warn", "The caller stayed on the line and said nothing."
    if "call_status" in row.details and "call_sequence" in row.details:
        return "Missed", "warn", "The caller hung up before the tone."
    return "Under way", "neutral", "The end of this call has not been reported yet."


def recording_item(row: VoicemailRow) -> RecordingItem:
    """A recording, told truthfully, with its own transcript."""
    return RecordingItem(
        id=str(row.id),
        url=f"/media/{row.media_id}" if row.is_playable else "",
        duration=duration_text(row.duration_seconds),
        note=_recording_note(row),
        transcript=row.transcript,
        transcript_note="" if row.transcript else TRANSCRIPT_NOTES.get(row.transcript_state, ""),
    )


def _recording_note(row: VoicemailRow) -> str:
    if row.is_playable:
        is_short = row.duration_seconds is not None and row.duration_seconds < TOO_SHORT_SECONDS
        return "Too short to hold a message: the caller probably hung up." if is_short else ""
    if row.recording_state is RecordingState.FAILED:
        return "The recording failed at Twilio."
    if row.media_state in {MediaState.FAILED, MediaState.REFUSED}:
        return "The recording could not be fetched. Open the conversation to try again."
    return "The recording is on its way."


def _text_note(row: CallRow) -> str:
    if row.text_state is TextBackState.SENT:
        return "The caller was sent your text."
    if row.text_state is TextBackState.WAITING:
        return f"{row.text_reason} Your text goes out" if row.text_reason else ""
    return f"No text was sent: {row.text_reason}" if row.text_state is TextBackState.SKIPPED else ""
