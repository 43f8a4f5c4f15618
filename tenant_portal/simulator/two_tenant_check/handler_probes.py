"""Every page handler, called as a browser calls it: by the wrong client, the wrong role, and by nobody."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from tenant_portal.simulator.two_tenant_check import forms, ghosts
from tenant_portal.simulator.two_tenant_check.actors import Actor, Member
from tenant_portal.simulator.two_tenant_check.browser import ROOT_STATE, Refused, Tab, delta_of, tab, told
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, Probe, family, leak_if, probe
from tenant_portal.simulator.two_tenant_check.surface import Argument, Audience, Handler, Page

# Arguments that are no id, and a value a page would send. Every other text is tried as an id.
PLAIN_WORDS = {
    "role": "agent",
    "stage": "won",
    "kind": "sms",
    "country": "US",
    "name": "Nobody",
    "text": "words",
    "body": "words",
    "email": "nobody@example.com",
    "code": "000000",
    "sort": "name",
    "state": "",
    "filter": "",
    "tab": "all",
    "value": "closed",
    "words": "words",
    "until": "",
}
FILLINGS: dict[str, Any] = {
    "int": 0,
    "float": 0,
    "bool": False,
    "list": [],
    "Any": None,
    "NoneType": None,
    "UnionType": None,
}
REDIRECT = "_redirect"
TRIES = 3
SEARCHES = ("search", "query", "find")
Shown = dict[str, str]
# Calls the handler with an id, and says what the page shows then.
Caller = Callable[[str], Awaitable[Shown]]
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(\+\d\d:\d\d|Z)?")


@family(Group.PAGES)
def handlers_with_anothers_ids(context: Context) -> Iterator[Probe]:
    """Every handler a client may call, as client B with each id of client A."""
    for handler in context.surface.handlers:
        if handler.audience in (Audience.CLIENT, Audience.SIGNED_IN) and not _is_of_reflex(handler):
            title = f"{short_name(handler)}: client A's ids answer client B as ids that nobody has"
            yield Probe(f"handler.ids.{short_name(handler)}", title, Group.PAGES, partial(_with_ids, handler))


async def _with_ids(handler: Handler, context: Context) -> str:
    page = page_of(context, handler)
    wanted_ids = ids_to_try(context.a, handler, page)
    async with _tab(context, context.b.owner) as opened:
        await opened.load(context.surface.load_event, filled(page.route, forms.unknown_id()))
        caller = partial(_shown_after, opened, handler, page)
        first, usual = [await caller(forms.unknown_id()) for _ in range(2)]
        # What a call turns over, or counts up, whatever the id.
        restless = {name for name in {**first, **usual} if first.get(name) != usual.get(name)}
        await _compare_ids(caller, wanted_ids, usual, restless)
        context.received.extend(opened.frames)
        leaked = context.foreign_traces(_without_echo(" ".join(filter(None, map(told, opened.frames))), wanted_ids))
    leak_if(leaked, f"client B received {', '.join(leaked[:3])}")
    return f"{len(wanted_ids)} ids of client A, each answered as a made-up one"


async def _compare_ids(caller: Caller, wanted_ids: list[str], usual: Shown, restless: set[str]) -> None:
    """Leak where an id is answered otherwise than made-up ones.

    All ids are tried in a row first, between two made-up ones; only where these disagree, or an id differs, does each
    id get made-up ones of its own around it, which takes twice as long.
    """
    answers = [await caller(wanted) for wanted in wanted_ids]
    after = await caller(forms.unknown_id())
    if all(_is_settled(shown, usual, after, restless) for shown in answers):
        return
    usual = after
    for wanted in wanted_ids:
        shown, before = await caller(wanted), usual
        for _ in range(TRIES):
            # What changes by itself, such as news for client B, says nothing about the id in between.
            usual = await caller(forms.unknown_id())
            differing = _differing(shown, before, usual, restless)
            if not differing:
                break
            shown, before = await caller(wanted), usual
        leak_if(differing, f"{wanted[:13]}… is answered differently: {'; '.join(differing)}")


def _is_settled(shown: Shown, before: Shown, after: Shown, restless: set[str]) -> bool:
    """Whether everything but what is restless is the same in all three."""
    return all(
        shown.get(name) == before.get(name) == after.get(name)
        for name in {**shown, **before, **after}.keys() - restless
    )


async def _shown_after(opened: Tab, handler: Handler, page: Page, wanted: str) -> Shown:
    """What the page shows after the call, and where it was sent; without the id asked for and without times."""
    frames = await opened.call(handler.name, payload_of(handler, wanted), filled(page.route, wanted))
    sent_to = {json.dumps(event) for frame in frames for event in json.loads(frame)[1] if event["name"] == REDIRECT}
    shown = {"sent to": "; ".join(sorted(sent_to))}
    for state, values in opened.view.items():
        if state != ROOT_STATE:
            shown |= {f"{state.rpartition('____')[2]}.{name}": json.dumps(found) for name, found in values.items()}
    return {name: TIMES.sub("TIME", text.replace(wanted, "ID")) for name, text in shown.items()}


def _differing(shown: Shown, before: Shown, after: Shown, restless: set[str]) -> list[str]:
    """What is not as in the calls with made-up ids before and after this one, which agree."""
    names = {name for name, value in before.items() if after.get(name) == value} - restless
    changed = sorted(name for name in names if shown.get(name) != before[name])
    return [f"{name} is {shown.get(name, 'nothing')[:60]}" for name in changed]


def _without_echo(text: str, wanted_ids: list[str]) -> str:
    """What a page shows of the request itself, such as the word that was searched, is no leak."""
    for wanted in wanted_ids:
        text = re.sub(rf'"[a-z_]*_rx_state_": "{re.escape(wanted)}"', "", text)
    return text


def ids_to_try(actor: Actor, handler: Handler, page: Page) -> list[str]:
    """Ids of the kinds that the arguments and the page's address name; of every kind where a name says nothing."""
    names = [argument.name for argument in handler.arguments if argument.name not in PLAIN_WORDS]
    names += re.findall(r"\[([^]]*)\]", page.route)
    tables = {name: TABLES.get(name.removesuffix("_id")) for name in names}
    wanted = set(actor.ids) if None in tables.values() else {table for table in tables.values() if table}
    is_search = any(word in f"{handler.name.rpartition('.')[2]} {' '.join(names)}" for word in SEARCHES)
    found = [actor.ids[table][0] for table in sorted(wanted) if actor.ids.get(table)]
    return [*found, str(actor.tenant_id), *([actor.canary] if is_search else [])]


