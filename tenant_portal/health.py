"""What machines ask: does it live, can it serve, how is it doing."""

import ipaddress
import threading
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal import db
from tenant_portal.config import LOOPBACK_HOSTS, settings
from tenant_portal.database_setup import ROOT
from tenant_portal.identity.http import person_of
from tenant_portal.logs import redact
from tenant_portal.metrics_server import holds_token

NO_STORE = {"Cache-Control": "no-store"}
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_left = threading.Event()


async def healthz(_: Request) -> Response:
    """200 as long as the process answers at all."""
    return PlainTextResponse("ok", headers=NO_STORE)


async def readyz(_: Request) -> Response:
    """200 when the database is there and on this version's schema, else 503 with the reason."""
    return _readiness(_leaving() or await _problem())


async def readyz_proxy(_: Request) -> Response:
    """What a load balancer asks: 503 only once this process is on its way out.

    Not the database: webhooks are taken without it, into the spool, and old processes serve on a newer schema.
    """
    return _readiness(_leaving())


def leave() -> None:
    """From now on this process says that it is not ready; it still serves what comes."""
    _left.set()


async def metrics(request: Request) -> Response:
    """Prometheus' text format, for whoever holds the token, for staff, and without a token for this machine itself."""
    if not (holds_token(request.headers.get("authorization", "")) or is_trusted(request)):
        person = await person_of(request)
        if person is None or not person.is_staff:
            return PlainTextResponse("Not found.", 404, NO_STORE)
    return Response(generate_latest(), headers=NO_STORE, media_type=CONTENT_TYPE_LATEST)


def is_trusted(request: Request) -> bool:
    """Whether it is from this machine, and that says enough.

    Not once the portal has a public address: a proxy on this machine that names no client (nginx does not by itself)
    would hand everybody's requests on as local ones.
    """
    current = settings()
    is_public = urlsplit(current.origin).hostname not in LOOPBACK_HOSTS
    return not current.metrics_token and not is_public and is_local(request)


def is_local(request: Request) -> bool:
    """Whether it comes from this machine and not through a proxy on it."""
    address = request.client.host if request.client else ""
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in FORWARDED)


def _leaving() -> str:
    return "This process is about to stop." if _left.is_set() else ""


def _readiness(problem: str) -> Response:
    return PlainTextResponse(problem or "ready", 503 if problem else 200, NO_STORE)


async def _problem() -> str:
    try:
        async with db.identity_session() as session:
            version = await session.scalar(sa.text("select version_num from alembic_version"))
    except (SQLAlchemyError, OSError) as error:
        return f"The database cannot be reached ({redact(type(error).__name__)})."
    newest = ScriptDirectory(str(ROOT / "alembic")).get_current_head()
    return "" if version == newest else "The database has the schema of another version."


routes: list[BaseRoute] = [
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    Route("/readyz/proxy", readyz_proxy, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]
