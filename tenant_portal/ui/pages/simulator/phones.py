"""The two phones of the handset as small values for the browser."""

from dataclasses import dataclass, field

from tenant_portal.channels.rules import display
from tenant_portal.simulator.handset import Entry, Line

CHANNELS = {"sms": "SMS", "whatsapp": "WhatsApp", "call": "Call"}
PICTURES = "/staff/simulator/media/"
ARRIVING = {"accepted", "queued", "sending", "sent"}


@dataclass(frozen=True)
class LineItem:
    """A number that a lead can write to or call."""

    number: str
    label: str
    client: str
    sms: bool
    whatsapp: bool
    voice: bool
    code: str = ""


@dataclass(frozen=True)
class Bubble:
    """One thing on the phone's screen. `mine` is what the lead did; `ticks` 0 to 2, `failed` instead of them."""

    id: str
    mine: bool
    kind: str
    text: str
    at: str
    ticks: int = 0
    failed: str = ""
    pictures: list[str] = field(default_factory=list)
    place: str = ""
    call: str = ""
    heard: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PhoneItem:
    """One of the two phones."""

    side: int
    title: str
    lead: str
    number: str = ""
    client: str = ""
    channel: str = "sms"
    code: str = ""
    bubbles: list[Bubble] = field(default_factory=list)
    note: str = ""
    busy: bool = False


def line_item(line: Line, code: str) -> LineItem:
    """A line under the client's name, without our own id in it."""
    client = line.account_name.partition(" (tenant ")[0]
    label = f"{client} · {display(line.phone_number)}"
    return LineItem(line.phone_number, label, client, line.sms, line.whatsapp, line.voice, code)


def bubble(entry: Entry) -> Bubble:
    """What one entry of a phone's history looks like."""
    if entry.kind == "call":
        heard = [line for line in entry.text.splitlines() if line.strip()]
        return Bubble(entry.sid, True, "call", "", entry.at.isoformat(), call=_call_words(entry.status), heard=heard)
    failed = f"Twilio {entry.error_code}" if entry.error_code else ""
    return Bubble(
        entry.sid,
        entry.outgoing,
        entry.kind,
        entry.text,
        entry.at.isoformat(),
        ticks=0 if failed or not entry.outgoing else 1 if entry.status in ARRIVING else 2,
        failed=failed,
        pictures=[f"{PICTURES}{picture.sid}" for picture in entry.media if picture.content_type.startswith("image/")],
        place=_place_words(entry),
    )


def _place_words(entry: Entry) -> str:
    if entry.place is None:
        return ""
    return entry.place.label or entry.place.address or f"{entry.place.latitude:.4f}, {entry.place.longitude:.4f}"


def _call_words(status: str) -> str:
    return "Call ended" if status == "completed" else f"Call: {status.replace('-', ' ')}"
