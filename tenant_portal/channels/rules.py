"""Decisions about channels: no session, no clock."""

import secrets
from dataclasses import dataclass
from uuid import UUID

import phonenumbers
from phonenumbers import timezone

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import ChannelKind, ChannelState

RETRIES = "#rc=3&rp=5xx,ct,rt"
ONLINE = ("ONLINE", "ONLINE:UPDATING", "STUBBED")
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 600.0
# Longer than Twilio takes to answer or give up: what a timed-out request made is in the list by then.
PAUSE_AFTER_UNKNOWN_SECONDS = 45.0
MOST_ATTEMPTS = 12
CODE_LENGTH = (4, 10)
COUNTRIES = (
    ("US", "United States"),
    ("CA", "Canada"),
    ("GB", "United Kingdom"),
    ("AU", "Australia"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("DK", "Denmark"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("NO", "Norway"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change. Agents may look at channels, owners and the agency may change them."""

    tenant_id: UUID
    user_id: UUID | None
    name: str
    may_change: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a channel at Twilio; `own_number` is a phone that was not bought at Twilio."""

    kind: ChannelKind
    number_sid: str | None
    sender_sid: str | None
    sender_status: str | None
    own_number: bool = False


def state_of(facts: Facts) -> ChannelState:
    """The first step that is not done yet: it follows from the facts, so a repeat never does a step twice."""
    if facts.number_sid is None and not facts.own_number:
        return ChannelState.BUYING
    if facts.kind is ChannelKind.WHATSAPP and facts.sender_sid is None:
        return ChannelState.REGISTERING
    if facts.kind is ChannelKind.WHATSAPP and facts.sender_status not in ONLINE:
        return ChannelState.VERIFYING
    return ChannelState.CONFIGURING


def webhook_url(origin: str, kind: ChannelKind, account_sid: str) -> str:
    """Where Twilio sends what arrives. The fragment, never sent nor signed, makes it repeat after a 5xx or time-out."""
    return f"{origin}/api/webhooks/{kind.value}?account={account_sid}{RETRIES}"


def fallback_url(origin: str, kind: ChannelKind, account_sid: str) -> str:
    """Where Twilio sends it once more when the first address failed."""
    return f"{origin}/api/webhooks/{kind.value}/fallback?account={account_sid}"


def call_status_url(origin: str, account_sid: str) -> str:
    """Where Twilio tells that a call has ended."""
    return f"{origin}/api/webhooks/voicemail/status?account={account_sid}"


def is_ours(url: str, origin: str) -> bool:
    """Whether a URL set at Twilio leads to this portal."""
    return url.startswith(f"{origin}/api/webhooks/")


def pause_seconds(
    attempts: int, *, permanent: bool, unknown_outcome: bool, retry_after: float | None = None
) -> float | None:
    """How long to wait after the n-th failure in a row, `retry_after` if Twilio asks for more; None: only by hand."""
    if permanent or attempts >= MOST_ATTEMPTS:
        return None
    growing = FIRST_PAUSE_SECONDS * 2.0 ** max(attempts - 1, 0)
    pause: float = min(max(growing, retry_after or 0), LONGEST_PAUSE_SECONDS)
    return max(pause, PAUSE_AFTER_UNKNOWN_SECONDS) if unknown_outcome else pause


def poll_seconds(attempts: int) -> float:
    """How long until a WhatsApp sender on its way is looked at again: at first quickly, since a person is watching."""
    return min(2.0 * 1.25 ** min(attempts, 40), 120.0)


def e164(text: str) -> str:
    """A phone number as +4420…; BadInput unless it is one."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise BadInput("Enter the number with its country code, such as +1 415 555 0100.", field="phone_number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def country_of(phone_number: str) -> str:
    """The country an E.164 number belongs to (ISO 3166-1 alpha-2); empty if it belongs to none."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone_number, None)) or ""


def timezone_of(phone_number: str) -> str:
    """A time zone (IANA) of the number's area; UTC where its plan does not say."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(phone_number, None))
    except phonenumbers.NumberParseException:
        return "UTC"
    return zones[0] if zones and zones[0] != "Etc/Unknown" else "UTC"


def display(phone_number: str) -> str:
    """A number as people write it."""
    try:
        number = phonenumbers.parse(phone_number, None)
    except phonenumbers.NumberParseException:
        return phone_number
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def clean_code(text: str) -> str:
    """The digits of a verification code; BadInput if they are too few or too many."""
    code = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if not CODE_LENGTH[0] <= len(code) <= CODE_LENGTH[1]:
        raise BadInput("Enter the code from WhatsApp's message, usually six digits.", field="code")
    return code


def clean_display_name(text: str) -> str:
    """The name WhatsApp shows; BadInput."""
    name = " ".join(text.split())
    if not 3 <= len(name) <= 80 or not name.isprintable():
        raise BadInput("WhatsApp asks for a business name of 3 to 80 characters.", field="display_name")
    return name


def default_greeting(client: str) -> str:
    """A first greeting, to be changed by the client."""
    return (
        f"You have reached {client}. Nobody can take your call right now. "
        "Please leave a message after the tone, and we will call you back."
    )


def new_test_token() -> str:
    """What a test message carries, so that it is known again when it comes back."""
    return f"PORTAL-TEST-{secrets.randbelow(10**8):08d}"


def refuse_unfit(kinds: frozenset[ChannelKind], *, sms: bool, voice: bool) -> None:
    """BadInput if the number cannot carry one of the kinds."""
    if not kinds:
        raise BadInput("Choose at least one channel for this number.", field="kinds")
    if ChannelKind.SMS in kinds and not sms:
        raise BadInput("This number cannot receive text messages.", field="kinds")
    if ChannelKind.VOICEMAIL in kinds and not voice:
        raise BadInput("This number cannot take calls.", field="kinds")
    if ChannelKind.WHATSAPP in kinds and not (sms or voice):
        raise BadInput("WhatsApp needs a number that can receive its code by text or call.", field="kinds")
