"""The way out: a mail server by PORTAL_SMTP_URL, or a folder in which a person opens what would have been sent."""

import asyncio
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from tenant_portal.config import PRIVATE_FILE, PRIVATE_FOLDER, settings
from tenant_portal.errors import PortalError

SECONDS = 20.0
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
FOLDER = "outbox"
NOT_REACHED = "The mail server cannot be reached at the moment."
NOT_SIGNED_IN = "The mail server does not let the portal in."
NOT_FROM_HERE = "The mail server does not send for the portal's address."
NO_TLS = "The mail server offers no encryption."
NO_SUCH_ADDRESS = "The mail server does not take this address."
NOT_TAKEN = "The mail server refused this e-mail."


class MailError(PortalError):
    """The e-mail was not taken. `permanent` says that it never will be."""


class Mailer(Protocol):
    """Takes an e-mail for delivery."""

    async def send(self, message: EmailMessage) -> None:
        """Return once it is taken; MailError if it is not."""


class Smtp:
    """A mail server. With `smtp://` the connection must be encrypted before anything is said (STARTTLS)."""

    def __init__(self, url: str) -> None:
        """`url` is PORTAL_SMTP_URL."""
        parts = urlsplit(url)
        self._way = parts.scheme
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    async def send(self, message: EmailMessage) -> None:
        """Hand it over in a connection of its own; within SECONDS for each step."""
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user or None,
                password=self._password or None,
                use_tls=self._way == "smtps",
                start_tls=self._way == "smtp",
                timeout=SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise translated(error) from None


class Folder:
    """Writes `.eml` files, which any mail program opens."""

    def __init__(self, path: Path) -> None:
        """`path` is made if it is not there."""
        self._path = path

    async def send(self, message: EmailMessage) -> None:
        """Write one file, named after time and addressee."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        self._path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        to = re.sub(r"[^\w.@+-]", "_", str(message["To"]))[:100]
        path = self._path / f"{datetime.now(UTC):%Y-%m-%d %H.%M.%S.%f} {to}.eml"
        path.touch(mode=PRIVATE_FILE)
        path.write_bytes(bytes(message))


def mailer() -> Mailer:
    """The one of this installation."""
    if settings().smtp_url:
        return Smtp(settings().smtp_url)
    return Folder(settings().data_dir / FOLDER)


def translated(error: Exception) -> MailError:
    """What a person can be told. Only what the server says of this one e-mail is final (5yz, RFC 5321, 4.2.1)."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return MailError(NOT_SIGNED_IN, permanent=False)
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return MailError(NOT_FROM_HERE, permanent=False)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return MailError(NO_SUCH_ADDRESS, permanent=all(one.code >= 500 for one in error.recipients))
    if isinstance(error, aiosmtplib.SMTPDataError):
        return MailError(NOT_TAKEN, permanent=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in str(error):
        return MailError(NO_TLS, permanent=False)
    return MailError(NOT_REACHED, permanent=False)
