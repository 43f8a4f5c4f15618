"""Client A's canary words, looked for in everything that others receive."""

import asyncio
import base64
from collections.abc import Iterable
from typing import Any

from tenant_portal.config import settings
from tenant_portal.simulator.two_tenant_check import canaries, forms
from tenant_portal.simulator.two_tenant_check.actors import Actor, Member
from tenant_portal.simulator.two_tenant_check.browser import tab
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.handler_probes import filled
from tenant_portal.simulator.two_tenant_check.probe import Group, Skipped, leak_if, probe
from tenant_portal.simulator.two_tenant_check.surface import Audience

TRAFFIC = tuple(f"{forms.PREFIX}/{kind}" for kind in ("sms", "whatsapp", "voicemail"))
READ_AT_ONCE = 2 * 1024 * 1024


async def _walk(context: Context, member: Member, audience: Audience, fill: str) -> list[str]:
    """Everything this person receives on the way through all pages: websocket frames and HTML."""
    received = []
    address = {"origin": context.visitor.origin, "cookie": member.cookie}
    for page in context.surface.pages:
        if page.audience is audience:
            path = filled(page.route, fill)
            received.append((await context.visitor.get(path, member.cookie)).text)
            async with tab(context.visitor.address, **address) as opened:
                await opened.load(context.surface.load_event, path)
                received.extend(opened.frames)
    return received


async def _traffic_for(context: Context, actor: Actor, done: asyncio.Event) -> int:
    """Messages to this client until the other has finished walking."""
    count = 0
    while not done.is_set():
        await canaries.deliver(context.visitor, actor, TRAFFIC[count % len(TRAFFIC)], f"{actor.canary} {count}")
        count += 1
        await asyncio.sleep(0.1)
    return count


@probe(
    Group.SECRECY, "canary.walk", "Client B walks through all pages while client A gets traffic, and sees none of it"
)
async def walk(context: Context) -> str:
    done = asyncio.Event()
    traffic = asyncio.create_task(_traffic_for(context, context.a, done))
    try:
        received = await _walk(context, context.b.owner, Audience.CLIENT, context.b.an_id("conversation"))
        received += await _walk(context, context.b.owner, Audience.CLIENT, context.b.an_id("lead"))
    finally:
        done.set()
        count = await traffic
    context.received.extend(received)
    _find(context, received)
    if context.b.canary not in " ".join(received):
        raise RuntimeError("client B does not even see its own words: nothing is proven")
    return f"{len(received)} frames and pages during {count} messages to client A"


@probe(Group.SECRECY, "canary.foreign-walk", "Client B walks through all pages with client A's ids in the addresses")
async def foreign_walk(context: Context) -> str:
    received = []
    for table in ("conversation", "lead"):
        wanted = context.a.an_id(table)
        found = await _walk(context, context.b.owner, Audience.CLIENT, wanted)
        received += [text.replace(wanted, "") for text in found]
    _find(context, received)
    return f"{len(received)} frames and pages, nothing of client A in them"


@probe(Group.SECRECY, "canary.own-walk", "Client A walking through the same pages does see its words")
async def own_walk(context: Context) -> str:
    received = " ".join(await _walk(context, context.a.owner, Audience.CLIENT, context.a.an_id("conversation")))
    if context.a.canary not in received:
        raise RuntimeError("the canary words are not shown even where they belong: the search proves nothing")
    return f"{received.count(context.a.canary)} mentions"


@probe(Group.SECRECY, "canary.staff-walk", "Staff walk through all their pages and see no text of client A")
async def staff_walk(context: Context) -> str:
    received = " ".join(await _walk(context, context.stage.staff, Audience.STAFF, str(context.a.tenant_id)))
    for word, what in ((context.a.canary, "a text"), (context.a.auth_token, "the auth token")):
        leak_if(word in received, f"staff received {what} of client A")
    if context.a.label not in received:
        raise RuntimeError("staff do not even see the client's name: nothing is proven")
    return "names and counters, no text"


@probe(Group.SECRECY, "canary.collected", "Nothing that client B's tabs received during this check is client A's")
async def collected(context: Context) -> str:
    if not context.received:
        raise Skipped("no page of client B was opened in this run")
    echoes = [word for word in context.a.traces if word != context.a.canary]
    text = " ".join(context.received)
    leak_if(any(marker in text for marker in (context.a.label, context.a.auth_token)), "a name or secret of client A")
    return f"{len(context.received)} frames looked through for {len(echoes)} marks"


@probe(Group.SECRECY, "canary.built-files", "The built pages hold no client's data and no secret")
async def built_files(context: Context) -> str:
    folder = context.surface.built_pages
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if not files:
        raise Skipped("the pages are not built in this place")
    words = [*context.a.traces, *context.b.traces, *_secrets(context)]
    marks = [word.encode() for word in words if word]
    found = [path.name for path in files if any(mark in path.read_bytes() for mark in marks)]
    leak_if(found, f"found in {', '.join(found[:3])}")
    return f"{len(files)} files looked through for {len(marks)} words"


@probe(Group.SECRECY, "canary.logs", "The portal's log holds no text, number or secret of any client")
async def logs(context: Context) -> str:
    await canaries.deliver(context.visitor, context.a, TRAFFIC[0], context.a.canary)
    written = context.read_logs()
    if written is None:
        raise Skipped("the log of this portal is kept where the check cannot read it")
    words = [context.a.canary, context.b.canary, *_secrets(context), *_cookie_values(context)]
    leak_if(
        any(word in written for word in words if word),
        f"{sum(word in written for word in words)} of them are in the log",
    )
    return f"{written.count(chr(10)) + 1} lines looked through for {len(words)} words"


def _secrets(context: Context) -> Iterable[str]:
    keys = [base64.b64encode(key).decode() for key in settings().keys.values()]
    tokens = [token for actor in (context.a, context.b) for token in (actor.auth_token, actor.old_token)]
    return (*keys, *tokens, context.stage.parent_token)


def _cookie_values(context: Context) -> Iterable[str]:
    members: Any = (context.a.owner, context.b.owner, context.stage.staff, context.stage.agent)
    return (member.cookie.partition("=")[2] for member in members)


def _find(context: Context, received: list[str]) -> None:
    traces = context.foreign_traces(" ".join(received))
    leak_if(traces, f"client B received {', '.join(traces[:3])}")
