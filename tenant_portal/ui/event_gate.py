"""Default deny for the events on an open websocket.

`EventFilter` stands in front of Reflex' own parsing and logging, `EventGate` in front of every handler. Both lean on
internals of Reflex 0.10.1 (`event_namespace.on_event`, `on_connect`), hence the exact pin and a test for each.
"""

import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import reflex as rx
from pydantic import ConfigDict, TypeAdapter, ValidationError
from redis.exceptions import RedisError
from reflex.event import Event, EventSpec
from reflex.middleware import Middleware
from reflex.state import BaseState, StateUpdate
from reflex_base.registry import RegistrationContext
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.datastructures import Headers

from tenant_portal.crypto import token_hash
from tenant_portal.db import identity_session
from tenant_portal.errors import PortalError
from tenant_portal.identity.sessions import resume
from tenant_portal.logs import begin
from tenant_portal.ui import routes
from tenant_portal.ui.access import audience_of, may_call
from tenant_portal.ui.gate import person_of
from tenant_portal.ui.live import Live, hub
from tenant_portal.ui.session_state import SessionState, SignedOut, token_of

log = logging.getLogger(__name__)
EVENTS_PER_SECOND, BURST = 20.0, 60.0
LARGEST_PAYLOAD = 64_000
SOCKETS_PER_SESSION = 30
HYDRATION = ("reflex___state____state.hydrate", "reflex___state____state.hydrate_and_load")
STRICT = ConfigDict(arbitrary_types_allowed=True)
DENIED = StateUpdate()
SIGNED_OUT = StateUpdate(events=Event.from_event_type(rx.redirect(routes.SIGNED_OUT, replace=True)))


class EventGate(Middleware):
    """Runs before hydration and before every handler: a live session, the state's own session, the right audience."""

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:  # noqa: ARG002
        """None lets the event through. Reflex passes `app` by name."""
        token = token_of(state)
        frame = await state.get_state(SessionState)
        if token is None or (frame._bound and frame._bound != token_hash(token)):
            # A client token is no secret: whoever reconnects with it must also hold the session it was made in.
            return SIGNED_OUT
        async with identity_session() as session:
            person = await resume(session, token, datetime.now(UTC))
        if person is None:
            return SIGNED_OUT
        begin(request_id=uuid4(), tenant_id=person.tenant_id)
        if not may_call(person, event.name):
            log.warning("refused an event that is not for this role", extra={"event": event.name})
            return DENIED
        frame._bound = token_hash(token)
        return None


@dataclass(slots=True)
class Bucket:
    """What a socket may still send at once."""

    tokens: float = BURST
    at: float = field(default_factory=time.monotonic)

    def take(self, now: float) -> bool:
        """Whether one more event is within 20 a second after a burst of 60."""
        self.tokens = min(BURST, self.tokens + (now - self.at) * EVENTS_PER_SECOND) - 1
        self.at = now
        return self.tokens >= 0


@dataclass(slots=True)
class EventFilter:
    """Wraps the event namespace's methods; see `install`."""

    live: Live
    buckets: dict[str, Bucket] = field(default_factory=dict)
    original: dict[str, Any] = field(default_factory=dict)

    def install(self) -> None:
        """Put itself in front of Reflex' own methods."""
        namespace = self.live.app.event_namespace
        if namespace is None:
            raise PortalError("Reflex has made no event namespace: there is no state in the application.")
        for name in ("on_connect", "on_event", "on_disconnect", "on_client_error"):
            self.original[name] = getattr(namespace, name)
            setattr(namespace, name, getattr(self, name))

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> Any:
        """A namespace can be closed and opened again on one websocket, so the session is looked up here once more."""
        person = await person_of(Headers(scope=environ["asgi.scope"]))
        if person is None or len(hub.of_session(person.session_id)) >= SOCKETS_PER_SESSION:
            raise Refused("Sign in first.")
        hub.enter(sid, person)
        self.buckets[sid] = Bucket()
        if isinstance(auth, dict) and not is_acceptable(auth.get("event")):
            auth = None
        return await self.original["on_connect"](sid, environ, auth)

    def on_disconnect(self, sid: str, *_reason: Any) -> Any:
        """Forget the socket."""
        hub.leave(sid)
        self.buckets.pop(sid, None)
        return self.original["on_disconnect"](sid)

    async def on_client_error(self, sid: str, data: Any = None) -> None:
        """Ignored: it would write text of a browser's choosing to the log."""

    async def on_event(self, sid: str, data: Any) -> None:
        """Drop what no page of ours would send; cut off a flood."""
        bucket = self.buckets.get(sid)
        if bucket is None:
            return
        if not bucket.take(time.monotonic()) or payload_size(data) > LARGEST_PAYLOAD:
            log.warning("cut off a socket that sent too much")
            await self.live.close(sid)
        elif is_acceptable(data):
            await self.original["on_event"](sid, data)


def is_acceptable(data: Any) -> bool:
    """Whether this is an event some handler of ours may get, with arguments of the handler's types."""
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        return False
    name = data["name"]
    known = RegistrationContext.get().event_handlers.get(name)
    if known is None or audience_of(name) is None:
        return False
    payload, router = data.get("payload") or {}, data.get("router_data") or {}
    if not isinstance(payload, dict) or not isinstance(router, dict):
        return False
    return name in HYDRATION or fits(known.handler._type_hints or {}, payload)


def fits(hints: dict[str, Any], payload: dict[str, Any]) -> bool:
    """Whether every argument is known to the handler and of its type. Annotations alone do not hold anything back."""
    arguments = {name: hint for name, hint in hints.items() if name != "return"}
    if not set(payload) <= set(arguments):
        return False
    try:
        for name, value in payload.items():
            TypeAdapter(arguments[name]).validate_python(value)
    except ValidationError:
        return False
    return True


def payload_size(data: Any) -> int:
    """Characters of the event as JSON."""
    return len(json.dumps(data, default=str))


def on_exception(exception: Exception) -> EventSpec | None:
    """What a failed handler tells the reader. The log gets the kind of error and where, never its values."""
    if isinstance(exception, SignedOut):
        return rx.redirect(routes.SIGNED_OUT, replace=True)
    if isinstance(exception, PortalError):
        return SessionState.tell_trouble(exception.message)
    if isinstance(exception, RedisError):
        # Whatever would tell the reader needs the state as well; the connection is closed instead, see state_store.py.
        log.warning("a page's state could not be reached", extra={"error": type(exception).__name__})
        return None
    # Called by Reflex apart from the event: whose it was is known no more, and another's id would mislead.
    begin()
    log.error("a page failed", exc_info=exception)
    return SessionState.tell_trouble("Something went wrong here. It has been noted; please try again.")
