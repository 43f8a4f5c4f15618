"""Our own HTTP endpoints beside the pages: one line for each feature."""

from starlette.routing import BaseRoute

from tenant_portal import health
from tenant_portal.identity import http as identity
from tenant_portal.inbox import http as inbox
from tenant_portal.insight import http as insight
from tenant_portal.leads import http as leads
from tenant_portal.simulator import http as simulator
from tenant_portal.voicemail import http as voicemail

routes: list[BaseRoute] = [
    *identity.routes,
    *leads.routes,
    *inbox.routes,
    *voicemail.routes,
    *insight.routes,
    *simulator.routes,
    *health.routes,
]
