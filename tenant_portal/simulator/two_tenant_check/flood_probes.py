"""What one client's flood, or its pause at Twilio, does to the other: nothing."""

import asyncio
import secrets
import time

from sqlalchemy import text

from tenant_portal import job_queue
from tenant_portal.db import tenant_session
from tenant_portal.models.enums import ThrottleReason
from tenant_portal.simulator.handset import handset
from tenant_portal.simulator.two_tenant_check import canaries, forms
from tenant_portal.simulator.two_tenant_check.actors import Actor
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, leak_if, probe
from tenant_portal.simulator.two_tenant_check.routing_probes import is_on_phone, needs_numbers, new_phone, reply, until

BURST = 300
SMS = f"{forms.PREFIX}/sms"
TASK = "inbox.send_outbox"
PAUSE_SECONDS = 60.0
LIMITED = text("select subject from throttle where tenant_id = :tenant and subject like 'webhooks:%'")
RESUME = text("update throttle set until = now() where tenant_id = :tenant and subject = :subject")


@probe(Group.ROUTING, "flood.burst", "A burst of messages to client A holds up, slows and refuses nothing of client B")
async def burst(context: Context) -> str:
    marker = f"calm{secrets.token_hex(6)}"
    alone, _ = await _deliver(context, context.b, f"before{secrets.token_hex(6)}")
    flood = asyncio.gather(*(_deliver(context, context.a, f"flood{secrets.token_hex(6)}") for _ in range(BURST)))
    of_b = [await _deliver(context, context.b, marker)]
    while not flood.done():
        of_b.append(await _deliver(context, context.b, marker))
    of_b.append(await _deliver(context, context.b, marker))
    answers = {status for _, status in await flood}
    leak_if({status for _, status in of_b} != {200}, f"client B was answered {[status for _, status in of_b]}")
    leak_if(not await canaries.holds(context.b.tenant_id, marker), "client B's message is not there")
    async with tenant_session(context.b.tenant_id) as session:
        limited = list(await session.scalars(LIMITED, {"tenant": context.b.tenant_id}))
    leak_if(limited, f"client B counts as beyond {', '.join(limited)}")
    if answers != {200}:
        raise RuntimeError(f"client A's own messages were answered {sorted(answers)}: the flood proves nothing")
    during = max(milliseconds for milliseconds, _ in of_b)
    return f"{BURST} messages to A; {len(of_b)} of B in between took at most {during:.0f} ms, one before {alone:.0f} ms"


async def _deliver(context: Context, actor: Actor, marker: str) -> tuple[float, int]:
    """Milliseconds and status of a message to this client, whatever it is."""
    path, form = f"{SMS}?account={actor.account_sid}", forms.form_of(SMS, actor, marker)
    begun = time.perf_counter()
    answer = await context.visitor.call(path, form, context.visitor.signature(path, form, actor.auth_token))
    return (time.perf_counter() - begun) * 1000, answer.status


@probe(Group.ROUTING, "flood.pause", "While Twilio has client A wait, client B's answers go out")
async def pause(context: Context) -> str:
    needs_numbers(context)
    lead, of_a, of_b = new_phone(), f"pause{secrets.token_hex(6)}", f"pause{secrets.token_hex(6)}"
    async with handset() as phones:
        for actor in (context.a, context.b):
            await phones.write(lead, actor.number, "Hello")
    async with tenant_session(context.a.tenant_id) as session:
        await job_queue.pause(session, TASK, context.a.tenant_id, PAUSE_SECONDS, ThrottleReason.TWILIO)
    try:
        await reply(context.a, lead, of_a)
        await reply(context.b, lead, of_b)
        await until(lambda: is_on_phone(lead, of_b))
        waited = not await is_on_phone(lead, of_a)
    finally:
        await _resume(context.a)
    await until(lambda: is_on_phone(lead, of_a))
    if not waited:
        raise RuntimeError("client A's answer went out during its pause: nothing is proven")
    return "B's answer reached the lead while A's waited, and A's after the pause"


async def _resume(actor: Actor) -> None:
    async with tenant_session(actor.tenant_id) as session:
        await session.execute(RESUME, {"tenant": actor.tenant_id, "subject": f"task:{TASK}"})
        await job_queue.wake(session, TASK, actor.tenant_id)
