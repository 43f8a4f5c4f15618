"""From the objects of Twilio's library to our own frozen records."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tenant_portal.twilio_gateway.gateway import (
    AvailableNumber,
    Capabilities,
    MessageMedia,
    NumberType,
    NumberUrls,
    OwnedNumber,
    Recording,
    SenderStatus,
    SenderUrls,
    Subaccount,
    SubaccountStatus,
    Transcription,
    TwilioMessage,
    WhatsAppSender,
)

API = "https://api.twilio.com"
WHATSAPP = "whatsapp:"


def to_subaccount(account: Any) -> Subaccount:
    """An Account resource."""
    return Subaccount(
        sid=account.sid,
        friendly_name=account.friendly_name or "",
        status=SubaccountStatus(account.status),
        # Twilio shows it to the parent and to the account itself, to nobody else.
        auth_token=account.auth_token or "",
    )


def to_available(
    number: Any, number_type: NumberType, prices: Mapping[NumberType, Decimal], currency: str
) -> AvailableNumber:
    """An AvailablePhoneNumber resource, with the price that Twilio tells elsewhere."""
    return AvailableNumber(
        phone_number=number.phone_number,
        friendly_name=number.friendly_name or number.phone_number,
        number_type=number_type,
        country=number.iso_country or "",
        region=number.region or "",
        locality=number.locality or "",
        capabilities=_capabilities(number.capabilities),
        address_requirements=number.address_requirements or "none",
        monthly_price=prices.get(number_type),
        currency=currency,
    )


def to_owned(number: Any) -> OwnedNumber:
    """An IncomingPhoneNumber resource."""
    # Each of these makes Twilio ignore the URLs without a word.
    overriding = (number.sms_application_sid, number.voice_application_sid, number.trunk_sid)
    return OwnedNumber(
        sid=number.sid,
        phone_number=number.phone_number,
        friendly_name=number.friendly_name or "",
        capabilities=_capabilities(number.capabilities),
        urls=NumberUrls(
            sms=number.sms_url or "",
            sms_fallback=number.sms_fallback_url or "",
            voice=number.voice_url or "",
            voice_fallback=number.voice_fallback_url or "",
            call_status=number.status_callback or "",
        ),
        overridden_by=tuple(sid for sid in overriding if sid),
    )


def to_message(message: Any) -> TwilioMessage:
    """A Message resource."""
    return TwilioMessage(
        sid=message.sid,
        to=message.to or "",
        from_=message.from_ or "",
        body=message.body or "",
        status=message.status or "",
        direction=message.direction or "",
        error_code=message.error_code,
        num_media=_count(message.num_media),
        num_segments=_count(message.num_segments),
        price=_money(message.price),
        currency=message.price_unit,
        created_at=_moment(message.date_created),
        sent_at=_moment(message.date_sent),
    )


def to_sender(sender: Any) -> WhatsAppSender:
    """A Channels Sender resource."""
    webhook, profile = sender.webhook or {}, sender.profile or {}
    return WhatsAppSender(
        sid=sender.sid,
        phone_number=(sender.sender_id or "").removeprefix(WHATSAPP),
        status=_sender_status(sender.status),
        display_name=profile.get("name") or "",
        urls=SenderUrls(
            callback=webhook.get("callback_url"),
            fallback=webhook.get("fallback_url"),
            status_callback=webhook.get("status_callback_url"),
        ),
        offline_reasons=tuple(_reason(item) for item in sender.offline_reasons or ()),
    )


def to_media(media: Any, account_sid: str) -> MessageMedia:
    """A Media resource; its address is built from the SIDs, never taken from an answer."""
    path = f"/2010-04-01/Accounts/{account_sid}/Messages/{media.parent_sid}/Media/{media.sid}"
    return MessageMedia(
        sid=media.sid, message_sid=media.parent_sid, content_type=media.content_type or "", url=API + path
    )


def to_recording(recording: Any, account_sid: str) -> Recording:
    """A Recording resource."""
    return Recording(
        sid=recording.sid,
        call_sid=recording.call_sid or "",
        status=recording.status or "",
        # Twilio writes -1 while the recording is being made.
        duration=seconds if (seconds := int(recording.duration or -1)) >= 0 else None,
        error_code=int(recording.error_code) if recording.error_code else None,
        url=f"{API}/2010-04-01/Accounts/{account_sid}/Recordings/{recording.sid}",
    )


def to_transcription(transcription: Any) -> Transcription:
    """A Transcription resource."""
    return Transcription(
        sid=transcription.sid,
        recording_sid=transcription.recording_sid or "",
        status=transcription.status or "",
        text=transcription.transcription_text or "",
    )


def to_prices(country: Any) -> tuple[str, dict[NumberType, Decimal]]:
    """A PhoneNumbers country of the pricing API; types we do not know are left out."""
    # A country may sell types that this portal does not offer.
    known = {kind.value for kind in NumberType}
    prices = {
        NumberType(kind): price
        for kind, price in _prices(country.phone_number_prices or ())
        if kind in known and price is not None
    }
    return (country.price_unit or "").upper(), prices


def _prices(items: Iterable[Mapping[str, str]]) -> Iterable[tuple[str, Decimal | None]]:
    for item in items:
        # Twilio's pages write "toll free", "tollfree" and "toll_free" for the same thing.
        kind = item.get("number_type", "").replace("_", " ").replace("tollfree", "toll free")
        yield kind, _money(item.get("current_price") or item.get("base_price"))


def _capabilities(found: Mapping[str, bool] | None) -> Capabilities:
    # The description writes all names small, some live answers SMS and MMS in capitals.
    able = {name.lower() for name, can in (found or {}).items() if can}
    return Capabilities(sms="sms" in able, mms="mms" in able, voice="voice" in able)


def _sender_status(word: str | None) -> SenderStatus:
    return SenderStatus(word) if word in {status.value for status in SenderStatus} else SenderStatus.UNKNOWN


def _reason(item: Any) -> str:
    return str(item.get("message") or item.get("code") or item) if isinstance(item, Mapping) else str(item)


def _moment(value: Any) -> datetime | None:
    # The library hands unreadable dates through as text.
    return value if isinstance(value, datetime) else None


def _money(value: Any) -> Decimal | None:
    try:
        # Never through float: 0.0075 has no exact one, and these are added up.
        return Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None


def _count(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isdecimal() else 0
