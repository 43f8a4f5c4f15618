"""Connects a sample client of a simulated portal on all three channels, so that there is something to play with."""

from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.channels import numbers, queries, service
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import ORDER, Wish
from tenant_portal.config import settings
from tenant_portal.db import tenant_session
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants.queries import tenant_name, tenant_state

PAUSE_SECONDS = 1.0


async def connect_sample(tenant_id: UUID) -> None:
    """Buy the first number on sale and connect it; comes back until the client has its subaccount."""
    if settings().twilio_mode != "simulated":
        return
    async with tenant_session(tenant_id) as session:
        state = await tenant_state(session, tenant_id)
        if state is TenantState.PROVISIONING:
            await job_queue.wake(session, service.CONNECT_SAMPLE, tenant_id, delay_seconds=PAUSE_SECONDS)
        connected = await queries.channels(session, tenant_id)
        name = await tenant_name(session, tenant_id)
    if state is TenantState.ACTIVE and not connected:
        await _connect(service.operator(tenant_id), name)


async def _connect(actor: Actor, name: str) -> None:
    found = await numbers.on_sale(actor, numbers.Search(country="US", sms=True, voice=True))
    number = found[0]
    wish = Wish(
        kinds=frozenset(ORDER),
        phone_number=number.phone_number,
        country=number.country,
        sms=number.sms,
        voice=number.voice,
        monthly_price=number.price,
        display_name=name,
    )
    async with tenant_session(actor.tenant_id) as session:
        await service.connect(session, actor, wish)
