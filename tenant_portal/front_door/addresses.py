"""One spelling for each person and number: E.164 whatever the channel."""

import re
from collections.abc import Callable
from functools import lru_cache

import phonenumbers

WHATSAPP = "whatsapp:"
# What Twilio nearly always sends; the library would say the same, a hundred times slower.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
# Mexican mobile numbers lost this 1 in 2019; WhatsApp still sends it, and calls and SMS of the same person do not.
_OLD_MEXICAN = re.compile(r"\+521(?=[0-9]{10}\Z)")
_DIGITS = re.compile(r"\+?[0-9 ().-]{7,24}\Z")
# A short code has at most 6 digits and belongs to one country: it is kept as it is.
MIN_PHONE_DIGITS = 7
HIDDEN = frozenset({"", "anonymous", "unknown", "restricted", "private", "unavailable", "+266696687", "266696687"})


def normalise(raw: str, country: str = "") -> str:
    """E.164 for a phone number (`whatsapp:` taken off), else the address as it came: short code, name, `sip:…`.

    `country` (two letters) says how to read a number without its country code.
    """
    address = raw.strip().removeprefix(WHATSAPP)
    if _E164.match(address):
        return _OLD_MEXICAN.sub("+52", address) if address.startswith("+521") else address
    return _by_library(address, country.upper()) if _DIGITS.match(address) else address


def caller(raw: str, call_sid: str, country: str = "") -> str:
    """As `normalise`; a caller who hides the number is a new person for each call."""
    return f"anonymous/{call_sid}" if raw.strip().lower() in HIDDEN else normalise(raw, country)


def place(get: Callable[[str], str]) -> str:
    """City, state and country of the sender, as far as Twilio knows them."""
    return ", ".join(filter(None, (get(f"From{part}").strip() for part in ("City", "State", "Country"))))


@lru_cache(maxsize=4096)
def _by_library(address: str, country: str) -> str:
    if sum(character.isdigit() for character in address) < MIN_PHONE_DIGITS:
        return address
    try:
        number = phonenumbers.parse(address, country or None)
    except phonenumbers.NumberParseException:
        return address
    if not phonenumbers.is_possible_number(number):
        return address
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
