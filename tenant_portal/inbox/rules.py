"""Decisions of the inbox: what may be sent, how far a delivery has come, how long to wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import ChannelKind, MessageStatus

MAX_BODY = 1600
MAX_PREVIEW = 140
BLOCKED = "This person is blocked. Unblock them on the lead's page to write to them again."
QUIET = "It is within your quiet hours where this person is, so this was not sent."
WHATSAPP_WINDOW = timedelta(hours=24)
WINDOW_CLOSED = (
    "WhatsApp allows free replies only within 24 hours of the person's last WhatsApp message."
    " You can write freely again as soon as they do; until then only an approved template reaches them."
)
# Longer than the time-out of a request plus the time Twilio's list may lag behind.
RECONCILE_GRACE = timedelta(seconds=90)
# Past this a person has long written something else: better to say so than to send it at night.
GIVE_UP_SENDING = timedelta(hours=1)
LONGEST_SNOOZE = LONGEST_PLAN = timedelta(days=366)
MEDIA_PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)

# Messages a second that Twilio takes from one number (US and Canadian long codes: a setting); the rest it queues.
WHATSAPP_RATE, SHORT_CODE_RATE, TOLL_FREE_RATE, OTHER_RATE = 80.0, 100.0, 3.0, 10.0
TOLL_FREE = tuple(f"+18{digits}" for digits in ("00", "33", "44", "55", "66", "77", "88"))
SHORT_CODE_DIGITS = 6
# A person who answers five leads in a row waits for none of them.
SEND_BURST = 10
SHORTEST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)

S = MessageStatus
# Twilio's callbacks come in any order and more than once: the highest rank ever seen is the truth.
RANK = {
    status: rank
    for rank, status in enumerate(
        (S.QUEUED, S.SENDING, S.UNKNOWN, S.ACCEPTED, S.SENT, S.DELIVERED, S.READ, S.CANCELED, S.UNDELIVERED, S.FAILED)
    )
}
NOT_DELIVERED = frozenset({S.FAILED, S.UNDELIVERED, S.CANCELED})
_OF_TWILIO = {
    "accepted": S.ACCEPTED,
    "scheduled": S.ACCEPTED,
    "queued": S.ACCEPTED,
    "sending": S.ACCEPTED,
    "sent": S.SENT,
    "delivered": S.DELIVERED,
    "partially_delivered": S.DELIVERED,
    "read": S.READ,
    "undelivered": S.UNDELIVERED,
    "failed": S.FAILED,
    "canceled": S.CANCELED,
}


def from_twilio(word: str) -> MessageStatus | None:
    """Our status for Twilio's word about a message we sent; None for a word we do not know."""
    return _OF_TWILIO.get(word)


def below(status: MessageStatus) -> list[MessageStatus]:
    """The statuses from which a message may move up to this one."""
    return [lower for lower, rank in RANK.items() if rank < RANK[status]]


def clean_body(body: str) -> str:
    """The text to send; BadInput where it is empty or longer than Twilio takes."""
    body = body.replace("\r\n", "\n").replace("\x00", "").strip()
    if not body:
        raise BadInput("Write a message first.", field="body")
    if len(body) > MAX_BODY:
        raise BadInput(f"A message has at most {MAX_BODY} characters; this one has {len(body)}.", field="body")
    return body


