"""The two phones of the handset as small values for the browser."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tenant_portal.channels.rules import display
from tenant_portal.simulator.handset import Entry, Line

CHANNELS = ("sms", "whatsapp", "call")
PICTURES = "/staff/simulator/media/"
LIVE_CALLS = frozenset({"queued", "ringing", "in-progress"})
CALL_WORDS = {
    "queued": "Calling…",
    "ringing": "Ringing…",
    "in-progress": "On the line…",
    "completed": "Call ended",
    "busy": "Busy",
}
BEEP = "(beep)"
SHARED_PLACE = "Shared location"


@dataclass(frozen=True)
class LineItem:
    """A number that a lead can write to or call; `code` is what WhatsApp has sent to verify it."""

    number: str
    label: str
    client: str
    sms: bool
    whatsapp: bool
    call: bool
    code: str = ""


@dataclass(frozen=True)
class ButtonItem:
    """A button below a bubble; one that is no quick reply would leave WhatsApp, and does nothing here."""

    title: str
    payload: str
    is_reply: bool


@dataclass(frozen=True)
class Bubble:
    """One thing on the phone's screen. `mine` is what the lead did.

    `state` is `there`, `coming` (not on the phone yet), `failed` (never), or of a call `live` or `ended`.
    """

    id: str
    mine: bool
    kind: str
    text: str
    at: str
    state: str = "there"
    words: str = ""
    pictures: list[str] = field(default_factory=list)
    place: str = ""
    heard: list[str] = field(default_factory=list)
    left_message: bool = False
    buttons: list[ButtonItem] = field(default_factory=list)


@dataclass(frozen=True)
class PhoneItem:
    """One of the two phones: whose it is, what it is set to, what it shows. `fresh` are channels with news."""

    side: int = 0
    owner: str = ""
    lead: str = ""
    channel: str = "sms"
    number: str = ""
    shown_number: str = ""
    client: str = ""
    code: str = ""
    is_connected: bool = True
    is_calling: bool = False
    note: str = ""
    fresh: list[str] = field(default_factory=list)
    bubbles: list[Bubble] = field(default_factory=list)


def line_item(line: Line, code: str) -> LineItem:
    """A line under the client's name, without our own id in it."""
    client = line.account_name.partition(" (tenant ")[0]
    label = f"{client} · {display(line.phone_number)}"
    return LineItem(line.phone_number, label, client, line.sms, line.whatsapp, line.voice, code)


def bubbles(entries: Sequence[Entry], channel: str, most: int) -> list[Bubble]:
    """The newest entries of one channel, the oldest first."""
    return [bubble(entry) for entry in entries if entry.kind == channel][-most:]


def count_arrived(entries: Sequence[Entry], channel: str) -> int:
    """How many messages of this channel have come to the phone."""
    return sum(entry.kind == channel and not entry.outgoing and entry.arrived for entry in entries)


def is_calling(entries: Sequence[Entry]) -> bool:
    """Whether a call of this phone is under way."""
    return any(entry.kind == "call" and entry.status in LIVE_CALLS for entry in entries)


def bubble(entry: Entry) -> Bubble:
    """What one entry of a phone's history looks like."""
    return _call(entry) if entry.kind == "call" else _message(entry)


def _call(entry: Entry) -> Bubble:
    heard = [line for line in entry.text.splitlines() if line.strip()]
    is_live = entry.status in LIVE_CALLS
    return Bubble(
        entry.sid,
        True,
        "call",
        "",
        entry.at.isoformat(),
        state="live" if is_live else "ended",
        words=CALL_WORDS.get(entry.status, entry.status.replace("-", " ").capitalize()),
        heard=[line for line in heard if line != BEEP],
        left_message=BEEP in heard,
    )


def _message(entry: Entry) -> Bubble:
    state, words = _fate(entry)
    return Bubble(
        entry.sid,
        entry.outgoing,
        entry.kind,
        entry.text,
        entry.at.isoformat(),
        state=state,
        words=words,
        pictures=[f"{PICTURES}{picture.sid}" for picture in entry.media if picture.content_type.startswith("image/")],
        place=_place_words(entry),
        buttons=[ButtonItem(title, value, kind == "QUICK_REPLY") for kind, title, value in entry.actions],
    )


def _fate(entry: Entry) -> tuple[str, str]:
    if entry.outgoing or entry.arrived:
        return "there", ""
    if entry.status in {"failed", "undelivered", "canceled"}:
        return "failed", f"Never arrives (Twilio {entry.error_code})" if entry.error_code else "Never arrives"
    return "coming", "On its way…"


def _place_words(entry: Entry) -> str:
    if entry.place is None:
        return ""
    words = ", ".join(filter(None, (entry.place.label, entry.place.address)))
    return words or SHARED_PLACE
