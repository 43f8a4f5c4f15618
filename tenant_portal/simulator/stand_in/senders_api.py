"""WhatsApp senders: registered, verified by a code, online."""

import json
import re
import secrets

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import addresses, shapes
from tenant_portal.simulator.stand_in.inbound import Letter, line_of, receive
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Sender, new_sid
from tenant_portal.simulator.stand_in.visits import Visit, meta_page, own
from tenant_portal.simulator.stand_in.world import World

PARTS = ("configuration", "webhook", "profile")
METHODS = {"verification_method": {"sms", "voice"}, "callback_method": {"POST", "PUT"}}
WAITING = "PENDING_VERIFICATION"
STEP_SECONDS, AGAIN_SECONDS, MOST_TEXTS = 1.0, 3.0, 100


async def create(visit: Visit) -> Response:
    """POST Channels/Senders: register a number with WhatsApp."""
    body = await _body(visit)
    sender_id, profile = str(body.get("sender_id") or ""), body.get("profile") or {}
    if not addresses.is_whatsapp(sender_id) or not addresses.is_valid(sender_id):
        raise Problem(400, 63100, "sender_id")
    if not isinstance(profile, dict) or not profile.get("name"):
        raise Problem(400, 63100, "profile.name")
    if visit.world.sender(addresses.bare(sender_id), connected=False):
        raise Problem(409, 63100, "a sender with this number already exists")
    sender = Sender(
        sid=new_sid("XE"),
        account_sid=visit.account.sid,
        phone_number=addresses.bare(sender_id),
        code=f"{secrets.randbelow(10**6):06d}",
    )
    sender = visit.world.store.put(_with_parts(sender, body))
    visit.world.spawn(_step(visit.world, sender, "CREATING", WAITING))
    return JSONResponse(shapes.sender(sender), status_code=202)


async def search(visit: Visit) -> Response:
    """GET Channels/Senders?Channel=whatsapp."""
    if visit.one("Channel") not in {"whatsapp", "rcs"}:
        raise Problem(400, 20001, "Channel")
    found = visit.world.store.all(Sender, visit.account.sid) if visit.one("Channel") == "whatsapp" else []
    return meta_page(visit, "senders", [shapes.sender(one) for one in found], "messaging.twilio.com")


async def fetch(visit: Visit) -> Response:
    """GET Channels/Senders/{sid}."""
    return JSONResponse(shapes.sender(visit.record(Sender)))


async def update(visit: Visit) -> Response:
    """POST Channels/Senders/{sid}: hand in the code, change URLs or profile."""
    sender, body = visit.record(Sender), await _body(visit)
    code = (body.get("configuration") or {}).get("verification_code")
    if code is not None:
        sender = _verified(visit.world, sender, str(code))
    sender = visit.world.store.put(_with_parts(sender, body))
    return JSONResponse(shapes.sender(sender), status_code=202)


async def delete(visit: Visit) -> Response:
    """DELETE Channels/Senders/{sid}."""
    visit.world.store.delete(visit.record(Sender))
    return Response(status_code=204)


def resume(world: World) -> None:
    """Let senders go on that were under way when the simulator stopped."""
    following = {"CREATING": WAITING, "VERIFYING": "ONLINE"}
    for sender in world.store.all(Sender):
        if sender.status in following:
            world.spawn(_step(world, sender, sender.status, following[sender.status]))
        elif sender.status == WAITING:
            # Whether the code had arrived is not known any more; twice does no harm, never does.
            world.spawn(_text_the_code(world, sender))


BASE = "/v2/Channels/Senders"
ROUTES = [
    Route(BASE, own(create), methods=["POST"]),
    Route(BASE, own(search), methods=["GET"]),
    Route(BASE + "/{sid}", own(fetch), methods=["GET"]),
    Route(BASE + "/{sid}", own(update), methods=["POST"]),
    Route(BASE + "/{sid}", own(delete), methods=["DELETE"]),
]


async def _body(visit: Visit) -> dict[str, dict[str, object]]:
    try:
        body = json.loads(await visit.request.body())
    except ValueError:
        raise Problem(400, 63100, "the body is not JSON") from None
    parts = [body.get(part) for part in PARTS] if isinstance(body, dict) else [""]
    if not all(part is None or isinstance(part, dict) for part in parts):
        raise Problem(400, 63100, "the body is not what it should be")
    for part in filter(None, parts):
        for name, allowed in METHODS.items():
            if part.get(name, None) not in {None, *allowed}:
                raise Problem(400, 63100, name)
    return dict(body)


def _with_parts(sender: Sender, body: dict[str, dict[str, object]]) -> Sender:
    merged = {part: {**getattr(sender, part), **(body.get(part) or {})} for part in PARTS}
    # A secret on its way in only; Twilio answers null for it.
    merged["configuration"].pop("verification_code", None)
    return sender.model_copy(update=merged)


def _verified(world: World, sender: Sender, code: str) -> Sender:
    if sender.status != WAITING:
        raise Problem(409, 63100, f"the sender is {sender.status}")
    if not re.fullmatch(r"\d{6}", code) or not secrets.compare_digest(code, sender.code):
        raise Problem(400, 63100, "configuration.verification_code is not correct")
    sender = world.store.change(sender, status="VERIFYING")
    world.spawn(_step(world, sender, "VERIFYING", "ONLINE"))
    return sender


async def _step(world: World, sender: Sender, before: str, after: str) -> None:
    await world.wait(STEP_SECONDS)
    # It may have been deleted, or moved on, while this waited.
    present = world.store.get(Sender, sender.account_sid, sender.sid)
    if present is None or present.status != before:
        return
    moved = world.store.change(present, status=after)
    if after == WAITING:
        await _text_the_code(world, moved)


async def _text_the_code(world: World, sender: Sender) -> None:
    """To a number bought here the code comes as a text message like any other, and so reaches the portal.

    It comes again while nobody takes it: the number's URL may be set a moment later, or the portal still be starting.
    """
    if sender.configuration.get("verification_method") == "voice":
        return
    body = f"Your WhatsApp code is {sender.code[:3]}-{sender.code[3:]}. Do not share it."
    letter = Letter.model_validate({"from": "WhatsApp", "to": sender.phone_number, "body": body})
    for _ in range(MOST_TEXTS):
        present, line = world.store.get(Sender, sender.account_sid, sender.sid), line_of(world, letter)
        if present is None or present.status != WAITING:
            return
        if line and line.url and line.account.sid == sender.account_sid:
            receipt = await receive(world, line, letter)
            if receipt.outcome and receipt.outcome.ok:
                return
        await world.wait(AGAIN_SECONDS)
