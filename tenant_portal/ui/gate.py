"""The gate in front of everything a browser asks for over HTTP, and of every websocket handshake.

Pages, scripts and websockets exist only for a live session; staff pages and their scripts only for staff. The events on
an open websocket, which this gate does not see, stand behind ui/event_gate.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenant_portal.config import LOOPBACK_HOSTS, settings
from tenant_portal.db import identity_session
from tenant_portal.identity.cookies import read_token
from tenant_portal.identity.queries import Person
from tenant_portal.identity.sessions import resume
from tenant_portal.logs import begin
from tenant_portal.ui import routes
from tenant_portal.ui.security_headers import IMMUTABLE, common, page_policy
from tenant_portal.ui.state_store import state_store

REFUSED_SOCKET = 4401
ASSETS = "/assets/"
STAFF_ASSETS = "/assets/_staff_"
# Served without a session: what comes before sign-in, what machines ask, and endpoints that look for themselves.
OPEN_PATHS = frozenset(
    {
        "/login",
        "/healthz",
        "/readyz",
        "/readyz/proxy",
        "/metrics",
        "/ping",
        "/favicon.svg",
        "/favicon.ico",
        "/sign-in.css",
        "/robots.txt",
    }
)
OPEN_PREFIXES = ("/auth/", "/invitation/", "/fonts/", "/api/webhooks/")
# Endpoints of ours that answer with their own status where a page would send to the sign-in.
OWN_ANSWER_PREFIXES = ("/media/", "/files/", "/export/", "/greetings/", "/uploads/")


@dataclass(frozen=True, slots=True)
class AsgiGate:
    """ASGI middleware; wraps Reflex and our own endpoints."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            begin(request_id=uuid4())
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        is_own = headers.getlist("origin") == [settings().origin]
        if is_own and state_store.is_there and await person_of(headers):
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": REFUSED_SOCKET})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._refusal(scope)
        await (answer or self.app)(scope, receive, _with_headers(send, scope["path"]))

    async def _refusal(self, scope: Scope) -> ASGIApp | None:
        path, headers = scope["path"], Headers(scope=scope)
        if elsewhere := _canonical(scope, headers):
            return RedirectResponse(elsewhere, 307)
        if path in OPEN_PATHS or path.startswith((*OPEN_PREFIXES, *OWN_ANSWER_PREFIXES)):
            return None
        return refusal(path, scope.get("query_string", b""), await person_of(headers))


def refusal(path: str, query: bytes, person: Person | None) -> ASGIApp | None:
    """What to answer instead of the page or script at `path`; None lets it through."""
    is_page = not path.startswith((ASSETS, "/_")) and "." not in path.rpartition("/")[2]
    if person is None:
        if not is_page:
            return PlainTextResponse("Sign in first.", 403)
        return RedirectResponse(f"{routes.LOGIN}{_next(path, query)}", 303)
    if path.startswith(STAFF_ASSETS) and not person.is_staff:
        return PlainTextResponse("Not allowed.", 403)
    if is_page and path.rstrip("/") != routes.SIGNED_OUT and is_of_staff(path) != person.is_staff:
        return RedirectResponse(routes.TENANTS if person.is_staff else routes.HOME, 303)
    return None


def is_of_staff(path: str) -> bool:
    """Whether this is the address of a staff page."""
    return path == routes.STAFF_PREFIX or path.startswith(f"{routes.STAFF_PREFIX}/")


async def person_of(headers: Headers) -> Person | None:
    """Whoever holds the live session of this request's cookie."""
    token = read_token(headers.get("cookie", ""))
    if token is None or len(headers.getlist("cookie")) != 1:
        return None
    async with identity_session() as session:
        return await resume(session, token, datetime.now(UTC))


def _canonical(scope: Scope, headers: Headers) -> str | None:
    """127.0.0.1 and localhost are two origins to a browser; whoever took the wrong one is led to the right one."""
    wanted = urlsplit(settings().origin)
    asked = urlsplit(f"//{headers.get('host', '')}").hostname
    if scope["method"] != "GET" or wanted.hostname not in LOOPBACK_HOSTS or asked not in LOOPBACK_HOSTS:
        return None
    if asked == wanted.hostname or scope["path"] in OPEN_PATHS - {routes.LOGIN}:
        return None
    return settings().origin + quote(scope["path"])


def _next(path: str, query: bytes) -> str:
    return "" if path == "/" or query else f"?next={quote(path.rstrip('/'))}"


def _with_headers(send: Send, path: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in common(settings().origin).items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith("text/html"):
                headers.setdefault("Content-Security-Policy", page_policy(settings().origin))
                headers.setdefault("Cache-Control", "no-store")
            elif path.startswith((ASSETS, "/fonts/")) and message["status"] == 200:
                headers["Cache-Control"] = IMMUTABLE
        await send(message)

    return sending
