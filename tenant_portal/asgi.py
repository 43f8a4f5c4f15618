"""The web process' application; web_server.py serves it.

Webhooks go straight to the front door and never see Reflex; everything else stands behind the gate (ui/gate.py).
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from starlette.types import ASGIApp, Receive, Scope, Send

from tenant_portal import db, metrics_server, tracing, webhook_routes
from tenant_portal.logs import configure_logging
from tenant_portal.schema_lint import refuse_unsafe_schema
from tenant_portal.tenant_portal import app

WEBHOOKS = f"{webhook_routes.PREFIX}/"
# Production, pages as they were built, served by this process. Two are internals of Reflex 0.10.1, hence the exact pin.
REFLEX_MODE = {
    "REFLEX_ENV_MODE": "prod",
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    # Of each of the two clients that Reflex opens; unbounded otherwise.
    "REFLEX_REDIS_MAX_CONNECTIONS": "16",
}


@cache
def create() -> ASGIApp:
    """The whole web application; once in a process, since Reflex' application is a module-wide object."""
    for name, value in REFLEX_MODE.items():
        os.environ.setdefault(name, value)
    configure_logging()
    tracing.start("web")
    app.register_lifespan_task(serving)
    return _dispatch(app(), webhook_routes.webhook_app)


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Refuses to serve on a schema that breaks the wall between tenants; keeps the front door open meanwhile."""
    async with db.engine().connect() as connection:
        await connection.run_sync(refuse_unsafe_schema)
    # What was imported stays for good: looking through it for garbage would stop this process for a tenth of a second.
    gc.collect()
    gc.freeze()
    try:
        with metrics_server.serving("web"):
            async with webhook_routes.lifespan():
                yield
    finally:
        await db.close()
        await asyncio.to_thread(tracing.stop)


def _dispatch(pages: ASGIApp, webhooks: ASGIApp) -> ASGIApp:
    async def portal(scope: Scope, receive: Receive, send: Send) -> None:
        is_webhook = scope["type"] == "http" and scope["path"].startswith(WEBHOOKS)
        await (webhooks if is_webhook else pages)(scope, receive, send)

    return portal