def payload_of(handler: Handler, wanted: str) -> dict[str, Any]:
    """Arguments as a page sends them, with the id wherever one may stand."""
    return {argument.name: _value(argument, wanted) for argument in handler.arguments}


def _value(argument: Argument, wanted: str) -> Any:
    if argument.type in ("str", "UUID"):
        return PLAIN_WORDS.get(argument.name, wanted)
    if argument.type == "dict":
        return dict.fromkeys(FORM_IDS, wanted)
    if argument.type not in FILLINGS:
        raise RuntimeError(f"nobody has said how to try an argument of type {argument.type or 'nothing'}")
    return FILLINGS[argument.type]


# What `<name>_id` is the id of.
TABLES = {
    "lead": "lead",
    "conversation": "conversation",
    "message": "message",
    "media": "media",
    "note": "lead_note",
    "other_lead": "lead",
    "stage": "lead_stage",
    "owner": "portal_user",
    "label": "label",
    "field": "lead_field",
    "merge": "lead_merge",
    "import": "lead_import",
    "channel": "channel",
    "user": "portal_user",
    "session": "user_session",
    "invitation": "invitation",
    "voicemail": "voicemail",
    "reply": "canned_reply",
    "planned": "planned_message",
    "template": "message_template",
}
FORM_IDS = (
    "id",
    "lead_id",
    "conversation_id",
    "message_id",
    "media_id",
    "note_id",
    "goal",
    "channel_id",
    "user_id",
    "template_id",
    "tenant_id",
)


def page_of(context: Context, handler: Handler) -> Page:
    """The page on which this handler's state is loaded; the one with an id in its address, if there is one."""
    state = handler.name.rpartition(".")[0]
    pages = [page for page in context.surface.pages if any(name.startswith(f"{state}.") for name in page.on_load)]
    return max(pages, key=lambda page: "[" in page.route, default=context.surface.pages[0])


def filled(route: str, wanted: str) -> str:
    """The page's address with this id in it."""
    return re.sub(r"\[[^]]*\]", wanted, route)


def short_name(handler: Handler) -> str:
    """`inbox_state.load` instead of the name on the wire."""
    state, _, name = handler.name.rpartition(".")
    return f"{state.rpartition('____')[2].rpartition('.')[2]}.{name}"


def _is_of_reflex(handler: Handler) -> bool:
    state = handler.name.rpartition(".")[0].rpartition(".")[2]
    return state.startswith("reflex___")


