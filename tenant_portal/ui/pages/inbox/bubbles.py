"""The bubbles of a thread, as small values for the browser; made from rows of the queries."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tenant_portal.inbox import rules
from tenant_portal.inbox.file_types import of_content_type
from tenant_portal.inbox.notes import EventRow, ThreadNote
from tenant_portal.inbox.queries import MediaRow, MessageRow, VoicemailRow
from tenant_portal.models.enums import (
    ChannelKind,
    Direction,
    MediaState,
    MessageStatus,
    RecordingState,
    ThreadEventKind,
    TranscriptState,
)
from tenant_portal.ui.pages.inbox.details import map_url, place_name, tapped
from tenant_portal.ui.pages.inbox.items import CHANNEL_NAMES

STATUS_NAMES = {
    MessageStatus.QUEUED: "Sending…",
    MessageStatus.SENDING: "Sending…",
    MessageStatus.UNKNOWN: "Checking with Twilio…",
    MessageStatus.ACCEPTED: "Queued",
    MessageStatus.SENT: "Sent",
    MessageStatus.DELIVERED: "Delivered",
    MessageStatus.READ: "Read",
    MessageStatus.UNDELIVERED: "Not delivered",
    MessageStatus.FAILED: "Not sent",
    MessageStatus.CANCELED: "Canceled",
}
NO_REASON = "Twilio gave no reason."
FILE_KINDS = ("image", "audio", "video")
# Messages of one sender within this time share one head, as in every messenger.
SAME_GROUP_SECONDS = 300


@dataclass(frozen=True)
class FileItem:
    """A file of a message. `kind` is image, audio, video or file, or else waiting, failed or refused with a note."""

    id: str
    kind: str
    url: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class VoicemailItem:
    """A recording of a call; `url` is empty until the sound is here."""

    url: str
    duration: str
    note: str
    transcript: str
    transcript_note: str


@dataclass(frozen=True)
class MessageItem:
    """A bubble. `previous_at` decides about a day separator; a group of bubbles has one head and one foot.

    `kind` is message, note or event; of the last two only times, author, body and `until` count.
    """

    id: str
    at: str
    previous_at: str
    is_ours: bool
    has_head: bool
    has_foot: bool
    author: str
    channel: str
    channel_name: str
    is_call: bool
    body: str
    status: str
    status_name: str
    error: str
    can_retry: bool
    was_retried: bool
    button: str
    place_name: str
    place_url: str
    origin: str
    kind: str = "message"
    until: str = ""
    template: str = ""
    answers: list[str] = field(default_factory=list)
    files: list[FileItem] = field(default_factory=list)
    voicemails: list[VoicemailItem] = field(default_factory=list)


Row = MessageRow | EventRow | ThreadNote
NOTHING = MessageItem(
    id="", at="", previous_at="", is_ours=False, has_head=False, has_foot=False, author="", channel="", channel_name="",
    is_call=False, body="", status="", status_name="", error="", can_retry=False, was_retried=False, button="",
    place_name="", place_url="", origin="",
)  # fmt: skip


def message_items(rows: list[MessageRow], others: Sequence[EventRow | ThreadNote] = ()) -> list[MessageItem]:
    """Messages, notes and events in the order in which they came about, each knowing what stands above it."""
    beside: list[Row] = sorted(others, key=lambda row: row.id)
    together: list[Row] = list(heapq.merge(rows, beside, key=lambda row: row.id))
    return [_item(*three) for three in zip(together, [None, *together], [*together[1:], None], strict=False)]


def _item(row: Row, before: Row | None, after: Row | None) -> MessageItem:
    previous_at = before.created_at.isoformat() if before else ""
    if not isinstance(row, MessageRow):
        return _line(row, previous_at)
    neighbours = (one if isinstance(one, MessageRow) else None for one in (before, after))
    return replace(_message_item(row, *neighbours), previous_at=previous_at)


def _line(row: EventRow | ThreadNote, previous_at: str) -> MessageItem:
    is_note = isinstance(row, ThreadNote)
    return replace(
        NOTHING,
        id=str(row.id),
        at=row.created_at.isoformat(),
        previous_at=previous_at,
        kind="note" if is_note else "event",
        author=row.author_name if is_note else "",
        body=row.body if is_note else event_text(row),
        until="" if is_note or row.until is None else row.until.isoformat(),
    )


def event_text(row: EventRow) -> str:
    """A sentence about it; the time of a snooze is added where the reader's clock is known."""
    who = row.actor_name
    if row.kind is ThreadEventKind.ASSIGNED:
        return f"{who} took this" if who == row.subject_name else f"{who} assigned this to {row.subject_name}"
    return {
        ThreadEventKind.UNASSIGNED: f"{who} assigned this to nobody",
        ThreadEventKind.CLOSED: f"{who} closed this",
        ThreadEventKind.REOPENED: f"{who} reopened this" if who else "Reopened by a new message",
        ThreadEventKind.SNOOZED: f"{who} snoozed this until",
        ThreadEventKind.WOKEN: "The snooze is over",
        ThreadEventKind.OPTED_OUT: "Unsubscribed by sending STOP",
        ThreadEventKind.OPTED_IN: "Subscribed again",
    }[row.kind]


