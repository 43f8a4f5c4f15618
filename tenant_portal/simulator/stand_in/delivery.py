"""The way of an outgoing message to a phone, and the status callbacks on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tenant_portal.simulator.stand_in import addresses
from tenant_portal.simulator.stand_in.records import Account, Media, Message, OptOut, new_sid, now
from tenant_portal.simulator.stand_in.shapes import API_VERSION
from tenant_portal.simulator.stand_in.world import World

SMS_PRICE, WHATSAPP_PRICE = "-0.00790", "-0.00500"
WHATSAPP_WINDOW = timedelta(hours=24)
UNDER_WAY = frozenset({"queued", "sending", "sent"})
SUSPENDED, OUTSIDE_WINDOW = 30002, 63016
MEDIA_FAILED = {True: 63019, False: 30008}
# Phones that never get anything, each for its own reason. As leads they can write first.
UNREACHABLE = {
    "+15005553003": (30003, "Unreachable destination handset"),
    "+15005553004": (30004, "Message blocked"),
    "+15005553005": (30005, "Unknown destination handset"),
    "+15005553006": (30006, "Landline or unreachable carrier"),
    "+15005553007": (30007, "Message filtered"),
    "+15005553008": (30008, "Unknown error"),
    "+15005553034": (30034, "Message from an Unregistered Number"),
    "+15005556303": (63003, "Channel could not find To address"),
    "+15005556324": (63024, "Invalid message recipient"),
}


@dataclass(frozen=True)
class Outgoing:
    """A message as the API takes it."""

    to: str
    from_: str
    body: str
    media_urls: tuple[str, ...] = ()
    status_callback: str = ""
    template_status: str = ""
    actions: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Fate:
    """How a message ends; a code of None means that it arrives."""

    status: str = "delivered"
    code: int | None = None
    words: str | None = None


def send(world: World, account: Account, outgoing: Outgoing, direction: str = "outbound-api") -> Message:
    """Take a message on and let it travel."""
    message = world.store.put(
        Message(
            sid=new_sid("MM" if outgoing.media_urls else "SM"),
            account_sid=account.sid,
            direction="outbound-reply" if direction == "outbound-reply" else "outbound-api",
            from_=outgoing.from_,
            to=outgoing.to,
            body=outgoing.body,
            status="queued",
            num_segments=addresses.segments(outgoing.body),
            num_media=len(outgoing.media_urls),
            status_callback=outgoing.status_callback,
            template_status=outgoing.template_status,
            actions=outgoing.actions,
        )
    )
    world.spawn(carry(world, message, outgoing.media_urls))
    return message


def resume(world: World) -> None:
    """Let messages travel on that were under way when the simulator stopped."""
    for message in world.store.all(Message):
        if message.direction != "inbound" and message.status in UNDER_WAY:
            # Without its pictures: their URLs were not kept, and those already fetched are in the store.
            world.spawn(carry(world, message, ()))


async def carry(world: World, message: Message, media_urls: Sequence[str]) -> None:
    """Move a message through its states, in the time a carrier takes, and report each."""
    await world.wait_about(0.35)
    # Twilio fetches pictures after it has answered the API, so a bad URL shows up as a status only.
    fetched = await _fetch_media(world, message, media_urls)
    fate = _fate(world, message, fetched)
    if fate.status != "failed":
        message = await _move(world, message, "sent", sent_at=now())
        await world.wait_about(1.0)
    message = await _move(world, message, fate.status, error_code=fate.code, error_message=fate.words)
    if fate.code is None:
        world.spawn(_settle(world, message))


def has_opted_out(world: World, account_sid: str, number: str, phone: str) -> bool:
    """Whether this phone has said STOP to this number."""
    return world.store.get(OptOut, account_sid, opt_out_sid(number, phone)) is not None


def opt_out_sid(number: str, phone: str) -> str:
    """The key of an opt-out."""
    return f"{number} {phone}"


async def _settle(world: World, message: Message) -> None:
    """After delivery: what the recipient does, the reader's receipt on WhatsApp, then the bill."""
    if world.pass_on:
        world.spawn(world.pass_on(world, message))
    whatsapp = addresses.is_whatsapp(message.to)
    if whatsapp:
        await world.wait_about(2.5)
        message = await _move(world, message, "read")
    # The bill comes late; in life it can take hours, and until then the price is null.
    await world.wait(5.0)
    if world.store.get(Message, message.account_sid, message.sid) is not None:
        world.store.change(message, price=WHATSAPP_PRICE if whatsapp else SMS_PRICE)


