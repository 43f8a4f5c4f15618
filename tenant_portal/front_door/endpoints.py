"""What a feature says about one kind of request; the front door does the rest."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tenant_portal.front_door.events import Row, Stored
from tenant_portal.front_door.limits import FAILURES, FLOOD, TOO_MANY, Limits
from tenant_portal.front_door.metrics import SECONDS, refusals, webhooks
from tenant_portal.front_door.received import ClientGone, Received, is_unsigned, read, source_of
from tenant_portal.front_door.refusal import Refusals, Refused
from tenant_portal.front_door.spool import SpoolFull
from tenant_portal.front_door.verify import Webhook
from tenant_portal.logs import begin, note
from tenant_portal.tracing import Span, span

# The rest of the body is not read, so the connection cannot carry another request.
HEADERS = {
    405: {"allow": "POST"},
    408: {"connection": "close"},
    413: {"connection": "close"},
    429: {"connection": "close"},
}
UNAVAILABLE = 503
# Not the request's fault but ours: a caller hears an apology.
SHORTAGES = frozenset({FLOOD, "quarantine-full", "spool-full"})
NOBODY = "unknown"
log = logging.getLogger(__name__)


class Door(Protocol):
    """The open front door of a process; see `door.FrontDoor`."""

    refusals: Refusals
    limits: Limits

    async def take(self, endpoint: "Endpoint", received: Received) -> Stored:
        """Store it durably. Raises Refused, SpoolFull."""
        ...


ENDPOINTS: dict[str, "Endpoint"] = {}
_open: list[Door] = []


def open_door(door: Door | None) -> None:
    """Name the door that this process's endpoints lead to, or None at its end."""
    _open[:] = [door] if door else []


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One kind of request, as an ASGI application.

    `row` makes what is stored of a verified request (Refused 400 or 404 where it cannot), `answer` what Twilio hears
    once that is durable. `last_resort` is the answer when all else fails: a caller on the line must hear something.
    """

    kind: str
    row: Callable[[Webhook], Row]
    answer: Callable[[Received, Stored], Response]
    last_resort: Response | None = None

    def __post_init__(self) -> None:
        ENDPOINTS[self.kind] = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the answers are listed in docs/webhooks.md."""
        started = time.perf_counter()
        known = begin()
        with span("webhook", kind=self.kind) as current:
            try:
                outcome, response = await self._respond(scope, receive, current)
            except ClientGone:
                return
            webhooks[self.kind, outcome, str(known.get("tenant_state", NOBODY))].inc()
            current.set(outcome=outcome, tenant_id=known.get("tenant_id", NOBODY))
            await response(scope, receive, send)
        SECONDS.observe(time.perf_counter() - started)

    async def _respond(self, scope: Scope, receive: Receive, current: Span) -> tuple[str, Response]:
        if not _open:
            return "closed", Response(status_code=UNAVAILABLE)
        door, source = _open[0], source_of(scope)
        try:
            if door.limits.is_shut(source) and is_unsigned(scope):
                # It cannot become right: not worth its body.
                raise Refused(TOO_MANY, FAILURES)
            received = await read(self.kind, scope, receive)
            note(request_id=received.message_id)
            stored = await door.take(self, received)
            current.belongs_to(stored.commit)
            return stored.outcome, self.answer(received, stored)
        except Refused as refusal:
            return "refused", self._refuse(door, door.limits.judge(refusal, source))
        except SpoolFull:
            return "unavailable", self._refuse(door, Refused(UNAVAILABLE, "spool-full"))
        except ClientGone:
            raise
        except Exception as error:
            if self.last_resort is None:
                webhooks[self.kind, "fault", NOBODY].inc()
                raise
            log.warning("a caller got the last resort", extra={"kind": self.kind, "error": type(error).__name__})
            return "fault", self.last_resort

    def _refuse(self, door: Door, refusal: Refused) -> Response:
        door.refusals.count(self.kind, refusal)
        refusals[refusal.reason,].inc()
        if refusal.reason in SHORTAGES and self.last_resort is not None:
            return self.last_resort
        return Response(status_code=refusal.status, headers=HEADERS.get(refusal.status))
