"""Names and limits of leads."""

import phonenumbers

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import Stage

MAX_NAME = 200
MAX_NOTE = 4000
ANONYMOUS = "anonymous/"


def format_number(address: str) -> str:
    """`+1 415-555-0100` for an E.164 number; anything else (short code, sender name) as it is."""
    if address.startswith(ANONYMOUS):
        return "Number withheld"
    if not address.startswith("+"):
        return address
    try:
        number = phonenumbers.parse(address)
    except phonenumbers.NumberParseException:
        return address
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def display_name(name: str, profile_name: str, address: str) -> str:
    """What the team calls this person: their own name for it, else the profile's, else the number."""
    return name or profile_name or format_number(address)


def is_phone_number(address: str) -> bool:
    """Whether the address is an E.164 number, so that it can be called and written to."""
    return address.startswith("+") and address[1:].isascii() and address[1:].isdigit()


def clean_name(name: str) -> str:
    """The name in one line; BadInput where it is too long. Empty falls back to the profile's name or the number."""
    name = " ".join(name.split())
    if len(name) > MAX_NAME:
        raise BadInput(f"A name has at most {MAX_NAME} characters.", field="name")
    return name


def clean_note(body: str) -> str:
    """The note without blanks around it; BadInput where it is empty or too long."""
    body = body.strip()
    if not body:
        raise BadInput("Write the note first.", field="note")
    if len(body) > MAX_NOTE:
        raise BadInput(f"A note has at most {MAX_NOTE} characters.", field="note")
    return body


def stage_of(word: str) -> Stage:
    """The stage of this name; BadInput for any other word."""
    try:
        return Stage(word)
    except ValueError:
        raise BadInput("There is no such stage.", field="stage") from None
