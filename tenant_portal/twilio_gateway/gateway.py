"""The two doors to Twilio: the agency's parent account and one tenant's subaccount.

Every call may raise TwilioRefused, TwilioUnavailable or, where something is changed, TwilioOutcomeUnknown.
Phone numbers are E.164; addresses of messages are E.164 or `whatsapp:` + E.164; times are UTC; money is Decimal.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from tenant_portal.twilio_gateway.content import Content, TwilioTemplate


class SubaccountStatus(StrEnum):
    """State of an account at Twilio; `closed` is final."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class NumberType(StrEnum):
    """Kinds of phone number one can search for and is billed by."""

    LOCAL = "local"
    MOBILE = "mobile"
    # The pricing API's spelling; the search has a path of its own for each type.
    TOLL_FREE = "toll free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subaccount:
    """A tenant's account at Twilio."""

    sid: str
    friendly_name: str
    status: SubaccountStatus
    # Kept out of repr(): a record in a log line or a traceback must not show it.
    auth_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a number can do; in a search, what it must be able to do."""

    sms: bool = False
    mms: bool = False
    voice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSearch:
    """What to look for. `contains` is 2 to 16 characters: digits, letters and `*` for any digit."""

    country: str
    number_type: NumberType = NumberType.LOCAL
    area_code: int | None = None
    contains: str | None = None
    needs: Capabilities = Capabilities()
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableNumber:
    """A number that can be bought. `monthly_price` is None where Twilio tells none.

    `address_requirements` is `none`, `any`, `local` or `foreign`: what the buyer must prove.
    """

    phone_number: str
    friendly_name: str
    number_type: NumberType
    country: str
    region: str
    locality: str
    capabilities: Capabilities
    address_requirements: str
    # From another host than the number itself, which may be down when this one is not.
    monthly_price: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberUrls:
    """Where Twilio sends what arrives at a number; empty means nowhere. `call_status` gets the end of each call."""

    sms: str = ""
    sms_fallback: str = ""
    voice: str = ""
    voice_fallback: str = ""
    call_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPurchase:
    """Which number to buy and how to set it up; the SIDs are proofs some countries ask for."""

    phone_number: str
    urls: NumberUrls
    friendly_name: str | None = None
    address_sid: str | None = None
    bundle_sid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedNumber:
    """A number of this subaccount. `overridden_by`: applications or trunks that make Twilio ignore the URLs."""

    sid: str
    phone_number: str
    friendly_name: str
    capabilities: Capabilities
    urls: NumberUrls
    # An application set in the console beats every URL: a channel then looks connected and gets nothing.
    overridden_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message to send. It needs a body, at least one of at most ten media URLs, or a template with its variables."""

    to: str
    from_: str
    body: str = ""
    # Twilio fetches them without credentials, so they must be readable by whoever has the URL.
    media_urls: tuple[str, ...] = ()
    status_callback: str | None = None
    content_sid: str | None = None
    content_variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioMessage:
    """A message as Twilio knows it. `price` is negative for a cost and None until billed; `status` is Twilio's word."""

    sid: str
    to: str
    from_: str
    body: str
    status: str
    direction: str
    # Often set only later: most failures come after the API has answered 201.
    error_code: int | None
    num_media: int
    num_segments: int
    # None is not zero: the bill of a message can come hours after it was sent.
    price: Decimal | None
    currency: str | None
    created_at: datetime | None
    sent_at: datetime | None


class SenderStatus(StrEnum):
    """State of a WhatsApp sender; UNKNOWN for a word that Twilio has added since."""

    CREATING = "CREATING"
    PENDING_VERIFICATION = "PENDING_VERIFICATION"
    VERIFYING = "VERIFYING"
    TWILIO_REVIEW = "TWILIO_REVIEW"
    ONLINE = "ONLINE"
    ONLINE_UPDATING = "ONLINE:UPDATING"
    OFFLINE = "OFFLINE"
    DRAFT = "DRAFT"
    STUBBED = "STUBBED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderUrls:
    """Where Twilio sends what arrives at a WhatsApp sender; None leaves what is set."""

    callback: str | None = None
    fallback: str | None = None
    status_callback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderRegistration:
    """A WhatsApp sender to register. `verification_method` is `sms` or `voice`: how the code reaches the number."""

    phone_number: str
    display_name: str
    urls: SenderUrls
    waba_id: str | None = None
    verification_method: str = "sms"
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppSender:
    """A WhatsApp sender of this subaccount; `offline_reasons` are Twilio's sentences."""

    sid: str
    phone_number: str
    status: SenderStatus
    display_name: str
    urls: SenderUrls
    offline_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMedia:
    """A file that came with a message. `url` needs the subaccount's credentials: give it to `download` only."""

    sid: str
    message_sid: str
    content_type: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded call. `duration` is in seconds, None while it is being made; `url` is for `download` (a WAV file)."""

    sid: str
    call_sid: str
    status: str
    duration: int | None
    error_code: int | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """What was said in a recording; `status` is `in-progress`, `completed` or `failed`."""

    sid: str
    recording_sid: str
    status: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file fetched from Twilio."""

    # Whole in memory: the caller's limit is what keeps this small.
    content: bytes = field(repr=False)
    content_type: str


