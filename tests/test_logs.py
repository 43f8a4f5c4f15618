"""Nothing secret reaches a log."""

import io
import logging

import pytest

from tenant_portal.logs import FORMAT, Redacting, RedactingFormatter, configure_logging, redact

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


def test_arguments_and_tracebacks_are_hidden_too() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(FORMAT))
    handler.addFilter(Redacting())
    logger = logging.getLogger("tests.logs")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        raise ValueError(f"password={SECRET}")
    except ValueError:
        logger.exception("failed with cookie: %s", SECRET)
    assert "Traceback" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_the_web_servers_own_messages_are_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler())
    configure_logging()
    logging.getLogger("uvicorn.error").error("cookie: session=%s", SECRET)
    assert SECRET not in capsys.readouterr().err
