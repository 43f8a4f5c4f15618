"""The same application behind the real web server: what only a socket can show."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
import uvicorn

from tenant_portal.config import settings
from tenant_portal.front_door import received
from tenant_portal.twilio_gateway.signatures import sign
from tenant_portal.webhook_routes import webhook_app
from tests.cast import Cast, Company
from tests.webhook_client import FORM, Portal, address, text_message


@dataclass(frozen=True, slots=True)
class Wire:
    """A portal on a real port."""

    port: int

    async def raw(self, *chunks: bytes, pause: float = 0) -> bytes:
        """Send bytes piece by piece; everything that comes back until the server closes or answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.close()
        return answer


@pytest_asyncio.fixture
async def wire(cast: Cast) -> AsyncIterator[Wire]:
    """uvicorn as it runs in production, on a port of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(webhook_app, log_config=None, http="httptools", lifespan="on"))
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Wire(listener.getsockname()[1])
    server.should_exit = True
    await running
    listener.close()


def head(company: Company, *lines: str) -> bytes:
    return "\r\n".join(
        (f"POST {address('sms', company)} HTTP/1.1", "Host: x", f"Content-Type: {FORM}", *lines, "", "")
    ).encode()


async def test_a_message_over_a_socket_is_stored(wire: Wire, cast: Cast, admin_url: str) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    signature = sign(f"{settings().origin}{url}", list(form.items()), cast.acme.auth_token)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{wire.port}") as http:
        answer = await http.post(url, data=form, headers={"X-Twilio-Signature": signature})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
        assert (await Portal(http, None, admin_url).counts())["message"] == 1  # type: ignore[arg-type]


async def test_a_length_that_is_too_large_is_refused_before_the_body(wire: Wire, cast: Cast) -> None:
    answer = await wire.raw(head(cast.acme, "Content-Length: 1000000"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


async def test_chunks_without_a_length_are_counted(wire: Wire, cast: Cast) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    answer = await wire.raw(head(cast.acme, "Transfer-Encoding: chunked"), chunk, chunk, chunk, pause=0.02)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_slow_body_is_given_up(wire: Wire, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received.BODY_PATIENCE, "seconds", 0.2)
    answer = await wire.raw(head(cast.acme, "Content-Length: 10"), b"a", b"b", pause=0.15)
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_breaks_off_leaves_nothing_behind(wire: Wire, cast: Cast, admin_url: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head(cast.acme, "Content-Length: 500") + b"AccountSid=")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    answer = await wire.raw(head(cast.acme, "Content-Length: 0"))
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_repeated_signature_header_is_no_way_in(wire: Wire, cast: Cast) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    body = urlencode(form).encode()
    wrong = sign(f"{settings().origin}{url}", list(form.items()), cast.globex.auth_token)
    lines = [f"X-Twilio-Signature: {value}" for value in ("", wrong, wrong)]
    answer = await wire.raw(head(cast.acme, *lines, f"Content-Length: {len(body)}"), body)
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_an_absolute_request_target_does_not_change_what_is_signed(wire: Wire, cast: Cast) -> None:
    form = text_message(cast.acme)
    body, target = urlencode(form).encode(), f"https://evil.example{address('sms', cast.acme)}"
    signature = sign(target, list(form.items()), cast.acme.auth_token)
    request = (
        f"POST {target} HTTP/1.1\r\nHost: evil.example\r\nContent-Type: {FORM}\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    answer = await wire.raw(request.encode(), body)
    assert answer.split()[1] in {b"403", b"404"}
