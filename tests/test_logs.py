"""Nothing secret reaches a log."""

import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from tenant_portal.config import settings
from tenant_portal.logs import Json, Line, about, configure_logging, redact

SECRET = "s3cr3t-c4n4ry-value"


@pytest.mark.parametrize(
    "line",
    [
        f"headers: {{'cookie': 'portal={SECRET}', 'accept': '*/*'}}",
        f'{{"Authorization": "Basic {SECRET}"}}',
        f"Cookie: portal_session={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"X-Twilio-Signature: {SECRET}",
        f"auth_token={SECRET}",
        f"password='{SECRET}'",
        f"GET /_event?EIO=4&token={SECRET}&transport=websocket",
        f"postgresql://portal_web:{SECRET}@127.0.0.1/portal",
    ],
)
def test_a_secret_is_hidden(line: str) -> None:
    assert SECRET not in redact(line)
    assert "[hidden]" in redact(line)


@pytest.mark.parametrize("number", ["+14155550100", "whatsapp:+4915112345678", "%2B14155550100"])
def test_a_phone_number_is_hidden(number: str) -> None:
    assert "55501" not in redact(f"message from {number} stored")
    assert "151123" not in redact(f"message from {number} stored")


def test_ids_stay_readable() -> None:
    line = "tenant 01a2073f-bdc3-7f13-a32d-d62e28e4f624: message SM0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a stored in 12 ms"
    assert redact(line) == line


@pytest.fixture(autouse=True)
def hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own hooks are back after each test."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


class Written(logging.Handler):
    """What a formatter makes of the records of `tests.logs`."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []
        self.logger = logging.getLogger("tests.logs")
        self.logger.handlers = [self]
        self.logger.propagate = False
        self.logger.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(params=[Line, Json])
def written(request: pytest.FixtureRequest) -> Written:
    return Written(request.param())


def test_no_text_of_an_error_is_written(written: Written) -> None:
    try:
        try:
            raise ValueError(f"the message was: {SECRET}")
        except ValueError as cause:
            raise OSError(28, SECRET) from cause
    except OSError:
        written.logger.exception("failed with cookie: %s", SECRET)
    assert SECRET not in written.lines[0]
    assert "ValueError" in written.lines[0]
    assert "OSError (28)" in written.lines[0]
    assert "test_logs.py" in written.lines[0]


def test_a_record_carries_the_ids_of_what_it_happened_in(written: Written) -> None:
    with about(tenant_id="t-1", job_id=7):
        written.logger.info("sent", extra={"message_id": "m-1"})
    written.logger.info("later")
    assert all(word in written.lines[0] for word in ("t-1", "7", "m-1"))
    assert "t-1" not in written.lines[1]


def test_a_field_that_nobody_named_is_left_out(written: Written) -> None:
    written.logger.info("received", extra={"body": SECRET, "status": 503, "why": f"password={SECRET}"})
    assert SECRET not in written.lines[0]
    assert "503" in written.lines[0]


def test_a_json_line_is_one_object_whatever_was_written() -> None:
    written = Written(Json())
    with about(job_id=7):
        written.logger.warning("two\nlines")
    entry = json.loads(written.lines[0])
    assert (entry["text"], entry["level"], entry["job_id"]) == ("two\nlines", "WARNING", 7)
    assert "\n" not in written.lines[0]


@pytest.fixture
def debug(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that was asked to write as much as it can."""
    monkeypatch.setenv("PORTAL_LOG_LEVEL", "DEBUG")
    settings.cache_clear()
    configure_logging()
    yield
    monkeypatch.undo()
    settings.cache_clear()
    configure_logging()


@pytest.mark.parametrize("library", ["websockets.server", "uvicorn.error", "python_multipart.multipart", "psycopg"])
def test_at_debug_a_library_is_still_silent(debug: None, library: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger(library).debug("< TEXT %s", SECRET)
    logging.getLogger("tenant_portal.anything").debug("our own words")
    assert (SECRET in capsys.readouterr().err, logging.getLogger("tenant_portal.x").isEnabledFor(logging.DEBUG)) == (
        False,
        True,
    )


def test_what_asyncio_shows_of_a_failed_task_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task exception=%r>", SECRET)
    assert "never retrieved" in (said := capsys.readouterr().err)
    assert SECRET not in said


def test_a_crash_is_written_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    sys.excepthook(RuntimeError, RuntimeError(SECRET), None)
    assert "RuntimeError" in (said := capsys.readouterr().err)
    assert SECRET not in said


def test_the_web_servers_own_messages_are_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler())
    configure_logging()
    logging.getLogger("uvicorn.error").error("cookie: session=%s", SECRET)
    assert SECRET not in capsys.readouterr().err
