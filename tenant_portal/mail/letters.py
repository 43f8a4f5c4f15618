"""What an e-mail says, and how it looks: the same words as plain text and as simple HTML."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Self
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

LONGEST_SUBJECT = 150
FRAMES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail in words: paragraphs, one link below them, and small print."""

    to: str
    subject: str
    paragraphs: tuple[str, ...]
    link: str = ""
    link_words: str = ""
    small_print: str = ""

    def packed(self) -> str:
        """As it is sealed."""
        return json.dumps(asdict(self))

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """From what `packed` gave."""
        values = json.loads(text)
        return cls(**values | {"paragraphs": tuple(values["paragraphs"])})


def compose(letter: Letter, email_id: UUID, sender: str, at: datetime) -> EmailMessage:
    """The message for a mail server. The same id gives the same Message-ID, by which a repeat is recognised."""
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{email_id}@{address.rpartition('@')[2]}>"
    # RFC 3834: nobody's holiday notice answers it.
    message["Auto-Submitted"] = "auto-generated"
    words = asdict(letter) | {"subject": message["Subject"]}
    message.set_content(FRAMES.get_template("letter.txt").render(words))
    message.add_alternative(FRAMES.get_template("letter.html").render(words), subtype="html")
    return message


def one_line(text: str) -> str:
    """Text for a header: names in it are a client's own choice, and a line break there would begin another header."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:LONGEST_SUBJECT]
