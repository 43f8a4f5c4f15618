"""The web process: `uvicorn tenant_portal.asgi:create --factory`.

Webhooks go straight to the front door and never see Reflex; everything else stands behind the gate (ui/gate.py).
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from starlette.types import ASGIApp, Receive, Scope, Send

from tenant_portal import db
from tenant_portal.logs import configure_logging
from tenant_portal.schema_lint import refuse_unsafe_schema
from tenant_portal.tenant_portal import app

WEBHOOKS = "/api/webhooks/"
# Production, pages as they were built, served by this process. Two are internals of Reflex 0.10.1, hence the exact pin.
REFLEX_MODE = {
    "REFLEX_ENV_MODE": "prod",
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
}


@cache
def create() -> ASGIApp:
    """The whole web application; once in a process, since Reflex' application is a module-wide object."""
    os.environ.update(REFLEX_MODE)
    configure_logging()
    app.register_lifespan_task(serving)
    return _dispatch(app())


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Refuses to serve on a schema that breaks the wall between tenants; gives the connections back at the end."""
    async with db.engine().connect() as connection:
        await connection.run_sync(refuse_unsafe_schema)
    try:
        yield
    finally:
        await db.close()


def _dispatch(pages: ASGIApp) -> ASGIApp:
    async def portal(scope: Scope, receive: Receive, send: Send) -> None:
        await pages(scope, receive, send)

    return portal
