"""What a template may say, and what stands in for its variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import TemplateKind, TemplateState

LONGEST_BODY, LONGEST_NAME, LONGEST_TITLE, LONGEST_VALUE, LONGEST_URL = 1024, 120, 20, 200, 2000
MOST_REPLIES, MOST_VARIABLES = 3, 5
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
NAME = re.compile(r"[a-z0-9_]+")
LANGUAGES = {"en": "English", "en_US": "English (US)", "en_GB": "English (UK)", "es": "Spanish", "de": "German",
             "fr": "French", "it": "Italian", "pt_BR": "Portuguese (Brazil)", "nl": "Dutch"}  # fmt: skip
CATEGORIES = {"UTILITY": "Utility: about something agreed", "MARKETING": "Marketing: offers and news"}
# What of a lead, the company or the sender a variable can stand for; empty: typed when it is sent.
FILLS = {
    "": "Typed when it is sent",
    "first_name": "The lead's first name",
    "name": "The lead's name",
    "company": "Your company's name",
    "sender": "The sender's name",
}
_OF_TWILIO = {
    "unsubmitted": TemplateState.UNSUBMITTED,
    "received": TemplateState.PENDING,
    "pending": TemplateState.PENDING,
    "approved": TemplateState.APPROVED,
    "rejected": TemplateState.REJECTED,
    "paused": TemplateState.PAUSED,
    "disabled": TemplateState.DISABLED,
}
# WhatsApp mostly answers within minutes, sometimes after a day; it may take an approval back at any time.
SHORTEST_LOOK, LONGEST_LOOK, LOOK_AGAIN = timedelta(seconds=5), timedelta(minutes=10), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `action` is `reply`, `url` or `phone`; `value` what comes back, is opened or is called."""

    action: str
    title: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A template as a person writes it."""

    name: str
    language: str
    category: str
    kind: TemplateKind
    body: str
    media_url: str = ""
    buttons: tuple[Button, ...] = ()
    samples: Mapping[str, str]
    fills: Mapping[str, str]


def checked(draft: Draft) -> Draft:
    """The draft as it can be submitted; BadInput with the field of the first mistake."""
    if not NAME.fullmatch(draft.name) or len(draft.name) > LONGEST_NAME:
        raise BadInput("A name has small letters, digits and _ only, as in order_ready.", field="name")
    if draft.language not in LANGUAGES or draft.category not in CATEGORIES:
        raise BadInput("Choose a language and a purpose.", field="language")
    numbers = _checked_body(draft.body)
    missing = [number for number in numbers if not draft.samples.get(number, "").strip()]
    if missing:
        raise BadInput(f"Give an example for {{{{{missing[0]}}}}}: WhatsApp's reviewers read it.", field="samples")
    if any(len(value) > LONGEST_VALUE for value in draft.samples.values()):
        raise BadInput(f"An example has at most {LONGEST_VALUE} characters.", field="samples")
    if any(draft.fills.get(number, "") not in FILLS for number in numbers):
        raise BadInput("Choose what stands in for each variable.", field="samples")
    if draft.kind is TemplateKind.MEDIA and not _is_web_address(draft.media_url):
        raise BadInput("Give the public address of a picture or document, starting with https://.", field="media_url")
    _check_buttons(draft)
    return draft


def variables(body: str) -> list[str]:
    """Names of the variables, in the order in which they first stand."""
    return list(dict.fromkeys(VARIABLE.findall(body)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in; one without a value stays as it is."""
    return VARIABLE.sub(lambda match: values.get(match[1]) or match[0], text)


def clean_values(numbers: list[str], values: Mapping[str, str]) -> dict[str, str]:
    """A value for each variable, in one line; BadInput where one is missing or too long."""
    found = {number: " ".join(values.get(number, "").split()) for number in numbers}
    for number, value in found.items():
        if not value:
            raise BadInput(f"Fill in {{{{{number}}}}} first: WhatsApp takes no empty one.", field="values")
        if len(value) > LONGEST_VALUE:
            raise BadInput(f"What you fill in has at most {LONGEST_VALUE} characters.", field="values")
    return found


def from_twilio(word: str) -> TemplateState:
    """Our state for Twilio's word; an unknown word is one that cannot be sent."""
    return _OF_TWILIO.get(word, TemplateState.DISABLED)


def next_look(state: TemplateState, age: timedelta) -> timedelta | None:
    """How long until Twilio is asked again about a template that is so old; None for never."""
    if state is TemplateState.PENDING:
        return min(max(age / 4, SHORTEST_LOOK), LONGEST_LOOK)
    return LOOK_AGAIN if state in {TemplateState.APPROVED, TemplateState.PAUSED} else None


def _checked_body(body: str) -> list[str]:
    if not body.strip() or len(body) > LONGEST_BODY:
        raise BadInput(f"Write a text of at most {LONGEST_BODY} characters.", field="body")
    numbers = variables(body)
    if numbers != [str(number + 1) for number in range(len(numbers))]:
        raise BadInput("Number the variables {{1}}, {{2}} and so on, in order.", field="body")
    if len(numbers) > MOST_VARIABLES:
        raise BadInput(f"A template has at most {MOST_VARIABLES} variables.", field="body")
    return numbers


def _check_buttons(draft: Draft) -> None:
    needs = draft.kind in {TemplateKind.QUICK_REPLY, TemplateKind.CALL_TO_ACTION}
    if needs and not draft.buttons:
        raise BadInput("Name at least one button.", field="buttons")
    titles = [button.title for button in draft.buttons]
    if not all(titles) or any(len(title) > LONGEST_TITLE for title in titles) or len(set(titles)) < len(titles):
        raise BadInput(f"Each button has its own name of at most {LONGEST_TITLE} characters.", field="buttons")
    for button in draft.buttons:
        if button.action == "url" and not _is_web_address(button.value):
            raise BadInput("A link starts with https://.", field="buttons")
        if button.action == "phone" and not re.fullmatch(r"\+[1-9]\d{6,14}", button.value):
            raise BadInput("A number to call starts with + and the country code.", field="buttons")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and "." in (parts.hostname or "") and len(text) <= LONGEST_URL
