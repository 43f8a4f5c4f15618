"""All probes of this installation: importing a module of probes is what registers them."""

from tenant_portal.simulator.two_tenant_check import (
    database_probes,
    flood_probes,
    handler_probes,
    live_probes,
    route_probes,
    routing_probes,
    secrecy_probes,
    staff_probes,
    webhook_probes,
)
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Probe, all_probes

TOPICS = (
    database_probes,
    staff_probes,
    webhook_probes,
    routing_probes,
    flood_probes,
    handler_probes,
    route_probes,
    live_probes,
    secrecy_probes,
)


def probes(context: Context) -> list[Probe]:
    """Every probe, in the order in which they run."""
    return list(all_probes(context))
