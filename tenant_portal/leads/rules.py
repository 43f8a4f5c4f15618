"""Names, limits and values of leads."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

import phonenumbers

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import FieldKind

MAX_NAME = 200
MAX_NOTE = 4000
MAX_NEXT_STEP = 200
MAX_WORD = 40
MAX_TEXT = 500
MAX_STAGES, MAX_LABELS, MAX_FIELDS, MAX_CHOICES = 20, 50, 30, 50
LARGEST_VALUE = Decimal("999999999999.99")
LARGEST_NUMBER = Decimal(10) ** 15
ANONYMOUS = "anonymous/"
# ISO 4217; those with cents. A currency without them would need another column than two digits after the point.
CURRENCIES = (
    "USD", "EUR", "GBP", "CAD", "AUD", "NZD", "CHF", "MXN", "BRL", "ARS", "COP", "PEN", "INR", "ZAR", "SGD", "HKD",
    "SEK", "NOK", "DKK", "PLN", "CZK", "ILS", "AED", "SAR", "PHP", "THB", "MYR", "TRY",
)  # fmt: skip
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
# As front_door.addresses spells them; see there.
_MEXICO = re.compile(r"\+521(?=[0-9]{10}\Z)")
_ARGENTINA = re.compile(r"\+549(?=[0-9]{10}\Z)")
Word = TypeVar("Word", bound=StrEnum)


class FieldErrors(BadInput):
    """Several fields of a form are wrong; `fields` maps each to its sentence. Nothing was changed."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(next(iter(fields.values())), field=next(iter(fields)))
        self.fields = fields


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


def first_name(name: str) -> str:
    """The first word of a name; empty where there is none."""
    return next(iter(name.split()), "")


def display_name(name: str, profile_name: str, address: str) -> str:
    """What the team calls this person: their own name for it, else the profile's, else the number."""
    return name or profile_name or format_number(address)


def is_phone_number(address: str) -> bool:
    """Whether the address is an E.164 number, so that it can be called and written to."""
    return address.startswith("+") and address[1:].isascii() and address[1:].isdigit()


def same_number(address: str) -> str:
    """The same text for all spellings of one number that E.164 keeps apart.

    An Argentine mobile has a 9 after +54 in SMS and WhatsApp and none in calls. A landline has none either, so that the
    two are proposed as one person and never joined by themselves.
    """
    return _ARGENTINA.sub("+54", address)


def clean_name(name: str) -> str:
    """The name in one line; BadInput where it is too long. Empty falls back to the profile's name or the number."""
    return _one_line(name, MAX_NAME, "A name", "name")


def clean_note(body: str) -> str:
    """The note without blanks around it; BadInput where it is empty or too long."""
    body = body.strip()
    if not body:
        raise BadInput("Write the note first.", field="note")
    if len(body) > MAX_NOTE:
        raise BadInput(f"A note has at most {MAX_NOTE} characters.", field="note")
    return body


def clean_consent_note(note: str) -> str:
    """How the team knows what a lead said about being written to; BadInput where it is empty or too long."""
    note = _one_line(note, MAX_TEXT, "A note", "note")
    if not note:
        raise BadInput("Write down how you know this, such as “signed the form in the shop on 3 May”.", field="note")
    return note


def clean_word(word: str, what: str) -> str:
    """The name of a stage, label or field (`what`), in one line; BadInput where it is empty or too long."""
    word = _one_line(word, MAX_WORD, "The name", "name")
    if not word:
        raise BadInput(f"Give the {what} a name.", field="name")
    return word


def clean_next_step(text: str) -> str:
    """What to do next, in one line; BadInput where it is too long."""
    return _one_line(text, MAX_NEXT_STEP, "A next step", "next_step")