class ParentGateway(Protocol):
    """What only the agency's parent account may do."""

    @property
    def account_sid(self) -> str:
        """SID of the parent account."""

    async def ensure_subaccount(self, friendly_name: str) -> Subaccount:
        """The one open subaccount of exactly this name, made if there is none. Repeating it makes no second one.

        Twilio takes no idempotency key, so callers must not run two of these for one name at the same time.
        """

    async def find_subaccount(self, friendly_name: str) -> Subaccount | None:
        """The oldest subaccount of exactly this name that is not closed."""

    async def fetch_subaccount(self, sid: str) -> Subaccount:
        """State and auth token of a subaccount."""

    async def suspend_subaccount(self, sid: str) -> Subaccount:
        """Stop all traffic; the subaccount's own credentials stop working too."""

    async def resume_subaccount(self, sid: str) -> Subaccount:
        """Make a suspended subaccount active again."""

    async def close_subaccount(self, sid: str) -> Subaccount:
        """Close for good: its numbers are lost."""


class TenantGateway(Protocol):
    """What one tenant's subaccount does with its own credentials."""

    @property
    def account_sid(self) -> str:
        """SID of the subaccount."""

    async def fetch_account(self) -> Subaccount:
        """The subaccount itself: proves that the credentials work."""

    async def search_numbers(self, search: NumberSearch) -> list[AvailableNumber]:
        """Numbers on sale with their monthly price; empty where Twilio has none of that type."""

    async def number_prices(self, country: str) -> tuple[str, dict[NumberType, Decimal]]:
        """Currency and monthly price of each type of number in a country (ISO 3166-1 alpha-2)."""

    async def buy_number(self, purchase: NumberPurchase) -> OwnedNumber:
        """Buy a number: it costs money each month. After an unknown outcome ask `find_number` first."""

    async def list_numbers(self) -> list[OwnedNumber]:
        """All numbers of the subaccount."""

    async def find_number(self, phone_number: str) -> OwnedNumber | None:
        """The number if this subaccount owns it."""

    async def fetch_number(self, number_sid: str) -> OwnedNumber:
        """The number as it is set up now."""

    async def update_number(self, number_sid: str, urls: NumberUrls) -> OwnedNumber:
        """Set all webhook URLs of a number."""

    async def release_number(self, number_sid: str) -> None:
        """Give a number back; it is done as well if the number was already gone."""

    async def send_message(self, message: OutgoingMessage) -> TwilioMessage:
        """Send once. After TwilioOutcomeUnknown it may have been sent: reconcile with `list_messages`."""

    async def fetch_message(self, message_sid: str) -> TwilioMessage:
        """A message with its present status and price."""

    async def list_messages(
        self, *, to: str | None = None, from_: str | None = None, since: datetime | None = None, limit: int = 200
    ) -> list[TwilioMessage]:
        """Messages of the subaccount, newest first; `since` is aware and leaves out what still waits to be sent."""

    async def redact_message(self, message_sid: str) -> None:
        """Empty a message's body at Twilio; its metadata stays."""

    async def delete_message(self, message_sid: str) -> None:
        """Delete a message and its media; it is done as well if the message was already gone."""

    async def create_sender(self, registration: SenderRegistration) -> WhatsAppSender:
        """Register a WhatsApp sender; it goes on by itself, so poll `fetch_sender`."""

    async def list_senders(self) -> list[WhatsAppSender]:
        """All WhatsApp senders of the subaccount."""

    async def fetch_sender(self, sender_sid: str) -> WhatsAppSender:
        """A sender with its present state."""

    async def verify_sender(self, sender_sid: str, code: str) -> WhatsAppSender:
        """Hand in the verification code that WhatsApp sent to the number."""

    async def update_sender(self, sender_sid: str, urls: SenderUrls) -> WhatsAppSender:
        """Set the webhook URLs of a sender."""

    async def delete_sender(self, sender_sid: str) -> None:
        """Remove a sender; it is done as well if the sender was already gone."""

    async def create_template(self, content: Content) -> str:
        """Make a template; its SID. After an unknown outcome look for its name in `list_templates`."""

    async def submit_template(self, content_sid: str, name: str, category: str) -> None:
        """Ask WhatsApp to approve it under this name (a-z, 0-9, _); it answers later, so poll `list_templates`."""

    async def list_templates(self) -> list[TwilioTemplate]:
        """All templates of the subaccount with the state of their approval."""

    async def delete_template(self, content_sid: str) -> None:
        """Delete a template; it is done as well if it was already gone."""

    async def list_media(self, message_sid: str) -> list[MessageMedia]:
        """The files of a message."""

    async def delete_media(self, message_sid: str, media_sid: str) -> None:
        """Delete a file at Twilio; it is done as well if it was already gone."""

    async def fetch_recording(self, recording_sid: str) -> Recording:
        """A recording's metadata."""

    async def delete_recording(self, recording_sid: str) -> None:
        """Delete a recording and its file; it is done as well if it was already gone."""

    async def list_transcriptions(self, recording_sid: str) -> list[Transcription]:
        """The transcripts of a recording."""

    async def fetch_transcription(self, transcription_sid: str) -> Transcription:
        """A transcript."""

    async def delete_transcription(self, transcription_sid: str) -> None:
        """Delete a transcript; it is done as well if it was already gone."""

    async def delete_call(self, call_sid: str) -> None:
        """Delete the record of a call, not its recordings; it is done as well if it was already gone."""

    async def create_secondary_token(self) -> str:
        """A second auth token; it signs no webhook until promoted."""

    async def promote_secondary_token(self) -> str:
        """Make the second token the only one, and return it; the old one is dead at once."""

    async def download(self, url: str, *, max_bytes: int) -> Download:
        """Fetch a media or recording file of this subaccount; any other URL is refused before a request is made."""
