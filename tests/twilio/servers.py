"""Real servers for tests: any ASGI app on a free port of loopback, and a portal that writes down what Twilio sends."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenant_portal.twilio_gateway import twiml
from tenant_portal.twilio_gateway.signatures import verify_request

STARTED_WITHIN = 10.0


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """Serve an app from a thread of its own; yields its origin."""
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sets this for sockets it has made itself only; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    for _ in range(int(STARTED_WITHIN / 0.01)):
        if server.started:
            break
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STARTED_WITHIN)
        listener.close()


async def until(true: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    """Wait for something that another thread brings about."""
    for _ in range(int(seconds / 0.01)):
        found = true()
        if found is True or (isinstance(found, Awaitable) and await found):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not true within {seconds} s")


@dataclass(frozen=True)
class Exchange:
    """One request to the stand-in and its answer, as they went over the wire."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes
    complete: bool = True

    @property
    def from_gateway(self) -> bool:
        return not self.path.startswith("/_") and self.headers.get("user-agent", "").startswith("twilio-python")


class Recorder:
    """ASGI layer that keeps every exchange."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, answer = await read_body(receive), bytearray()
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        last: Message = {}

        async def listen() -> Message:
            return waiting.pop() if waiting else await receive()

        async def speak(message: Message) -> None:
            last.update(message)
            answer.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, listen, speak)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        asked = (scope["method"], scope["path"], query, headers, body)
        self.exchanges.append(
            Exchange(*asked, last.get("status", 0), bytes(answer), complete=not last.get("more_body"))
        )


async def read_body(receive: Receive) -> bytes:
    """The whole body, also where the app does not care for it."""
    body = bytearray()
    while True:
        message = await receive()
        body.extend(message.get("body", b""))
        if not message.get("more_body"):
            return bytes(body)


@dataclass(frozen=True)
class Received:
    """A webhook as the portal got it."""

    method: str
    path: str
    url: str
    headers: dict[str, str]
    pairs: list[tuple[str, str]]

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.pairs)

    def signed_with(self, token: str) -> bool:
        return verify_request(self.url, self.headers, [token], parameters=self.pairs)


@dataclass
class FakePortal:
    """Takes every webhook. `answers` holds, by path, what to answer next; the last answer stays."""

    origin: str = ""
    received: list[Received] = field(default_factory=list)
    answers: dict[str, list[Response]] = field(default_factory=dict)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.take, methods=["GET", "POST"])])

    async def take(self, request: Request) -> Response:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        path = request.url.path
        self.received.append(Received(request.method, path, str(request.url), dict(request.headers), pairs))
        waiting = self.answers.get(path) or [Response(twiml.empty_response(), media_type="text/xml")]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def url(self, path: str, fragment: str = "") -> str:
        return f"{self.origin}{path}{fragment}"

    def at(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    def answer(self, path: str, *answers: Response) -> None:
        self.answers[path] = list(answers)


def xml(verbs: str) -> Response:
    """A TwiML answer with these verbs."""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>', media_type="text/xml")
