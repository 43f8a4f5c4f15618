"""Our own HTTP endpoints beside the pages: one line for each feature."""

from starlette.routing import BaseRoute

from tenant_portal.identity import endpoints as identity

routes: list[BaseRoute] = [
    *identity.routes,
]
