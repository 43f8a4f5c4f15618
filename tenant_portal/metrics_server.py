"""The worker's own /metrics, on the address of PORTAL_WORKER_METRICS; the web process has its own among its routes.

A thread of its own, so that figures can be had of a worker whose event loop is stuck.
"""

import asyncio
import contextlib
import hmac
import threading
from collections.abc import AsyncIterator, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, make_wsgi_app

from tenant_portal.config import settings
from tenant_portal.errors import SettingsError
from tenant_portal.figures import DatabaseFigures
from tenant_portal.front_door.metrics import told

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

BEARER = "Bearer "
PATH = "/metrics"
STOP_SECONDS = 0.1


class Server(ThreadingMixIn, WSGIServer):
    """A slow reader holds up nobody else, nor the end of the process."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Writes no line for each request, and waits for none longer than ten seconds."""

    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's own name
        """Nothing."""


def holds_token(authorization: str) -> bool:
    """Whether this Authorization header carries PORTAL_METRICS_TOKEN; never while none is set."""
    expected = settings().metrics_token
    return bool(expected) and hmac.compare_digest(f"{BEARER}{expected}".encode(), authorization.encode())


def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """The figures, for whoever holds the token; where none is set it listens on loopback only."""
    if environ["PATH_INFO"] != PATH or (
        settings().metrics_token and not holds_token(environ.get("HTTP_AUTHORIZATION", ""))
    ):
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Not found."]
    body: Iterable[bytes] = _figures(environ, start_response)
    return body


_figures = make_wsgi_app(REGISTRY)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Answer on PORTAL_WORKER_METRICS, if that is set, and keep the figures of the database fresh meanwhile."""
    host, _, port = settings().worker_metrics.rpartition(":")
    if not host:
        yield
        return
    try:
        server = make_server(host.strip("[]"), int(port), answer, Server, Handler)
    except OSError as error:
        raise SettingsError(f"PORTAL_WORKER_METRICS: {host}:{port} cannot be used ({error.strerror}).") from None
    figures = DatabaseFigures()
    threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), daemon=True).start()
    reading = asyncio.create_task(figures.read_for_ever())
    try:
        with told(figures):
            yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.to_thread(server.shutdown)
        server.server_close()
