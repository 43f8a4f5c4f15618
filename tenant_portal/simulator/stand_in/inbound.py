"""Messages from a phone to a number or WhatsApp sender that the simulator hosts, and what the portal answers."""

import base64
import time
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import phonenumbers
from pydantic import BaseModel, Field

from tenant_portal.simulator.stand_in import addresses, inventory, samples
from tenant_portal.simulator.stand_in.delivery import Outgoing, opt_out_sid, send
from tenant_portal.simulator.stand_in.records import Account, Button, Media, Message, OptOut, Place, new_sid
from tenant_portal.simulator.stand_in.shapes import API_VERSION
from tenant_portal.simulator.stand_in.webhooks import Outcome
from tenant_portal.simulator.stand_in.world import World

API = "https://api.twilio.com"
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})
STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
STARTED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe."
)
HELP = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
WHATSAPP_KINDS = ("image", "audio", "video")


class Letter(BaseModel):
    """What a phone sends. `to` and `from_` are plain numbers; `whatsapp` says how it travels.

    `extra` goes to the portal as it is: OptOutType, Referral…, or a parameter that Twilio will invent one day.
    """

    from_: str = Field(alias="from")
    to: str
    whatsapp: bool = False
    body: str = ""
    profile_name: str = ""
    pictures: int = Field(0, ge=0, le=10)
    files: list[tuple[str, str]] = Field([], description="content type and base64 of each file")
    place: Place | None = None
    button: Button | None = None
    replies_to: str = ""
    extra: dict[str, str] = {}


@dataclass(frozen=True)
class Line:
    """The end of a line inside the simulator: whose it is and where its messages go."""

    account: Account
    url: str
    method: str
    fallback_url: str


@dataclass(frozen=True)
class Receipt:
    """What became of a letter; `outcome` is None where the account is suspended or has set no URL."""

    message: Message
    outcome: Outcome | None
    milliseconds: int


def line_of(world: World, letter: Letter) -> Line | None:
    """Who gets this letter; None where nobody answers at this address."""
    if letter.whatsapp:
        sender = world.sender(letter.to)
        if sender is None:
            return None
        hook = sender.webhook
        account = world.owner_of(sender.account_sid)
        return Line(account, hook.get("callback_url") or "", "POST", hook.get("fallback_url") or "")
    number = world.number(letter.to)
    if number is None:
        return None
    account = world.owner_of(number.account_sid)
    return Line(account, number.sms_url, number.sms_method, number.sms_fallback_url)


async def receive(world: World, line: Line, letter: Letter) -> Receipt:
    """Store the letter, let Twilio's own opt-out handling see it, and hand it to the portal."""
    message, media = _store(world, line.account, letter)
    _obey_keywords(world, line.account, message)
    if line.account.status != "active" or not line.url:
        return Receipt(message, None, 0)
    parameters = _parameters(letter, message, media)
    started = time.monotonic()
    outcome = await world.webhooks.deliver(line.account, line.url, line.method, parameters, line.fallback_url)
    took = round((time.monotonic() - started) * 1000)
    for text in _replies(outcome):
        send(world, line.account, Outgoing(message.from_, message.to, text), "outbound-reply")
    return Receipt(message, outcome, took)


async def pass_on(world: World, message: Message) -> None:
    """What one hosted number writes to another arrives there, as between any two phones."""
    letter = Letter.model_validate(
        {
            "from": addresses.bare(message.from_),
            "to": addresses.bare(message.to),
            "whatsapp": addresses.is_whatsapp(message.to),
            "body": message.body,
            "files": [
                (one.content_type, base64.b64encode(world.store.read_file(one.file)).decode())
                for one in world.store.all(Media, message.account_sid)
                if one.message_sid == message.sid
            ],
        }
    )
    line = line_of(world, letter)
    if line is not None:
        await receive(world, line, letter)


def _store(world: World, account: Account, letter: Letter) -> tuple[Message, list[Media]]:
    prefix = addresses.WHATSAPP if letter.whatsapp else ""
    files = samples.pictures(letter.pictures) + samples.decoded(letter.files)
    message = world.store.put(
        Message(
            sid=new_sid("MM" if files else "SM"),
            account_sid=account.sid,
            direction="inbound",
            from_=prefix + letter.from_,
            to=prefix + letter.to,
            body=letter.button.text if letter.button else letter.body,
            status="received",
            num_segments=addresses.segments(letter.body),
            num_media=len(files),
            place=letter.place,
        )
    )
    return message, [_store_file(world, message, content_type, content) for content_type, content in files]


