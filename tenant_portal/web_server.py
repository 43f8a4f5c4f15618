"""The web server's process, `python -m tenant_portal web`: it stops without refusing a webhook.

`run` starts it as `python -m tenant_portal.web_server DESCRIPTOR`, on a socket that the supervisor keeps.

At SIGTERM it tells whoever distributes requests (/readyz and /readyz/proxy answer 503) and goes on as before for
PORTAL_DRAIN_SECONDS, in which a proxy notices; then it ends what is under way. A second signal, or Ctrl-C, skips the
wait.
"""

import signal
import socket
import sys
import time
from types import FrameType

import uvicorn

from tenant_portal import health
from tenant_portal.config import settings

APPLICATION = "tenant_portal.asgi:create"
FINISH_SECONDS = 3
"""For requests that are under way when the server stops listening; a webhook's own deadline is shorter."""
KEEP_ALIVE_SECONDS = 75
"""Longer than any proxy keeps an idle connection: the side that closes first must be the one that sends next."""
STARTUP_FAILURE = 3
BACKLOG = 2048


class DrainingServer(uvicorn.Server):
    """uvicorn, with a time between the signal and the end."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self.drain_seconds = drain_seconds
        self._leave_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal, between any two steps of the event loop."""
        if sig == signal.SIGTERM and self.drain_seconds and self._leave_at is None:
            self._leave_at = time.monotonic() + self.drain_seconds
            health.leave()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to stop; asked ten times a second."""
        if await super().on_tick(counter):
            return True
        return self._leave_at is not None and time.monotonic() >= self._leave_at


def configure(application: str, host: str, port: int) -> uvicorn.Config:
    """uvicorn as the portal's processes run it. One worker: others are processes of their own, behind a proxy."""
    return uvicorn.Config(
        application,
        factory=True,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        # Who a client is when a proxy stands between: sign-in attempts are counted by address.
        forwarded_allow_ips=settings().trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )


def listener(host: str, port: int) -> socket.socket:
    """A bound socket, one for each process of this port; `listen` lets the kernel deal it its share of connections.

    Whoever holds it holds its queue: what arrives while its process starts again waits there and is not refused.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound


def serve(descriptor: int | None = None) -> None:
    """Serve until a signal, on a socket of its own or on an inherited one; exits with 3 if it does not start."""
    server = DrainingServer(configure(APPLICATION, settings().host, settings().port), settings().drain_seconds)
    # Not by uvicorn's --fd, which takes it for a Unix socket and leaves Nagle's algorithm on: 40 ms for some answers.
    server.run(sockets=None if descriptor is None else [socket.socket(fileno=descriptor)])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
