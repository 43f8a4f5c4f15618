"""Connects a sample client of a simulated portal on all three channels, so that there is something to play with."""

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

from tenant_portal import job_queue
from tenant_portal.channels import numbers, queries, service
from tenant_portal.channels.numbers import Number
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import ORDER, Wish
from tenant_portal.config import settings
from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants.queries import tenant_name, tenant_state
from tenant_portal.twilio_gateway.error_codes import NUMBER_TAKEN
from tenant_portal.twilio_gateway.errors import TwilioRefused
from tenant_portal.twilio_gateway.gateway import NumberPurchase, NumberUrls

PAUSE_SECONDS = 1.0
DEFAULT_PORTS = {"http": 80, "https": 443}


async def connect_sample(tenant_id: UUID) -> None:
    """Get a number and connect all channels on it; comes back until subaccount and web server are there."""
    if settings().twilio_mode != "simulated":
        return
    # WhatsApp's code comes as a text message; before the web server answers it would get lost.
    is_up = await _answers(settings().origin)
    async with tenant_session(tenant_id) as session:
        state = await tenant_state(session, tenant_id)
        if state is TenantState.PROVISIONING or not is_up:
            await job_queue.wake(session, service.CONNECT_SAMPLE, tenant_id, delay_seconds=PAUSE_SECONDS)
        connected = await queries.channels(session, tenant_id)
        name = await tenant_name(session, tenant_id)
    if state is TenantState.ACTIVE and is_up and not connected:
        await _connect(service.operator(tenant_id), name)


async def _answers(origin: str) -> bool:
    parts = urlsplit(origin)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])
    except OSError:
        return False
    writer.close()
    return True


async def _connect(actor: Actor, name: str) -> None:
    owned = await numbers.owned(actor)
    number = owned[0] if owned else await _buy(actor)
    wish = Wish(
        kinds=frozenset(ORDER),
        phone_number=number.phone_number,
        country=number.country,
        number_sid=number.number_sid,
        sms=number.sms,
        voice=number.voice,
        monthly_price=number.price,
        display_name=name,
    )
    async with tenant_session(actor.tenant_id) as session:
        await service.connect(session, actor, wish)


async def _buy(actor: Actor) -> Number:
    gateway = await numbers.gateway_of(actor)
    for number in await numbers.on_sale(actor, numbers.Search(country="US", sms=True, voice=True)):
        try:
            bought = await gateway.buy_number(NumberPurchase(phone_number=number.phone_number, urls=NumberUrls()))
        except TwilioRefused as error:
            # All sample clients begin at once, and the same number is on sale for each of them.
            if error.code != NUMBER_TAKEN:
                raise
        else:
            return replace(number, number_sid=bought.sid)
    raise NotFound("There is no number on sale.")
