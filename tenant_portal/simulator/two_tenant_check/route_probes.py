"""Every page and every address of ours, asked for by the wrong client, by staff and by nobody."""

import re
from collections.abc import Iterator
from functools import partial

from sqlalchemy import text

from tenant_portal import db
from tenant_portal.models.enums import ChannelKind
from tenant_portal.simulator.two_tenant_check import forms
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, Probe, family, leak_if, probe
from tenant_portal.simulator.two_tenant_check.surface import Address, Audience, Page
from tenant_portal.simulator.two_tenant_check.visitor import Answer

# Who an address is for. One that is missing here has been looked at by nobody: the check fails until it is.
AUDIENCES = {
    "/login": Audience.EVERYBODY,
    "/auth/login": Audience.EVERYBODY,
    "/auth/logout": Audience.EVERYBODY,
    "/invitation/{token}": Audience.EVERYBODY,
    "/auth/invitation": Audience.EVERYBODY,
    "/auth/two-step": Audience.EVERYBODY,
    "/auth/two-step/on": Audience.EVERYBODY,
    "/auth/two-step/codes": Audience.EVERYBODY,
    "/auth/two-step/off": Audience.EVERYBODY,
    "/auth/forgotten": Audience.EVERYBODY,
    "/auth/reset/{token}": Audience.EVERYBODY,
    "/auth/reset": Audience.EVERYBODY,
    "/healthz": Audience.EVERYBODY,
    "/readyz": Audience.EVERYBODY,
    "/readyz/proxy": Audience.EVERYBODY,
    "/metrics": Audience.EVERYBODY,
    "/media/{media_id}": Audience.CLIENT,
    "/files/leads/import": Audience.CLIENT,
    "/files/leads/import/{import_id}/errors.csv": Audience.CLIENT,
    "/files/leads/export.csv": Audience.CLIENT,
    "/files/leads/{lead_id}/data.json": Audience.CLIENT,
    "/export/activity.csv": Audience.CLIENT,
    "/export/insight.csv": Audience.CLIENT,
    "/greetings/{tenant_id}/{file_id}/{name}": Audience.EVERYBODY,
    "/uploads/greeting/{channel_id}/{occasion}": Audience.CLIENT,
    "/staff/simulator/report": Audience.STAFF,
    "/staff/simulator/media/{sid}": Audience.STAFF,
}
SENT_AWAY = (301, 302, 303, 307, 401, 403, 404)
PARAMETER = re.compile(r"\{[^}]*\}|\[[^]]*\]")


def _cookies(context: Context) -> dict[str, str]:
    return {
        "client B": context.b.owner.cookie,
        "client B's agent": context.stage.agent.cookie,
        "staff": context.stage.staff.cookie,
        "nobody": "",
    }


@family(Group.ROUTES)
def addresses(context: Context) -> Iterator[Probe]:
    """Each address beside the pages."""
    for address in context.surface.addresses:
        path = PARAMETER.sub("{}", re.sub(r":\w+", "", address.path))
        title = f"{address.path}: gives client A's things to nobody else"
        run = partial(_address, address)
        yield Probe(f"route.{'-'.join(sorted(address.methods))}{path}".lower(), title, Group.ROUTES, run)


async def _address(address: Address, context: Context) -> str:
    template = re.sub(r":\w+(?=\})", "", address.path)
    if template not in AUDIENCES:
        raise RuntimeError(f"nobody has said who {template} is for: add it to AUDIENCES in route_probes.py")
    seen = []
    for who, cookie in _cookies(context).items():
        made_up = forms.unknown_id()
        usual = await _ask(context, address, template, made_up, cookie)
        for wanted in sorted({found[0] for found in context.a.ids.values() if found} | {str(context.a.tenant_id)}):
            if not PARAMETER.search(template):
                break
            answer = await _ask(context, address, template, wanted, cookie)
            same = _plain(answer, wanted) == _plain(usual, made_up)
            leak_if(not same, f"{who} gets {answer.status} for {wanted[:13]}… and {usual.status} for a made-up id")
        leak_if(context.foreign_traces(usual.text), f"{who} reads {context.foreign_traces(usual.text)}")
        allowed = AUDIENCES[template] is Audience.EVERYBODY or (AUDIENCES[template] is Audience.STAFF) == (
            who == "staff"
        )
        leak_if(not allowed and usual.status not in SENT_AWAY, f"{who} is answered {usual.status}")
        seen.append(f"{who} {usual.status}")
    return ", ".join(seen)


def _plain(answer: Answer, wanted: str) -> tuple[object, ...]:
    """What must be the same for every id: the answer without the id that was asked for."""
    status, content_type, location = answer.shape
    return status, content_type, location.replace(wanted, "ID"), answer.text.replace(wanted, "ID")


async def _ask(context: Context, address: Address, template: str, wanted: str, cookie: str) -> Answer:
    path = PARAMETER.sub(wanted, template)
    if "GET" in address.methods:
        return await context.visitor.get(path, cookie)
    # Without an Origin of ours, as a foreign page would send it: it must not even do what its own reader may do.
    return await context.visitor.ask("POST", path, cookie=cookie, headers={"origin": "https://attacker.example"})


