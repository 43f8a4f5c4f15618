"""A /metrics of each process by itself, on the first free port from PORTAL_METRICS_ADDRESS on.

Web processes that share a port, and workers, which have none, can be asked in no other way. A thread of its own, so
that figures can be had of a process whose event loop is stuck.
"""

import contextlib
import hmac
import threading
from collections.abc import Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, Gauge, make_wsgi_app

from tenant_portal.config import settings
from tenant_portal.errors import SettingsError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

BEARER = "Bearer "
PATH = "/metrics"
STOP_SECONDS = 0.1
MOST_PROCESSES = 64
PROCESS = Gauge("portal_process_info", "What kind of process this is; always 1.", ["kind"])


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


@contextlib.contextmanager
def serving(kind: str) -> Iterator[None]:
    """Tell the figures of this process, a `web` or `worker`, if the settings say where. SettingsError: nowhere free."""
    PROCESS.labels(kind).set(1)
    host, _, port = settings().metrics_address.rpartition(":")
    if not host:
        yield
        return
    server = _listening(host.strip("[]"), int(port))
    thread = threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _listening(host: str, first: int) -> Server:
    for port in range(first, first + MOST_PROCESSES):
        with contextlib.suppress(OSError, OverflowError):
            return make_server(host, port, answer, Server, Handler)
    raise SettingsError(f"PORTAL_METRICS_ADDRESS: no port of {host} from {first} on is free.")