@family(Group.PAGES)
def staff_handlers_as_client(context: Context) -> Iterator[Probe]:
    """Every handler of the agency, and those nobody may call, as client B."""
    for handler in context.surface.handlers:
        if handler.audience in (Audience.STAFF, Audience.NOBODY):
            title = f"{short_name(handler)}: does nothing for a client"
            run = partial(_denied, handler, "client B")
            yield Probe(f"handler.as-client.{_unique_name(handler)}", title, Group.PAGES, run)


@family(Group.PAGES)
def client_handlers_as_staff(context: Context) -> Iterator[Probe]:
    """Every handler of clients as staff, with client A's ids."""
    for handler in context.surface.handlers:
        if handler.audience is Audience.CLIENT:
            title = f"{short_name(handler)}: does nothing for staff"
            run = partial(_denied, handler, "staff")
            yield Probe(f"handler.as-staff.{_unique_name(handler)}", title, Group.PAGES, run)


async def _denied(handler: Handler, who: str, context: Context) -> str:
    member = context.b.owner if who == "client B" else context.stage.staff
    page = page_of(context, handler)
    async with _tab(context, member) as opened:
        wanted = str(context.a.tenant_id) if handler.audience is Audience.STAFF else context.a.an_id("conversation")
        frames = await opened.call(handler.name, payload_of(handler, wanted), filled(page.route, wanted))
        frames = [frame for frame in frames if not _is_poke(frame)]
        leak_if(frames, f"{who} was answered: {' '.join(frames)[:160]}")
    return f"{who} got no answer"


def _is_poke(frame: str) -> bool:
    """Whether it holds nothing but the word that there is news of the reader's own client, which comes at any time."""
    return not delta_of(frame) and frame.count('"name"') == 1 and 'session_state.refresh"' in frame


def _unique_name(handler: Handler) -> str:
    return f"{short_name(handler)}.{len(handler.name)}" if _is_of_reflex(handler) else short_name(handler)


@family(Group.PAGES)
def handlers_without_a_session(context: Context) -> Iterator[Probe]:
    """Every handler on a websocket whose session has ended without anybody telling it."""
    for handler in context.surface.handlers:
        if not _is_of_reflex(handler) or handler.name == context.surface.load_event:
            title = f"{short_name(handler)}: does nothing on a websocket whose session has ended"
            yield Probe(f"handler.nobody.{_unique_name(handler)}", title, Group.PAGES, partial(_as_nobody, handler))


async def _as_nobody(handler: Handler, context: Context) -> str:
    page = page_of(context, handler)
    wanted = context.a.an_id("lead")
    async with ghosts.forgotten_tab(context) as opened:
        await opened.send(handler.name, payload_of(handler, wanted), filled(page.route, wanted))
        # The page load behind it is answered with the way out, and shows that the handler has had its turn.
        await opened.send(context.surface.load_event, {}, page.route)
        await opened.wait_for(lambda frame: "signed-out" in frame or bool(delta_of(frame)))
        answered = [frame for frame in opened.frames if delta_of(frame)]
    leak_if(answered, f"it was answered {' '.join(answered)[:160]}")
    if not opened.frames:
        raise RuntimeError("the websocket did not answer at all: nothing is proven")
    return "nothing but the way to the signed-out page"


@probe(Group.PAGES, "socket.nobody", "A websocket without a session is refused")
async def socket_of_nobody(context: Context) -> str:
    return await _refused(context, context.visitor.origin, "")


@probe(Group.PAGES, "socket.made-up-session", "A websocket with a made-up session is refused")
async def socket_of_a_made_up_session(context: Context) -> str:
    name, _, token = context.b.owner.cookie.partition("=")
    return await _refused(context, context.visitor.origin, f"{name}={token[::-1]}")


@probe(Group.PAGES, "socket.foreign-site", "A websocket that another site opens in client B's browser is refused")
async def socket_from_a_foreign_site(context: Context) -> str:
    return await _refused(context, "https://portal.attacker.example", context.b.owner.cookie)


@probe(Group.PAGES, "socket.no-site", "A websocket that names no site is refused")
async def socket_from_no_site(context: Context) -> str:
    return await _refused(context, "", context.b.owner.cookie)


async def _refused(context: Context, origin: str, cookie: str) -> str:
    try:
        async with tab(context.visitor.address, origin=origin, cookie=cookie):
            pass
    except Refused as refusal:
        return str(refusal)
    leak_if(True, "it was let in")
    return ""


def _tab(context: Context, member: Member) -> Any:
    return tab(context.visitor.address, origin=context.visitor.origin, cookie=member.cookie)