@probe(Group.ROUTES, "route.media-own", "Client A's own picture is there for client A: refusals prove something")
async def own_media(context: Context) -> str:
    answer = await context.visitor.get(f"/media/{context.a.an_id('media')}", context.a.owner.cookie)
    if answer.status != 200 or context.a.canary not in answer.text:
        raise RuntimeError(f"client A itself is answered {answer.status}")
    return f"answered 200 with {answer.headers.get('content-type')}"


@probe(Group.ROUTES, "route.media-parts", "A part of client A's picture is as closed as the whole")
async def parts_of_media(context: Context) -> str:
    part = {"range": "bytes=0-10"}
    for who, cookie in _cookies(context).items():
        theirs = await context.visitor.get(f"/media/{context.a.an_id('media')}", cookie, part)
        nothing = await context.visitor.get(f"/media/{forms.unknown_id()}", cookie, part)
        leak_if(theirs.shape != nothing.shape, f"{who} gets {theirs.status} instead of {nothing.status}")
    return "answered as a file that never was"


@probe(Group.ROUTES, "route.insight-own", "Client B's figures count client B's own messages and no others")
async def own_figures(context: Context) -> str:
    least = await _received(context)
    answer = await context.visitor.get("/export/insight.csv?days=7", context.b.owner.cookie)
    most = await _received(context)
    found = re.search(r"^Messages in,,,(\d+),0", answer.text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"client B itself is answered {answer.status}")
    leak_if(not least <= int(found[1]) <= most, f"{found[1]} messages are counted, client B received {most}")
    return f"{found[1]} messages, as client B received"


async def _received(context: Context) -> int:
    query = text(
        "select count(*) from message where tenant_id = :tenant and direction = 'in' and channel_kind <> :call"
    )
    async with db.tenant_session(context.b.tenant_id) as session:
        values = {"tenant": context.b.tenant_id, "call": ChannelKind.VOICEMAIL.value}
        return await session.scalar(query, values) or 0


@probe(Group.ROUTES, "route.greeting-upload", "Client B cannot answer client A's calls with a greeting of its own")
async def foreign_greeting(context: Context) -> str:
    headers = {"origin": context.visitor.origin, "content-type": "application/octet-stream"}
    shapes = []
    for channel_id in (*context.a.ids["channel"], forms.unknown_id()):
        path = f"/uploads/greeting/{channel_id}/open"
        answer = await context.visitor.ask(
            "POST", path, cookie=context.b.owner.cookie, headers=headers, body=b"ID3" + bytes(100)
        )
        shapes.append(answer.shape)
    leak_if(len(set(shapes)) > 1, f"it is answered {shapes[0]} for client A's channel and {shapes[-1]} for none")
    leak_if(shapes[0][0] < 400, f"it was answered {shapes[0][0]}")
    return f"refused with {shapes[0][0]}, as for a channel that nobody has"


@probe(Group.ROUTES, "route.foreign-form", "A form on another site cannot sign client B out")
async def foreign_form(context: Context) -> str:
    headers = {"origin": "https://portal.attacker.example", "content-type": "application/x-www-form-urlencoded"}
    answer = await context.visitor.ask("POST", "/auth/logout", cookie=context.b.owner.cookie, headers=headers, body=b"")
    still = await context.visitor.get("/inbox/", context.b.owner.cookie)
    leak_if(answer.status < 400 or "/login" in still.headers.get("location", ""), f"it was answered {answer.status}")
    return f"refused with {answer.status}; client B is still signed in"


@family(Group.ROUTES)
def pages(context: Context) -> Iterator[Probe]:
    """Each page."""
    for page in context.surface.pages:
        if page.audience is not Audience.EVERYBODY:
            title = f"{page.route}: the page shows client A to nobody else"
            yield Probe(f"page{page.route}".replace("/", "."), title, Group.ROUTES, partial(_page, page))


async def _page(page: Page, context: Context) -> str:
    seen = []
    for who, cookie in _cookies(context).items():
        usual = await context.visitor.get(PARAMETER.sub(forms.unknown_id(), page.route), cookie)
        if PARAMETER.search(page.route):
            for wanted in (context.a.an_id("lead"), context.a.an_id("conversation"), str(context.a.tenant_id)):
                answer = await context.visitor.get(PARAMETER.sub(wanted, page.route), cookie)
                leak_if(
                    answer.status != usual.status, f"{who} gets {answer.status} and {usual.status} for a made-up id"
                )
                leak_if(context.foreign_traces(answer.text.replace(wanted, "")), f"{who} reads client A in the page")
        leak_if(context.foreign_traces(usual.text), f"{who} reads client A in the page")
        allowed = who != "nobody" and (page.audience is Audience.STAFF) == (who == "staff")
        leak_if(not allowed and usual.status not in SENT_AWAY, f"{who} is answered {usual.status}")
        seen.append(f"{who} {usual.status}")
    return ", ".join(seen)
