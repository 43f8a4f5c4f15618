"""A portal of its own for a check that finds none running: simulated Twilio, worker and web in this very process."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from tenant_portal import job_queue, tasks
from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.logs import Line
from tenant_portal.simulator import twilio_server
from tenant_portal.twilio_gateway.simulated_account import simulated_parent_credentials, state_folder
from tenant_portal.worker import CONCURRENCY, POLL_SECONDS

# What takes seconds at Twilio (a sender's registration, a delivery) takes hundredths here.
SPEED = 50.0
START_SECONDS = 60.0
LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """Ctrl-C belongs to the check, which has to clean up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def choose_ports() -> int:
    """A free loopback port whose successor is free too; the settings of this process name it from now on."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind((LOOPBACK, 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError):
                second.bind((LOOPBACK, port + 1))
                os.environ["PORTAL_PORT"] = str(port)
                settings.cache_clear()
                return port
    raise PortalError("There are no two free ports beside each other on this machine.")


@asynccontextmanager
async def portal() -> AsyncIterator[str]:
    """The address of a whole portal on the port of the settings, for as long as this is open."""
    current = settings()
    stand_in = twilio_server.build(
        state_folder(current), simulated_parent_credentials(current), current.origin, speed=SPEED
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_serving(stand_in, current.port + 1))
        await stack.enter_async_context(_working())
        await stack.enter_async_context(_serving("tenant_portal.asgi:create", current.port, factory=True))
        yield f"http://{LOOPBACK}:{current.port}"


@asynccontextmanager
async def _serving(app: ASGIApp | str, port: int, *, factory: bool = False) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        factory=factory,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if task.done() or time.monotonic() > deadline:
            raise PortalError(f"The server on port {port} did not start; the log says why.")
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def _working() -> AsyncIterator[None]:
    async with job_queue.open_app(job_queue.connector()) as app:
        task = asyncio.create_task(
            app.run_worker_async(
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=POLL_SECONDS,
                install_signal_handlers=False,
                delete_jobs="successful",
            )
        )
        try:
            yield
        finally:
            await tasks.end(task)


class LogMemory(logging.Handler):
    """Keeps every line of the log of this process, as it would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Line())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))
