"""The simulated Twilio as a server: `uvicorn tenant_portal.simulator.twilio_server:create --factory`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.config import settings
from tenant_portal.simulator.stand_in import (
    accounts_api,
    content_api,
    delivery,
    handset_api,
    inbound,
    messages_api,
    numbers_api,
    senders_api,
    voice_api,
)
from tenant_portal.simulator.stand_in.faults import FaultMiddleware, Faults
from tenant_portal.simulator.stand_in.problems import Problem, on_problem, on_unknown_path
from tenant_portal.simulator.stand_in.records import Account
from tenant_portal.simulator.stand_in.store import Store
from tenant_portal.simulator.stand_in.webhooks import Webhooks
from tenant_portal.simulator.stand_in.world import World
from tenant_portal.twilio_gateway.simulated_account import simulated_parent_credentials, state_folder


def create() -> Starlette:
    """The server as the settings of this process say."""
    current = settings()
    return build(state_folder(current), simulated_parent_credentials(current), current.origin)


def build(folder: Path, parent: tuple[str, str], public_origin: str, *, speed: float = 1.0) -> Starlette:
    """A server with its state in `folder`, for this parent account (SID, token), calling back to `public_origin`."""
    faults = Faults()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        world = _open(folder, parent, public_origin, speed, faults)
        app.state.world = world
        # What was under way when it stopped goes on, as it would at Twilio, which does not stop.
        delivery.resume(world)
        senders_api.resume(world)
        content_api.resume(world)
        yield
        await world.stop()

    return Starlette(
        routes=[*API, *handset_api.ROUTES, Route("/_cdn/{name}", follow_link), Route("/healthz", healthy)],
        middleware=[Middleware(FaultMiddleware, faults=faults)],
        exception_handlers={Problem: on_problem, 404: on_unknown_path, 405: on_unknown_path},
        lifespan=lifespan,
    )


async def follow_link(request: Request) -> Response:
    """GET /_cdn/{name}: a file behind a short-lived link; nobody asks for credentials here."""
    found = request.app.state.world.follow_link(request.path_params["name"])
    if found is None:
        return Response(status_code=403)
    return Response(request.app.state.world.store.read_file(found[0]), media_type=found[1])


async def healthy(_request: Request) -> Response:
    """GET /healthz."""
    return JSONResponse({"status": "ok"})


API = [
    *accounts_api.ROUTES,
    *numbers_api.ROUTES,
    *messages_api.ROUTES,
    *voice_api.ROUTES,
    *senders_api.ROUTES,
    *content_api.ROUTES,
]


def _open(folder: Path, parent: tuple[str, str], public_origin: str, speed: float, faults: Faults) -> World:
    store, (sid, token) = Store(folder), parent
    # Only on the first start: a rotated token of the parent has to survive.
    if store.get(Account, sid, sid) is None:
        store.put(Account(sid=sid, account_sid=sid, friendly_name="Agency", auth_token=token, owner_sid=sid))
    return World(store, Webhooks(public_origin), speed=speed, faults=faults, pass_on=inbound.pass_on)
