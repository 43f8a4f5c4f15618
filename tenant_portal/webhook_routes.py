"""Every route that Twilio calls. Each is an `Endpoint`, so none can be reached without a subaccount's signature."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tenant_portal.front_door import door
from tenant_portal.front_door.door import FrontDoor
from tenant_portal.inbox import webhooks as inbox
from tenant_portal.voicemail import webhooks as voicemail

PREFIX = "/api/webhooks"

# The busiest first: routes are tried in order.
webhook_routes = [
    Route(f"{PREFIX}/sms", inbox.sms),
    Route(f"{PREFIX}/whatsapp", inbox.whatsapp),
    Route(f"{PREFIX}/status/{{message_id}}", inbox.status),
    Route(f"{PREFIX}/voicemail", voicemail.call),
    Route(f"{PREFIX}/voicemail/status", voicemail.call_end),
    Route(f"{PREFIX}/voicemail/greeting", voicemail.unanswered),
    Route(f"{PREFIX}/voicemail/{{message_id}}/dialed", voicemail.dialed),
    Route(f"{PREFIX}/voicemail/{{message_id}}/action", voicemail.action),
    Route(f"{PREFIX}/voicemail/{{message_id}}/recording", voicemail.recording),
    Route(f"{PREFIX}/voicemail/{{message_id}}/transcription", voicemail.transcription),
    Route(f"{PREFIX}/sms/fallback", inbox.sms),
    Route(f"{PREFIX}/whatsapp/fallback", inbox.whatsapp),
    Route(f"{PREFIX}/voicemail/fallback", voicemail.fallback),
]


def lifespan() -> AbstractAsyncContextManager[FrontDoor]:
    """Opens the front door of this process; to be entered once, after `db.use_database`."""
    return door.lifespan()


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    async with door.lifespan():
        yield


_all = Starlette(routes=webhook_routes, lifespan=_lifespan)
# A redirect would turn Twilio's POST into a GET and lose the form.
_all.router.redirect_slashes = False
# Paths without a parameter need no search: an eighth of what a message costs this process.
_direct = {route.path: route.app for route in webhook_routes if "{" not in route.path}


async def webhook_app(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of all routes; also runs alone, with its own lifespan."""
    await _direct.get(scope.get("path", ""), _all)(scope, receive, send)