def preview_of(body: str) -> str:
    """The start of a message, in one line."""
    return " ".join(body.split())[:MAX_PREVIEW]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a lead can be written to on one kind of channel."""

    kind: ChannelKind
    service_is_active: bool
    is_phone_number: bool
    is_blocked: bool
    opted_out: bool
    has_channel: bool
    last_whatsapp_at: datetime | None


def why_not(standing: Standing, now: datetime) -> str | None:
    """A sentence that says why no text can be sent, or None where it can."""
    if (reason := why_never(standing)) is not None:
        return reason
    if standing.kind is ChannelKind.WHATSAPP and not window_is_open(standing.last_whatsapp_at, now):
        return WINDOW_CLOSED
    return None


def why_never(standing: Standing) -> str | None:
    """A sentence that says why nothing at all can be sent, not even an approved template; None where it can."""
    if not standing.service_is_active:
        return "Sending is switched off because this account is suspended. Please contact your agency."
    if not standing.is_phone_number:
        return "This sender has no phone number that can receive a reply."
    if standing.is_blocked:
        return BLOCKED
    if standing.opted_out:
        return (
            f"This person has withdrawn consent to {_label(standing.kind)}, as by sending STOP. They can be written to"
            " again once they send START."
        )
    if not standing.has_channel:
        return f"There is no connected {_label(standing.kind)} channel to reply from. Connect one under Channels."
    return None


def window_is_open(last_whatsapp_at: datetime | None, now: datetime) -> bool:
    """Whether WhatsApp's 24 hours since the lead's last WhatsApp message still run."""
    return last_whatsapp_at is not None and now < last_whatsapp_at + WHATSAPP_WINDOW


def reply_kind(last: ChannelKind | None, connected: frozenset[ChannelKind]) -> ChannelKind:
    """The channel to answer on: where the lead wrote last; a caller is answered by SMS, else by WhatsApp."""
    if last in {ChannelKind.SMS, ChannelKind.WHATSAPP}:
        return ChannelKind(last)
    if ChannelKind.SMS not in connected and ChannelKind.WHATSAPP in connected:
        return ChannelKind.WHATSAPP
    return ChannelKind.SMS


def wire_address(kind: ChannelKind, number: str) -> str:
    """The number as Twilio wants it on this channel."""
    return f"whatsapp:{number}" if kind is ChannelKind.WHATSAPP else number


def send_rate(our_number: str, long_code: float) -> float:
    """Messages a second from this number (as on the wire), by its kind; `long_code` is that of US and Canadian ones."""
    if our_number.startswith("whatsapp:"):
        return WHATSAPP_RATE
    if our_number.isdecimal() and len(our_number) <= SHORT_CODE_DIGITS:
        return SHORT_CODE_RATE
    if our_number.startswith(TOLL_FREE):
        return TOLL_FREE_RATE
    return long_code if our_number.startswith("+1") else OTHER_RATE


def snooze_end(until: str, now: datetime) -> datetime:
    """When a snooze ends, from ISO 8601 with a zone; BadInput for what is past, too far off, or no time."""
    return _time_to_come(until, now, LONGEST_SNOOZE)


def planned_time(until: str, now: datetime) -> datetime:
    """When a planned message goes, as `snooze_end`."""
    return _time_to_come(until, now, LONGEST_PLAN)


def _time_to_come(until: str, now: datetime, longest: timedelta) -> datetime:
    try:
        at = datetime.fromisoformat(until)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadInput("Choose a day and a time.", field="until")
    if at <= now:
        raise BadInput("Choose a time that is still to come.", field="until")
    if at > now + longest:
        raise BadInput("Choose a time within a year.", field="until")
    return at


def mentioned(body: str, team: Mapping[UUID, str]) -> list[UUID]:
    """Whom a note names: @ and a colleague's whole name, or their first name where only one has it; any case."""
    text = body.casefold()
    first_names = [_first_name(name) for name in team.values()]
    found = []
    for user_id, name in team.items():
        words = [name.casefold()]
        if first_names.count(_first_name(name)) == 1:
            words.append(_first_name(name))
        if any(_names(text, word) for word in words):
            found.append(user_id)
    return found


def _first_name(name: str) -> str:
    return name.split()[0].casefold() if name.split() else ""


def _names(text: str, word: str) -> bool:
    """Whether the text has @word, not followed by more of a name."""
    ends = [text[start + len(word) : start + len(word) + 1] for start in _starts(text, f"@{word}")]
    return bool(word) and any(not end.isalnum() for end in ends)


def _starts(text: str, sought: str) -> list[int]:
    return [at + 1 for at in range(len(text)) if text.startswith(sought, at)]


def twilio_pause(retry_after: float | None) -> float:
    """Seconds to leave Twilio alone after it could not be reached, or asked to wait so long."""
    wanted = max(timedelta(seconds=retry_after or 0), SHORTEST_PAUSE)
    return min(wanted, LONGEST_PAUSE).total_seconds()


def media_pause(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts to fetch a file; None after a day: give up."""
    return timedelta(seconds=MEDIA_PAUSES[attempts - 1]) if attempts <= len(MEDIA_PAUSES) else None


def _label(kind: ChannelKind) -> str:
    return "WhatsApp" if kind is ChannelKind.WHATSAPP else "SMS"