def _store_file(world: World, message: Message, content_type: str, content: bytes) -> Media:
    sid = new_sid("ME")
    file = world.store.save_file(sid, content)
    media = Media(
        sid=sid, account_sid=message.account_sid, message_sid=message.sid, content_type=content_type, file=file
    )
    return world.store.put(media)


def _obey_keywords(world: World, account: Account, message: Message) -> None:
    """What Twilio does itself for North American numbers, before the portal hears of it."""
    # The whole message must be the word: "please stop by" is an order, not an opt-out.
    word = message.body.strip().upper()
    if addresses.is_whatsapp(message.to) or not message.to.startswith("+1"):
        return
    number, phone = message.to, message.from_
    opt_out = OptOut(sid=opt_out_sid(number, phone), account_sid=account.sid, number=number, phone=phone)
    if word in STOP_WORDS:
        # Unlike the portal's own messages, this confirmation passes the opt-out it confirms.
        send(world, account, Outgoing(phone, number, STOPPED), "outbound-reply")
        world.store.put(opt_out)
    elif word in START_WORDS:
        world.store.delete(opt_out)
        send(world, account, Outgoing(phone, number, STARTED), "outbound-reply")
    elif word in HELP_WORDS:
        send(world, account, Outgoing(phone, number, HELP), "outbound-reply")


def _parameters(letter: Letter, message: Message, media: list[Media]) -> list[tuple[str, str]]:
    parameters = [
        ("MessageSid", message.sid),
        ("SmsSid", message.sid),
        ("SmsMessageSid", message.sid),
        ("AccountSid", message.account_sid),
        ("From", message.from_),
        ("To", message.to),
        ("Body", message.body),
        ("NumMedia", str(message.num_media)),
        ("NumSegments", str(message.num_segments)),
        ("SmsStatus", "received"),
        ("ApiVersion", API_VERSION),
    ]
    for at, item in enumerate(media):
        path = f"/{API_VERSION}/Accounts/{item.account_sid}/Messages/{item.message_sid}/Media/{item.sid}"
        parameters += [(f"MediaUrl{at}", API + path), (f"MediaContentType{at}", item.content_type)]
    # Among the others, not at the end: the signature has to hold wherever a parameter stands.
    parameters += letter.extra.items()
    if letter.whatsapp:
        return parameters + _whatsapp_parameters(letter, message, media)
    return parameters + place_parameters("From", letter.from_) + place_parameters("To", letter.to)


def place_parameters(side: str, number: str) -> list[tuple[str, str]]:
    """Where Twilio believes a number to be; empty values are sent too."""
    city, state, postal_code = inventory.place_of(number)
    try:
        # A caller may be "anonymous" or a name; Twilio then sends these fields empty.
        country = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        country = ""
    return [(f"{side}City", city), (f"{side}State", state), (f"{side}Zip", postal_code), (f"{side}Country", country)]


def _whatsapp_parameters(letter: Letter, message: Message, media: list[Media]) -> list[tuple[str, str]]:
    parameters = [
        ("ProfileName", letter.profile_name),
        ("WaId", letter.from_.lstrip("+")),
        ("MessageType", _message_type(letter, media)),
    ]
    if letter.place:
        place = letter.place
        parameters += [("Latitude", str(place.latitude)), ("Longitude", str(place.longitude))]
        parameters += [(name, text) for name, text in (("Address", place.address), ("Label", place.label)) if text]
    if letter.button:
        parameters += [("ButtonText", letter.button.text), ("ButtonPayload", letter.button.payload)]
        parameters += [("ButtonType", "QUICK_REPLY")]
    if letter.replies_to:
        parameters += [("OriginalRepliedMessageSid", letter.replies_to), ("OriginalRepliedMessageSender", message.to)]
    return parameters


def _message_type(letter: Letter, media: list[Media]) -> str:
    if letter.button:
        return "button"
    if letter.place:
        return "location"
    if not media:
        return "text"
    kind = media[0].content_type.partition("/")[0]
    return kind if kind in WHATSAPP_KINDS else "document"


def _replies(outcome: Outcome) -> list[str]:
    """Texts that the portal's answer sends to the phone. A plain text IS sent: a careless "OK" costs money."""
    if not outcome.ok or not outcome.text.strip():
        return []
    # Twilio's oldest trap, and the reason why webhooks answer with XML or nothing.
    if outcome.content_type == "text/plain":
        return [outcome.text]
    try:
        document = ET.fromstring(outcome.text)  # noqa: S314  # written by our own portal
    except ET.ParseError:
        return []
    return ["".join(message.itertext()).strip() for message in document.iter("Message")]
