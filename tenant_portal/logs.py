"""Logging: one line for each record, never a secret, a number or a body.

A record may carry `extra={"action": …, "tenant": …, "message": …}`: ids are what an operator needs to follow a request.
"""

import logging
import re
import sys

from tenant_portal.config import settings

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
HIDDEN = "[hidden]"
# What may reach a log through a library's own message: cookies, credentials, signatures, client tokens, phone numbers.
SECRETS = re.compile(
    r"""(?ix)
    (?P<name> (?: (?:set-)?cookie | authorization | x-twilio-signature | auth_?token | password ) ["']? \s*[:=]\s*
      | [?&]token= )
    (?P<value> "[^"]*" | '[^']*' | [^\s,})&]+ (?: \s (?:[\w+/=.-]{8,}) )? )
    | (?P<number> (?:whatsapp:)? (?:\+|%2B) \d{7,15} \b )
    | (?P<url> (?<=://) [^/\s:@]+ : [^/\s@]+ (?=@) )
    """
)


class Redacting(logging.Filter):
    """Hides secrets in the finished text of a record, whoever wrote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = redact(text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True


class RedactingFormatter(logging.Formatter):
    """Hides secrets in tracebacks too."""

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's own name
        return redact(super().formatException(ei))  # type: ignore[arg-type]


def redact(text: str) -> str:
    """`text` without what SECRETS finds; the name of a hidden field stays."""
    return SECRETS.sub(lambda match: f"{match['name'] or ''}{HIDDEN}", text)


def configure_logging() -> None:
    """Send everything of this process to stderr, redacted; safe to call again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(FORMAT))
    handler.addFilter(Redacting())
    logging.basicConfig(level=settings().log_level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "procrastinate", "twilio", "socketio", "engineio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for own in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        # Uvicorn's handlers would write past the filter.
        logging.getLogger(own).handlers.clear()
        logging.getLogger(own).propagate = True