def _status_name(row: MessageRow) -> str:
    name = STATUS_NAMES.get(row.status, "")
    return f"{name}, in their quiet hours" if "in_quiet_hours" in row.details else name


def _message_item(row: MessageRow, before: MessageRow | None, after: MessageRow | None) -> MessageItem:
    is_ours, failed = row.direction is Direction.OUT, row.status in rules.NOT_DELIVERED
    template = row.details.get("template") or {}
    return MessageItem(
        id=str(row.id),
        at=row.created_at.isoformat(),
        previous_at="",
        is_ours=is_ours,
        has_head=before is None or not _same_group(row, before),
        has_foot=failed or after is None or not _same_group(after, row) or after.status is not row.status,
        author=row.author_name if is_ours else "",
        channel=row.channel_kind.value,
        channel_name=CHANNEL_NAMES[row.channel_kind],
        is_call=row.channel_kind is ChannelKind.VOICEMAIL,
        body=row.body,
        status=row.status.value,
        status_name=_status_name(row) if is_ours else "",
        error=(row.error_text or NO_REASON) if failed else "",
        can_retry=failed and "retried_as" not in row.details,
        was_retried="retried_as" in row.details,
        button=tapped(row.details),
        place_name=place_name(row.details),
        place_url=map_url(row.details),
        origin=str((row.details.get("referral") or {}).get("headline") or ""),
        template=str(template.get("name") or ""),
        answers=[str(title) for _, title in template.get("buttons") or ()],
        files=[file_item(file) for file in row.media if not _is_recording(file, row)],
        voicemails=[voicemail_item(one, row.media) for one in row.voicemails],
    )


def file_item(row: MediaRow) -> FileItem:
    """A file of a message as far as it is here."""
    kind = of_content_type(row.content_type)
    declared = row.declared_type.partition("/")[0]
    name = {"image": "Picture", "audio": "Audio", "video": "Video"}.get(declared, "File")
    if row.state is not MediaState.STORED:
        note = row.last_error or "" if row.state is not MediaState.WAITING or row.last_error else ""
        return FileItem(str(row.id), row.state.value, "", name, note)
    family = row.content_type.partition("/")[0]
    shown = family if kind.inline and family in FILE_KINDS else "file"
    label = f"{kind.ending.upper()} file · {size_text(row.size_bytes or 0)}"
    return FileItem(str(row.id), shown, f"/media/{row.id}", label)


def voicemail_item(row: VoicemailRow, files: tuple[MediaRow, ...]) -> VoicemailItem:
    """A recording, told truthfully: late, absent, failed; with its own transcript."""
    file = next((file for file in files if file.id == row.media_id), None)
    stored = file is not None and file.state is MediaState.STORED
    transcript_notes = {
        TranscriptState.EXPECTED: "The transcript is on its way.",
        TranscriptState.FAILED: "The recording could not be transcribed.",
    }
    return VoicemailItem(
        url=f"/media/{row.media_id}" if stored else "",
        duration=duration_text(row.duration_seconds),
        note="" if stored else _recording_note(row, file),
        transcript=row.transcript or "",
        transcript_note="" if row.transcript else transcript_notes.get(row.transcript_state, ""),
    )


def _recording_note(row: VoicemailRow, file: MediaRow | None) -> str:
    if row.recording_state is RecordingState.ABSENT:
        return "The caller left no message."
    if row.recording_state is RecordingState.FAILED:
        return "The recording failed at Twilio."
    if file is not None and file.state in {MediaState.FAILED, MediaState.REFUSED}:
        return f"The recording could not be fetched. {file.last_error or ''}".strip()
    return "The recording is on its way."


def duration_text(seconds: int | None) -> str:
    """`1:05`; empty where unknown."""
    return f"{seconds // 60}:{seconds % 60:02}" if seconds is not None else ""


def size_text(size: int) -> str:
    """`34 kB`, `1.2 MB`."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{max(1, size // 1000)} kB"


def _is_recording(file: MediaRow, row: MessageRow) -> bool:
    return any(one.media_id == file.id for one in row.voicemails)


def _same_group(row: MessageRow, before: MessageRow) -> bool:
    close = (row.created_at - before.created_at).total_seconds() < SAME_GROUP_SECONDS
    same = (row.direction, row.channel_kind, row.author_name) == (
        before.direction,
        before.channel_kind,
        before.author_name,
    )
    return close and same
