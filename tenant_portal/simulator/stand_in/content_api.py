"""Content templates: made, submitted to WhatsApp, approved or rejected after a while, and filled in for a message."""

import json
import re
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import shapes
from tenant_portal.simulator.stand_in.delivery import Outgoing
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Template, new_sid
from tenant_portal.simulator.stand_in.visits import Visit, meta_page, own
from tenant_portal.simulator.stand_in.world import World

HOST = "content.twilio.com"
TYPES = {
    "twilio/text": ("body",),
    "twilio/media": ("media",),
    "twilio/quick-reply": ("body", "actions"),
    "twilio/call-to-action": ("body", "actions"),
}
CATEGORIES = frozenset({"UTILITY", "MARKETING", "AUTHENTICATION"})
LONGEST_BODY, LONGEST_TITLE = 1024, 25
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
UNDER_REVIEW = frozenset({"received", "pending"})
REVIEW_SECONDS = 4.0
# A rule of WhatsApp's that is easy to break on purpose.
AT_THE_EDGE = "Variables can't be at the start or end of the template."


async def create(visit: Visit) -> Response:
    """POST Content."""
    body = await _body(visit)
    types = body.get("types")
    if not body.get("language"):
        raise Problem(400, 60200, "language")
    if not isinstance(types, dict) or not types or not all(_is_sound(word, shape) for word, shape in types.items()):
        raise Problem(400, 60200, "types")
    template = Template(
        sid=new_sid("HX"),
        account_sid=visit.account.sid,
        friendly_name=str(body.get("friendly_name") or ""),
        language=str(body["language"]),
        variables={str(key): str(value) for key, value in (body.get("variables") or {}).items()},
        types=types,
    )
    return JSONResponse(shapes.template(visit.world.store.put(template)), status_code=201)


async def search(visit: Visit) -> Response:
    """GET Content."""
    found = visit.world.store.all(Template, visit.account.sid)
    return meta_page(visit, "contents", [shapes.template(one) for one in found], HOST)


async def search_with_approvals(visit: Visit) -> Response:
    """GET ContentAndApprovals."""
    found = visit.world.store.all(Template, visit.account.sid)
    return meta_page(visit, "contents", [shapes.template_with_approval(one) for one in found], HOST)


async def fetch(visit: Visit) -> Response:
    """GET Content/{sid}."""
    return JSONResponse(shapes.template(visit.record(Template)))


async def delete(visit: Visit) -> Response:
    """DELETE Content/{sid}."""
    visit.world.store.delete(visit.record(Template))
    return Response(status_code=204)


async def submit(visit: Visit) -> Response:
    """POST Content/{sid}/ApprovalRequests/whatsapp."""
    template, body = visit.record(Template), await _body(visit)
    name, category = str(body.get("name") or ""), body.get("category")
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        raise Problem(400, 60200, "name")
    if category not in CATEGORIES:
        raise Problem(400, 60200, "category")
    if template.status != "unsubmitted":
        raise Problem(409, 60200, "this content has been submitted already")
    template = visit.world.store.change(template, status="received", name=name, category=category)
    visit.world.spawn(_review(visit.world, template))
    return JSONResponse(shapes.approval(template), status_code=201)


async def fetch_approval(visit: Visit) -> Response:
    """GET Content/{sid}/ApprovalRequests."""
    template = visit.record(Template)
    whatsapp = shapes.approval(template) if template.status != "unsubmitted" else {}
    url = f"https://{HOST}/v1/Content/{template.sid}/ApprovalRequests"
    return JSONResponse({"sid": template.sid, "account_sid": template.account_sid, "whatsapp": whatsapp, "url": url})


def resume(world: World) -> None:
    """Let reviews go on that were under way when the simulator stopped."""
    for template in world.store.all(Template):
        if template.status in UNDER_REVIEW:
            world.spawn(_review(world, template))


BASE = "/v1/Content"
ROUTES = [
    Route(BASE, own(create), methods=["POST"]),
    Route(BASE, own(search), methods=["GET"]),
    Route("/v1/ContentAndApprovals", own(search_with_approvals), methods=["GET"]),
    Route(BASE + "/{sid}", own(fetch), methods=["GET"]),
    Route(BASE + "/{sid}", own(delete), methods=["DELETE"]),
    Route(BASE + "/{sid}/ApprovalRequests", own(fetch_approval), methods=["GET"]),
    Route(BASE + "/{sid}/ApprovalRequests/whatsapp", own(submit), methods=["POST"]),
]


def templated(visit: Visit, outgoing: Outgoing) -> Outgoing:
    """The message with what its ContentSid stands for; as it is without one."""
    if not visit.one("ContentSid"):
        return outgoing
    # Of this account only: another one's SID is as unknown as one that never was.
    template = visit.world.store.get(Template, visit.account.sid, visit.one("ContentSid"))
    if template is None:
        raise Problem(400, 21655, visit.one("ContentSid"))
    values = {**template.variables, **_variables(visit.one("ContentVariables", "{}"))}
    shape = next(iter(template.types.values()))
    wanted = set(VARIABLE.findall(json.dumps(shape)))
    if not wanted <= set(values):
        raise Problem(400, 21656, ", ".join(sorted(wanted - set(values))))
    return replace(
        outgoing,
        body=_filled(shape.get("body") or "", values),
        media_urls=tuple(_filled(url, values) for url in shape.get("media") or ()),
        template_status=template.status,
        actions=tuple(_action(one, values) for one in shape.get("actions") or ()),
    )


def _variables(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        raise Problem(400, 21656) from None
    # Twilio takes no empty value either.
    if not isinstance(found, dict) or not all(isinstance(value, str) and value for value in found.values()):
        raise Problem(400, 21656)
    return found


def _filled(text: str, values: dict[str, str]) -> str:
    return VARIABLE.sub(lambda match: values[match[1]], text)


def _action(action: dict[str, str], values: dict[str, str]) -> tuple[str, str, str]:
    where = action.get("url") or action.get("phone") or action.get("id") or action["title"]
    return action.get("type") or "QUICK_REPLY", action["title"], _filled(where, values)


async def _review(world: World, template: Template) -> None:
    for status in ("pending", "rejected" if _breaks_a_rule(template) else "approved"):
        await world.wait(REVIEW_SECONDS)
        present = world.store.get(Template, template.account_sid, template.sid)
        if present is None:
            return
        reason = AT_THE_EDGE if status == "rejected" else ""
        world.store.change(present, status=status, rejection_reason=reason)


def _breaks_a_rule(template: Template) -> bool:
    body = str(next(iter(template.types.values())).get("body") or "").strip()
    return any(body.startswith(found) or body.endswith(found) for found in (one[0] for one in VARIABLE.finditer(body)))


def _is_sound(word: str, shape: Any) -> bool:
    if word not in TYPES or not isinstance(shape, dict) or not all(shape.get(name) for name in TYPES[word]):
        return False
    titles = [one.get("title") for one in shape.get("actions") or ()]
    return len(shape.get("body") or "") <= LONGEST_BODY and all(one and len(one) <= LONGEST_TITLE for one in titles)


async def _body(visit: Visit) -> dict[str, Any]:
    try:
        body = json.loads(await visit.request.body())
    except ValueError:
        raise Problem(400, 60200, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, 60200, "the body is not what it should be")
    return body
