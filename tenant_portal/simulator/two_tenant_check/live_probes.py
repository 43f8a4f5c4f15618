"""Live updates and taken-over tabs: what the portal sends by itself, and to whom."""

import secrets
from typing import Any

from tenant_portal.db import identity_session
from tenant_portal.identity import sessions
from tenant_portal.simulator.two_tenant_check import canaries, forms, ghosts
from tenant_portal.simulator.two_tenant_check.actors import Member
from tenant_portal.simulator.two_tenant_check.browser import Refused, tab
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, leak_if, probe

PAGE = "/inbox"
PUSH_SECONDS = 5.0
SILENCE_SECONDS = 0.5
SMS = f"{forms.PREFIX}/sms"


def _tab(context: Context, member: Member, token: str = "") -> Any:
    return tab(context.visitor.address, origin=context.visitor.origin, cookie=member.cookie, token=token)


@probe(Group.LIVE, "live.push", "News for client A are pushed to client A's open page and to no other")
async def push(context: Context) -> str:
    marker = f"live{secrets.token_hex(6)}"
    async with _tab(context, context.a.owner) as own, _tab(context, context.b.owner) as foreign:
        for opened in (own, foreign):
            await opened.load(context.surface.load_event, PAGE)
        seen, quiet = len(own.frames), len(foreign.frames)
        await canaries.deliver(context.visitor, context.a, SMS, marker)
        if not await own.grows_past(seen, PUSH_SECONDS):
            raise RuntimeError(f"client A's own page heard nothing in {PUSH_SECONDS:.0f} s: nothing is proven")
        await foreign.wait(SILENCE_SECONDS)
        heard = foreign.frames[quiet:]
        reread = " ".join(await own.load(context.surface.load_event, PAGE))
    leak_if(heard, f"client B's page received {' '.join(heard)[:160]}")
    if marker not in reread:
        raise RuntimeError("client A's page does not show its own message")
    return f"client A's page was poked, client B's stayed silent for {SILENCE_SECONDS} s"


@probe(
    Group.LIVE, "live.presence", "That client A writes is seen in client A's open thread and in no other tab"
)
async def presence(context: Context) -> str:
    thread = f"{PAGE}/{context.a.an_id('conversation')}"
    async with (
        _tab(context, context.a.owner) as writer,
        _tab(context, context.a.owner) as own,
        _tab(context, context.b.owner) as foreign,
    ):
        for opened in (writer, own, foreign):
            await opened.load(context.surface.load_event, thread)
        await foreign.wait(SILENCE_SECONDS)
        seen, quiet = len(own.frames), len(foreign.frames)
        measure = next(one for one in context.surface.handlers if one.name.endswith("inbox_state.measure"))
        await writer.call(measure.name, {"body": "words"}, thread)
        if not await own.grows_past(seen, PUSH_SECONDS):
            raise RuntimeError(f"client A's own thread heard nothing in {PUSH_SECONDS:.0f} s: nothing is proven")
        await foreign.wait(SILENCE_SECONDS)
        heard = foreign.frames[quiet:]
    leak_if(heard, f"client B's page received {' '.join(heard)[:160]}")
    return f"client A's other tab was told, client B's stayed silent for {SILENCE_SECONDS} s"


@probe(Group.LIVE, "live.staff", "News for client A are not pushed to staff")
async def push_to_staff(context: Context) -> str:
    async with _tab(context, context.stage.staff) as opened:
        await opened.load(context.surface.load_event, "/staff")
        before = len(opened.frames)
        await canaries.deliver(context.visitor, context.a, SMS, f"live{secrets.token_hex(6)}")
        await opened.wait(SILENCE_SECONDS)
        told = [frame for frame in opened.frames[before:] if context.a.canary in frame or "live" in frame]
    leak_if(told, f"staff received {' '.join(told)[:160]}")
    return "no text of it reached staff"


@probe(Group.LIVE, "live.token-taken-over", "Client A's tab, closed, is not given to client B who names its token")
async def token_taken_over(context: Context) -> str:
    async with _tab(context, context.a.owner) as own:
        await own.load(context.surface.load_event, PAGE)
        token = own.token
        if context.a.canary not in " ".join(own.frames):
            raise RuntimeError("client A's own tab holds nothing: nothing is proven")
    return await _read_with(context, token)


@probe(Group.LIVE, "live.token-shared", "Client A's tab, open, is not shared with client B who names its token")
async def token_shared(context: Context) -> str:
    async with _tab(context, context.a.owner) as own:
        await own.load(context.surface.load_event, PAGE)
        return await _read_with(context, own.token)


async def _read_with(context: Context, token: str) -> str:
    async with _tab(context, context.b.owner, token) as opened:
        for event in ("reflex___state____state.hydrate", context.surface.load_event):
            await opened.send(event, {}, PAGE)
        await opened.wait(SILENCE_SECONDS)
        await canaries.deliver(context.visitor, context.a, SMS, f"live{secrets.token_hex(6)}")
        await opened.wait(SILENCE_SECONDS)
        received = " ".join(opened.frames)
    traces = context.foreign_traces(received)
    leak_if(traces, f"client B received {', '.join(traces[:3])}")
    return f"{len(opened.frames)} frames, nothing of client A in them"


@probe(Group.LIVE, "live.session-ended", "A session that ends closes its open page at once")
async def session_ended(context: Context) -> str:
    member = await ghosts.new_session(context.stage.agent.person.email)
    async with _tab(context, member) as opened:
        await opened.load(context.surface.load_event, PAGE)
        async with identity_session() as session:
            await sessions.end(session, member.person.user_id, member.person.session_id)
        await opened.wait_for(lambda frame: "signed-out" in frame, PUSH_SECONDS)
        await opened.wait(SILENCE_SECONDS)
        try:
            await opened.send(context.surface.load_event, {}, PAGE)
            frames = await opened.wait(SILENCE_SECONDS)
        except Refused:
            frames = []
    leak_if([frame for frame in frames if '"delta"' in frame], "the page was answered after its session had ended")
    return "it was sent to the signed-out page and cut off"