def _one_line(text: str, longest: int, what: str, field: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if len(text) > longest:
        raise BadInput(f"{what} has at most {longest} characters.", field=field)
    return text


def parse_value(text: str) -> Decimal | None:
    """Money with two digits after the point: `1,250`, `1250.5`, `1.250,50`; None for nothing. BadInput."""
    text = text.strip()
    if not text:
        return None
    value = _decimal(text)
    if value is None:
        raise BadInput("Write the value as a number, such as 1250 or 1250.50.", field="value")
    if value < 0 or value > LARGEST_VALUE:
        raise BadInput("A value is at least 0 and has at most twelve digits before the point.", field="value")
    # Three digits may be thousands or thousandths: better to ask than to be wrong by a thousand.
    if isinstance(digits := value.as_tuple().exponent, int) and digits < -2:
        raise BadInput("A value has at most two digits after the point.", field="value")
    return round(value, 2)


def _decimal(text: str) -> Decimal | None:
    """A number as people write it: of point and comma the last is the decimal one, but for `1,250` and `1.250.000`."""
    text = re.sub(r"[\s'\u2019]", "", text)
    if not re.fullmatch(r"-?[0-9][0-9.,]*", text):
        return None
    last = max(text.rfind("."), text.rfind(","))
    if last >= 0:
        sign, others = text[last], "," if text[last] == "." else "."
        is_thousands = text.count(sign) > 1 or (sign == "," and len(text) - last == 4 and others not in text)
        whole, part = (text, "") if is_thousands else (text[:last], text[last + 1 :])
        text = re.sub(r"[.,]", "", whole) + (f".{part}" if part else "")
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def parse_number(text: str, country: str = "") -> str:
    """A phone number as E.164, whatever blanks and brackets it has; `country` reads one without its code. BadInput."""
    text = _MEXICO.sub("+52", re.sub(r"[\s()./-]", "", text.removeprefix("whatsapp:")))
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        raise BadInput("Write the number with its country code, such as +1 415 555 0100.", field="number") from None
    if not phonenumbers.is_possible_number(number):
        raise BadInput("This number is too short or too long.", field="number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_day(text: str, field: str = "next_step_on") -> date | None:
    """A day as browsers and spreadsheets send it, `2026-11-25`; None for nothing. BadInput."""
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("Write the day as year-month-day, such as 2026-11-25.", field=field) from None
    if not 1900 <= day.year <= 2200:
        raise BadInput("Choose a day between the years 1900 and 2200.", field=field)
    return day


def parse_field(kind: FieldKind, choices: Sequence[str], text: str, field: str) -> str:
    """What is kept of a client's own field; "" for nothing. BadInput names `field`."""
    text = text.replace("\x00", "").strip()
    if not text:
        return ""
    if kind is FieldKind.DATE:
        day = parse_day(text, field)
        return day.isoformat() if day else ""
    if kind is FieldKind.NUMBER:
        return _number(text, field)
    if kind is FieldKind.CHOICE:
        found = next((choice for choice in choices if choice.casefold() == text.casefold()), None)
        if found is None:
            raise BadInput("Choose one of the words of this field.", field=field)
        return found
    return _one_line(text, MAX_TEXT, "This field", field)


def _number(text: str, field: str) -> str:
    number = _decimal(text)
    if number is None or abs(number) > LARGEST_NUMBER:
        raise BadInput("Write a number, such as 3 or 2.5.", field=field)
    return f"{number.normalize():f}"


def parse_choices(text: str) -> list[str]:
    """The words of a choice, one a line, each once; BadInput where there is none or one is too long."""
    lines = [_one_line(line, MAX_WORD, "A choice", "choices") for line in text.splitlines()]
    choices = list(dict.fromkeys(filter(None, lines)))
    if not choices:
        raise BadInput("Write at least one choice, each on its own line.", field="choices")
    if len(choices) > MAX_CHOICES:
        raise BadInput(f"A field has at most {MAX_CHOICES} choices.", field="choices")
    return choices


def format_money(value: Decimal, currency: str) -> str:
    """`$1,250.00`; a currency without a sign of its own as `CHF 1,250.00`."""
    return f"{SIGNS.get(currency, f'{currency} ')}{value:,.2f}"


def word_of(words: type[Word], text: str, field: str) -> Word:
    """The word of a closed set; BadInput for any other."""
    try:
        return words(text)
    except ValueError:
        raise BadInput("Choose one of the list.", field=field) from None


def currency_of(text: str) -> str:
    """A currency of the list; BadInput for any other."""
    if text not in CURRENCIES:
        raise BadInput("Choose a currency of the list.", field="currency")
    return text