async def _move(world: World, message: Message, status: str, **fields: object) -> Message:
    # The account may have emptied or deleted the message while it travelled.
    present = world.store.get(Message, message.account_sid, message.sid)
    if present is None:
        return message
    moved = world.store.change(present, status=status, **fields)
    # The message's own URL wins over the sender's.
    url = moved.status_callback or _sender_callback(world, moved)
    if url:
        account = world.owner_of(moved.account_sid)
        await world.webhooks.deliver(account, url, "POST", _parameters(world, moved))
    return moved


def _fate(world: World, message: Message, fetched: bool) -> Fate:
    whatsapp = addresses.is_whatsapp(message.to)
    # Asked now and not at sending: an account can be suspended while a message travels.
    if world.owner_of(message.account_sid).status != "active":
        return Fate("failed", SUSPENDED, "Account suspended")
    if not fetched:
        return Fate("failed", MEDIA_FAILED[whatsapp], "Media failed to download")
    # Outside the window an approved template goes, and nothing else, however the text got into the message.
    if whatsapp and message.template_status != "approved" and not _wrote_lately(world, message):
        return Fate("failed", OUTSIDE_WINDOW, "Failed to send freeform message outside the allowed window")
    code, words = UNREACHABLE.get(addresses.bare(message.to), (None, None))
    return Fate("undelivered", code, words) if code else Fate()


def _wrote_lately(world: World, message: Message) -> bool:
    # A linear search; a simulated account holds hundreds of messages, not millions.
    return any(
        (one.direction, one.from_, one.to) == ("inbound", message.to, message.from_)
        and now() - one.created_at < WHATSAPP_WINDOW
        for one in world.store.all(Message, message.account_sid)
    )


async def _fetch_media(world: World, message: Message, urls: Sequence[str]) -> bool:
    for url in urls:
        try:
            content, content_type = await world.webhooks.fetch(url)
        except OSError:
            return False
        sid = new_sid("ME")
        world.store.put(
            Media(
                sid=sid,
                account_sid=message.account_sid,
                message_sid=message.sid,
                content_type=content_type,
                file=world.store.save_file(sid, content),
            )
        )
    return True


def _sender_callback(world: World, message: Message) -> str:
    sender = world.sender(addresses.bare(message.from_)) if addresses.is_whatsapp(message.from_) else None
    return (sender.webhook.get("status_callback_url") or "") if sender else ""


def _parameters(world: World, message: Message) -> list[tuple[str, str]]:
    parameters = [
        ("MessageSid", message.sid),
        ("SmsSid", message.sid),
        ("AccountSid", message.account_sid),
        ("From", message.from_),
        ("To", message.to),
        ("ApiVersion", API_VERSION),
        ("MessageStatus", message.status),
        ("SmsStatus", message.status),
    ]
    if message.error_code:
        parameters += [("ErrorCode", str(message.error_code)), ("ErrorMessage", message.error_message or "")]
    if addresses.is_whatsapp(message.to):
        return parameters + _whatsapp_parameters(world, message)
    if message.status in {"delivered", "undelivered"}:
        parameters.append(("RawDlrDoneDate", now().strftime("%y%m%d%H%M")))
    return parameters


def _whatsapp_parameters(world: World, message: Message) -> list[tuple[str, str]]:
    sender = world.sender(addresses.bare(message.from_))
    parameters = [
        ("ChannelPrefix", "whatsapp"),
        ("ChannelInstallSid", sender.sid if sender else ""),
        ("ChannelToAddress", addresses.bare(message.to)),
    ]
    if message.status in {"delivered", "read"}:
        parameters.append(("EventType", message.status.upper()))
    if message.error_message:
        parameters.append(("ChannelStatusMessage", message.error_message))
    return parameters
