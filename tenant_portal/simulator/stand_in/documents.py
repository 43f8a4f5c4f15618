"""TwiML as it comes back from the portal, read as strictly as Twilio reads it."""

from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from tenant_portal.simulator.stand_in.webhooks import Outcome

XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
LONGEST = 64 * 1024
NOT_XML, WRONG_TYPE, TOO_LONG = 12100, 12300, 11750


@dataclass(frozen=True)
class Document:
    """The verbs of a TwiML document and the URL it came from."""

    url: str
    verbs: tuple[Element, ...]


class Unreadable(Exception):
    """Not a TwiML document. `answered` says that there was an answer, so that the fallback has not been asked yet."""

    def __init__(self, code: int, *, answered: bool) -> None:
        super().__init__(code)
        self.code = code
        self.answered = answered


def read(outcome: Outcome) -> Document:
    """The document in an answer. Raises Unreadable."""
    if not outcome.ok:
        raise Unreadable(outcome.error_code or 0, answered=False)
    if outcome.content_type not in XML_TYPES:
        raise Unreadable(WRONG_TYPE, answered=True)
    if len(outcome.text.encode()) > LONGEST:
        raise Unreadable(TOO_LONG, answered=True)
    try:
        root = ET.fromstring(outcome.text)  # noqa: S314  # written by our own portal
    except ET.ParseError:
        raise Unreadable(NOT_XML, answered=True) from None
    if root.tag != "Response":
        raise Unreadable(NOT_XML, answered=True)
    return Document(outcome.url, tuple(root))
