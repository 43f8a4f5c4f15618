"""What the simulated Twilio remembers. Every record is frozen: a change is a new version put into the store."""

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def new_sid(prefix: str) -> str:
    """A SID as Twilio makes them: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


class Record(BaseModel):
    """The part all records share. `account_sid` is the account that owns it."""

    # Frozen: a handler that keeps a record over an await never sees it change under its hands.
    model_config = ConfigDict(frozen=True)

    sid: str
    account_sid: str
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)


class Account(Record):
    """The parent or a subaccount; it owns itself."""

    friendly_name: str
    auth_token: str
    owner_sid: str
    # Opens the API beside the first token, but signs no webhook until it is promoted.
    secondary_token: str | None = None
    status: Literal["active", "suspended", "closed"] = "active"

    @property
    def is_parent(self) -> bool:
        """Whether this is the agency's own account."""
        return self.sid == self.owner_sid


class Number(Record):
    """A bought phone number; the fields from `sms_url` on have Twilio's names."""

    phone_number: str
    friendly_name: str
    country: str
    number_type: str
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    address_sid: str | None = None
    bundle_sid: str | None = None


class Place(BaseModel):
    """A location that a lead shares on WhatsApp."""

    model_config = ConfigDict(frozen=True)

    latitude: float
    longitude: float
    address: str = ""
    label: str = ""


class Button(BaseModel):
    """A quick-reply button: what it says, and what it sends back beside that."""

    model_config = ConfigDict(frozen=True)

    text: str
    payload: str = ""


class Template(Record):
    """A content template; `variables` and `types` are as the API was given them. `status` is WhatsApp's word."""

    friendly_name: str
    language: str
    variables: dict[str, str] = {}
    types: dict[str, dict[str, Any]] = {}
    status: str = "unsubmitted"
    name: str = ""
    category: str = ""
    rejection_reason: str = ""


class Message(Record):
    """A message in either direction, seen from the account."""

    direction: Literal["inbound", "outbound-api", "outbound-reply"]
    from_: str
    to: str
    body: str
    status: str
    num_segments: int = 1
    num_media: int = 0
    status_callback: str = ""
    sent_at: datetime | None = None
    error_code: int | None = None
    error_message: str | None = None
    # Text as Twilio writes it: "-0.00790".
    price: str | None = None
    place: Place | None = None
    # The state of the template when it was sent; empty for a free text.
    template_status: str = ""
    # As the phone shows them: (action, title, payload or address).
    actions: tuple[tuple[str, str, str], ...] = ()


class Media(Record):
    """A file of a message; `file` names it in the store."""

    message_sid: str
    content_type: str
    file: str


class Call(Record):
    """An incoming call; `heard` is what the caller heard, in order."""

    from_: str
    to: str
    number_sid: str
    status: str = "ringing"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    heard: tuple[str, ...] = ()

    @property
    def seconds(self) -> int:
        """How long the call lasted."""
        return round((self.ended_at - self.started_at).total_seconds()) if self.started_at and self.ended_at else 0


class Recording(Record):
    """What a caller said; `file` and `mp3` name its sound in the store."""

    call_sid: str
    status: str = "in-progress"
    seconds: int = -1
    file: str = ""
    mp3: str = ""


class Transcription(Record):
    """A recording in words."""

    recording_sid: str
    status: str = "in-progress"
    seconds: int = 0
    text: str = ""


class Sender(Record):
    """A WhatsApp sender; the last three fields hold what the API was given, under its own names."""

    phone_number: str
    # Shown by the handset only, as the phone that gets it would show it.
    code: str
    status: str = "CREATING"
    configuration: dict[str, str | None] = {}
    webhook: dict[str, str | None] = {}
    profile: dict[str, object] = {}


class OptOut(Record):
    """A phone that has said STOP to a number; its SID is made of both."""

    number: str
    phone: str


KINDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (Account, Number, Message, Media, Call, Recording, Transcription, Sender, OptOut, Template)
}
