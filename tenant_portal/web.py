"""One web process, on a socket that its supervisor keeps: `python -m tenant_portal.web DESCRIPTOR`."""

import socket
import sys

import uvicorn

GRACEFUL_SECONDS = 3
BACKLOG = 2048


def listener(host: str, port: int) -> socket.socket:
    """A bound socket, one for each process of this port; `listen` lets the kernel deal it its share of connections.

    Whoever holds it holds its queue: what arrives while its process starts again waits there and is not refused.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound


def main(descriptor: str) -> None:
    """Serve until SIGTERM."""
    config = uvicorn.Config(
        "tenant_portal.asgi:create",
        factory=True,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    # Not by uvicorn's --fd, which takes it for a Unix socket and leaves Nagle's algorithm on: 40 ms for some answers.
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main(*sys.argv[1:])
