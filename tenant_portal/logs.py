"""Logging: one line for each record, with the ids to follow it by, never a secret, a number or a body.

Ids of the request or job at hand come by themselves (`about`); others go in `extra`, by the names in FIELDS. What a
library says is cut to what cannot hold a value: no text of an exception, nothing below INFO.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from tenant_portal.config import settings

OWN = "tenant_portal"
HIDDEN = "[hidden]"
# Every other attribute of a record is dropped: a library may put anything there, a job's arguments for instance.
FIELDS = (
    "request_id", "tenant_id", "message_id", "channel_id", "job_id", "task", "action", "kind", "operation", "status",
    "code", "twilio_request_id", "seconds", "woken", "column", "file", "error", "why", "event",
)  # fmt: skip
NOISY = ("alembic", "httpx", "httpcore", "procrastinate", "twilio", "socketio", "engineio", "opentelemetry", "urllib3")
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

_ids: ContextVar[dict[str, object] | None] = ContextVar("ids", default=None)


def begin(**ids: object) -> dict[str, object]:
    """A request begins: every record of this task carries these ids and no others. `note` adds to the result."""
    _ids.set(ids)
    return ids


def note(**ids: object) -> None:
    """Every record of this request or block carries these ids as well from now on."""
    known = _ids.get()
    if known is None:
        _ids.set(ids)
    else:
        known.update(ids)


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Every record written inside carries these ids."""
    before = _ids.set({**(_ids.get() or {}), **ids})
    try:
        yield
    finally:
        _ids.reset(before)


def redact(text: str) -> str:
    """`text` without what SECRETS finds; the name of a hidden field stays."""
    return SECRETS.sub(lambda match: f"{match['name'] or ''}{HIDDEN}", text)


class Line(logging.Formatter):
    """A record for people: time, level, logger, text, then `name=value` of its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the frames of a traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
        fields = "".join(f" {name}={value}" for name, value in fields_of(record).items())
        line = f"{at} {record.levelname:<7} {record.name}: {text_of(record)}{fields}"
        return f"{line}\n{trace_of(record.exc_info[1])}" if record.exc_info and record.exc_info[1] else line


class Json(logging.Formatter):
    """A record for machines: one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """`time` (UTC), `level`, `logger`, `text`, the fields, and `trace` where there is an error."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": at, "level": record.levelname, "logger": record.name, "text": text_of(record)}
        entry |= fields_of(record)
        if record.exc_info and record.exc_info[1]:
            entry["trace"] = trace_of(record.exc_info[1])
        return json.dumps(entry)


def text_of(record: logging.LogRecord) -> str:
    """The sentence of a record, redacted."""
    text = redact(record.getMessage())
    # asyncio shows what failed with all it holds, an exception's text among it, on the lines below its sentence.
    return text.partition("\n")[0] if record.name == "asyncio" else text


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record, and the ids of what it happened in; numbers stay numbers."""
    found = {**(_ids.get() or {}), **{name: getattr(record, name) for name in FIELDS if hasattr(record, name)}}
    return {
        name: value if isinstance(value, int | float) else redact(str(value))
        for name, value in found.items()
        if value is not None
    }


def trace_of(error: BaseException) -> str:
    """Where an error came from, its causes first, without the errors' own texts: they may quote what somebody wrote."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return "\n".join(
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(link.__traceback__))}{kind_of(link)}"
        for link in reversed(chain)
    )


def kind_of(error: BaseException) -> str:
    """The class of an error, with PostgreSQL's or the system's code of it where there is one."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    code = getattr(error, "sqlstate", None) or getattr(error, "errno", None)
    return f"{name} ({code})" if code else name


def configure_logging() -> None:
    """Send everything of this process to stderr; safe to call again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if settings().log_format == "json" else Line())
    level = logging.getLevelNamesMapping()[settings().log_level]
    # A library at DEBUG writes whole requests, frames of websockets and statements: never, whatever is set.
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.getLogger(OWN).setLevel(level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for own in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        # Uvicorn's handlers would write past the redaction, and at a level of their own.
        logging.getLogger(own).handlers.clear()
        logging.getLogger(own).propagate = True
        logging.getLogger(own).setLevel(max(level, logging.WARNING))
    sys.excepthook = _log_crash
    threading.excepthook = lambda crash: _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)


def _log_crash(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        logging.getLogger(OWN).critical("the process or a thread of it has failed", exc_info=error)
