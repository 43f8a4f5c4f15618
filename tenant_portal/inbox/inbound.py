"""What a message webhook of Twilio says, in our words. Pure: parameters in, values out."""

import re
from collections.abc import Callable
from typing import Any

from tenant_portal.inbox.rules import preview_of

Get = Callable[[str], str]
MAX_MEDIA = 10
# With room for the signs and spaces that people put around a word.
LONGEST_KEYWORD = 64
_SIGNS = re.compile(r"[\W_]+", re.UNICODE)

# Twilio's own lists, and the FCC's "opt out" (47 CFR 64.1200(a)(10)), the same word without its blank. Twilio has
# acted on them and answered already, so the portal only records the choice. HELP and INFO change nothing.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})

_REFERRAL = {
    "headline": "ReferralHeadline",
    "body": "ReferralBody",
    "source_url": "ReferralSourceUrl",
    "source_id": "ReferralSourceId",
    "source_type": "ReferralSourceType",
    "click_id": "ReferralCtwaClid",
}
# Keys of `message.details` that are one parameter each, kept only where it was sent.
_PLAIN = {
    "reply_to": "OriginalRepliedMessageSid",
    "reply_to_sender": "OriginalRepliedMessageSender",
    "message_type": "MessageType",
    "messaging_service": "MessagingServiceSid",
    "whatsapp_id": "WaId",
    "opt_out_type": "OptOutType",
    "fallback_error": "ErrorCode",
}
_PREVIEWS = {"image": "Picture", "audio": "Audio", "video": "Video", "text/vcard": "Contact", "text/x-vcard": "Contact"}
_TYPES = {"contacts": "Contact", "sticker": "Sticker", "reaction": "Reaction", "unsupported": "Unsupported message"}


_LOCATION = {"address": "Address", "label": "Label"}
_BUTTON = {"text": "ButtonText", "payload": "ButtonPayload", "type": "ButtonType"}
_LIST = {"title": "ListTitle", "id": "ListId"}
_FLAGS = {"forwarded": "Forwarded", "frequently_forwarded": "FrequentlyForwarded"}
# Most messages have none of these; looking for each would cost more than checking the signature.
RARE = frozenset(
    name for group in (_PLAIN, _REFERRAL, _LOCATION, _BUTTON, _LIST, _FLAGS) for name in group.values()
) | {"Latitude", "Longitude"}
MEDIA = frozenset(f"MediaUrl{number}" for number in range(MAX_MEDIA))


def opt_out(get: Get) -> str | None:
    """`stop`, `start` or None: Twilio's own verdict, or without Advanced Opt-Out a message that is just a keyword.

    In any case, and with any blanks and signs in and around it: `Stop!`, `opt-out` and `STOP ALL` are keywords.
    """
    verdict = get("OptOutType").strip().upper()
    if verdict:
        return {"STOP": "stop", "START": "start"}.get(verdict)
    body = get("Body")
    if len(body) > LONGEST_KEYWORD:
        return None
    word = _SIGNS.sub("", body).upper()
    if word in STOP_WORDS:
        return "stop"
    return "start" if word in START_WORDS else None


def media(get: Get) -> list[tuple[str, str]]:
    """(URL, declared type) of each file, by the URLs that are there: NumMedia is only Twilio's count of them."""
    found = [(get(f"MediaUrl{n}"), get(f"MediaContentType{n}")[:127]) for n in range(MAX_MEDIA)]
    return [(url, declared) for url, declared in found if url]


def details(get: Get) -> dict[str, Any]:
    """What only some messages have; the keys are those of `message.details`."""
    kept: dict[str, Any] = {key: get(name) for key, name in _PLAIN.items() if get(name)}
    groups = {
        "location": _location(get),
        "button": _group(get, _BUTTON),
        "list": _group(get, _LIST),
        "referral": _group(get, _REFERRAL),
    }
    kept |= {key: True for key, name in _FLAGS.items() if get(name).lower() == "true"}
    return kept | {key: group for key, group in groups.items() if group}


def preview(get: Get) -> str:
    """One line for the list of threads, also for a message without a text."""
    if text := preview_of(get("Body")):
        return text
    if get("Latitude"):
        return preview_of(f"Location {get('Label') or get('Address')}")
    if text := get("ButtonText") or get("ListTitle"):
        return preview_of(text)
    if get("MediaUrl0"):
        declared = get("MediaContentType0").lower()
        return _PREVIEWS.get(declared) or _PREVIEWS.get(declared.partition("/")[0]) or "File"
    return _TYPES.get(get("MessageType"), "Empty message")


def _location(get: Get) -> dict[str, Any]:
    latitude, longitude = _degrees(get("Latitude"), 90), _degrees(get("Longitude"), 180)
    named = _group(get, _LOCATION)
    if latitude is None or longitude is None:
        return named
    return {"latitude": latitude, "longitude": longitude} | named


def _degrees(value: str, most: int) -> float | None:
    try:
        degrees = float(value)
    except ValueError:
        return None
    return degrees if -most <= degrees <= most else None


def _group(get: Get, names: dict[str, str]) -> dict[str, Any]:
    return {key: get(name) for key, name in names.items() if get(name)}
