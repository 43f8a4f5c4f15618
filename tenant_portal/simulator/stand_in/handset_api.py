"""The private API behind the handset: play leads, see what their phones show, make faults happen.

Only whoever knows the simulated parent account's credentials may use it, so no web page and no other user of the
machine can.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import addresses, samples
from tenant_portal.simulator.stand_in.calls import PhoneCall, Ring
from tenant_portal.simulator.stand_in.delivery import UNREACHABLE
from tenant_portal.simulator.stand_in.faults import Fault
from tenant_portal.simulator.stand_in.inbound import Letter, Receipt, line_of, receive
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Call, Media, Message, Number, Sender
from tenant_portal.simulator.stand_in.visits import Visit, own
from tenant_portal.simulator.stand_in.world import CONNECTED_SENDERS, World

Body = TypeVar("Body", bound=BaseModel)
Json = dict[str, object]
SHOWN_TO_PHONE = frozenset({"received", "delivered", "read"})


class Speed(BaseModel):
    """How fast time passes; 1 is life."""

    speed: float = Field(gt=0, le=100_000)


def private(handler: Callable[[Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for the parent account's credentials alone."""

    async def checked(visit: Visit) -> Response:
        if not visit.caller.is_parent:
            raise Problem(401, 20003)
        return await handler(visit)

    return own(checked)


async def list_lines(visit: Visit) -> Response:
    """GET numbers: everything that answers, with its account."""
    return JSONResponse([_line(visit.world, phone_number) for phone_number in _hosted(visit.world)])


async def list_phones(visit: Visit) -> Response:
    """GET phones: the phones that have written or called, the latest first."""
    world = visit.world
    seen = {_phone_of(message): message.created_at for message in world.store.all(Message)}
    for call in world.store.all(Call):
        seen[call.from_] = max(call.created_at, seen.get(call.from_, call.created_at))
    # A tester who comes back wants the phone of a minute ago on top.
    latest = sorted(seen.items(), key=lambda item: item[1], reverse=True)
    return JSONResponse([{"phone_number": phone, "at": at.isoformat()} for phone, at in latest])


async def conversation(visit: Visit) -> Response:
    """GET phones/{phone}: what this phone wrote and got, the oldest first; `with` narrows to one number."""
    phone, other = visit.path("phone"), visit.one("with")
    messages = [
        message
        for message in visit.world.store.all(Message)
        if _phone_of(message) == phone and other in {"", _line_number(message)}
    ]
    calls = [one for one in visit.world.store.all(Call) if one.from_ == phone and other in {"", one.to}]
    entries = [_message(visit.world, message) for message in messages] + [_call(call) for call in calls]
    return JSONResponse(sorted(entries, key=lambda entry: str(entry["at"])))


async def write(visit: Visit) -> Response:
    """POST messages: a phone writes; the answer says what the portal answered."""
    letter = await _body(visit, Letter)
    line = line_of(visit.world, letter)
    if line is None:
        raise Problem(404, 20404, f"nobody answers at {letter.to}")
    try:
        receipt = await receive(visit.world, line, letter)
    except ValueError as error:
        raise Problem(400, 20001, str(error)) from None
    return JSONResponse(_receipt(receipt), status_code=201)


async def ring(visit: Visit) -> Response:
    """POST calls: a phone calls; with `?wait=true` the answer comes after the last callback."""
    wanted = await _body(visit, Ring)
    number = visit.world.number(wanted.to)
    account = visit.world.owner_of(number.account_sid) if number else None
    if number is None or account is None or account.status != "active":
        raise Problem(404, 20404, f"nobody answers at {wanted.to}")
    phone_call = PhoneCall(visit.world, account, number, wanted)
    # A call takes half a minute of life: a page shows it as it goes, a test wants the end.
    if visit.request.query_params.get("wait") == "true":
        await phone_call.run()
    else:
        visit.world.spawn(phone_call.run())
    return JSONResponse(_call(phone_call.call), status_code=201)


async def fetch_call(visit: Visit) -> Response:
    """GET calls/{sid}: how a call goes."""
    found = next((one for one in visit.world.store.all(Call) if one.sid == visit.path("sid")), None)
    if found is None:
        raise Problem(404, 20404)
    return JSONResponse(_call(found))


async def codes(visit: Visit) -> Response:
    """GET codes: the verification codes that WhatsApp has sent to numbers."""
    # Gone from the phone once used, like the real ones.
    waiting = [one for one in visit.world.store.all(Sender) if one.status == "PENDING_VERIFICATION"]
    return JSONResponse([{"phone_number": one.phone_number, "code": one.code} for one in waiting])


async def media_file(visit: Visit) -> Response:
    """GET media/{sid}: a picture that a phone shows."""
    found = next((one for one in visit.world.store.all(Media) if one.sid == visit.path("sid")), None)
    if found is None:
        raise Problem(404, 20404)
    return Response(visit.world.store.read_file(found.file), media_type=found.content_type)


async def attempts(visit: Visit) -> Response:
    """GET webhooks: the latest requests to the portal, the newest first."""
    account_sid = visit.one("account")
    found = [one for one in reversed(visit.world.webhooks.attempts) if account_sid in {"", one.account_sid}]
    return JSONResponse(
        [
            {
                "at": one.at.isoformat(),
                "account_sid": one.account_sid,
                "url": one.url,
                "status": one.status,
                "milliseconds": one.milliseconds,
                "error_code": one.error_code,
            }
            for one in found
        ]
    )


async def choices(_visit: Visit) -> Response:
    """GET choices: sounds that ship, and phones that nothing can be delivered to."""
    unreachable = [
        {"phone_number": phone, "code": code, "words": words} for phone, (code, words) in UNREACHABLE.items()
    ]
    sounds = [{"name": sound.name, "words": sound.words} for sound in samples.SOUNDS.values()]
    return JSONResponse({"sounds": sounds, "unreachable": unreachable})


async def set_speed(visit: Visit) -> Response:
    """POST speed."""
    visit.world.speed = (await _body(visit, Speed)).speed
    return Response(status_code=204)


async def list_faults(visit: Visit) -> Response:
    """GET faults: those that still wait."""
    return JSONResponse([fault.model_dump() for fault in visit.world.faults.waiting])


async def add_fault(visit: Visit) -> Response:
    """POST faults."""
    visit.world.faults.add(await _body(visit, Fault))
    return Response(status_code=204)


async def clear_faults(visit: Visit) -> Response:
    """DELETE faults."""
    visit.world.faults.clear()
    return Response(status_code=204)


ROUTES = [
    Route("/_handset/numbers", private(list_lines), methods=["GET"]),
    Route("/_handset/phones", private(list_phones), methods=["GET"]),
    Route("/_handset/phones/{phone}", private(conversation), methods=["GET"]),
    Route("/_handset/messages", private(write), methods=["POST"]),
    Route("/_handset/calls", private(ring), methods=["POST"]),
    Route("/_handset/calls/{sid}", private(fetch_call), methods=["GET"]),
    Route("/_handset/codes", private(codes), methods=["GET"]),
    Route("/_handset/media/{sid}", private(media_file), methods=["GET"]),
    Route("/_handset/webhooks", private(attempts), methods=["GET"]),
    Route("/_handset/choices", private(choices), methods=["GET"]),
    Route("/_simulator/speed", private(set_speed), methods=["POST"]),
    Route("/_simulator/faults", private(list_faults), methods=["GET"]),
    Route("/_simulator/faults", private(add_fault), methods=["POST"]),
    Route("/_simulator/faults", private(clear_faults), methods=["DELETE"]),
]


async def _body(visit: Visit, kind: type[Body]) -> Body:
    # A page of another origin can post a form to this port but not JSON, and it has no credentials either.
    if visit.request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
        raise Problem(415, 20001, "send application/json")
    try:
        return kind.model_validate_json(await visit.request.body())
    except ValidationError as error:
        first = error.errors()[0]
        raise Problem(400, 20001, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _hosted(world: World) -> list[str]:
    numbers = [one.phone_number for one in world.store.all(Number)]
    senders = [one.phone_number for one in world.store.all(Sender)]
    return list(dict.fromkeys(numbers + senders))


def _line(world: World, phone_number: str) -> Json:
    number, sender = world.number(phone_number), world.sender(phone_number, connected=False)
    owner = number or sender
    account = world.owner_of(owner.account_sid) if owner else None
    return {
        "phone_number": phone_number,
        "account_sid": account.sid if account else "",
        "account_name": account.friendly_name if account else "",
        "account_status": account.status if account else "",
        "sms": bool(number and number.sms_url),
        "voice": bool(number and number.voice_url),
        "whatsapp": bool(sender and sender.status in CONNECTED_SENDERS),
        "whatsapp_status": sender.status if sender else "",
    }


def _phone_of(message: Message) -> str:
    return addresses.bare(message.from_ if message.direction == "inbound" else message.to)


def _line_number(message: Message) -> str:
    return addresses.bare(message.to if message.direction == "inbound" else message.from_)


def _message(world: World, message: Message) -> Json:
    files = [one for one in world.store.all(Media, message.account_sid) if one.message_sid == message.sid]
    return {
        "kind": "whatsapp" if addresses.is_whatsapp(message.to) else "sms",
        "sid": message.sid,
        "account_sid": message.account_sid,
        "outgoing": message.direction == "inbound",
        "other": _line_number(message),
        "text": message.body,
        "status": message.status,
        "arrived": message.status in SHOWN_TO_PHONE,
        "error_code": message.error_code,
        "media": [{"sid": one.sid, "content_type": one.content_type} for one in files],
        "place": message.place.model_dump() if message.place else None,
        "actions": message.actions,
        "at": message.created_at.isoformat(),
    }


def _call(call: Call) -> Json:
    return {
        "kind": "call",
        "sid": call.sid,
        "account_sid": call.account_sid,
        "outgoing": True,
        "other": call.to,
        "text": "\n".join(call.heard),
        "status": call.status,
        "arrived": True,
        "error_code": None,
        "media": [],
        "place": None,
        "at": call.created_at.isoformat(),
    }


def _receipt(receipt: Receipt) -> Json:
    outcome = receipt.outcome
    return {
        "message_sid": receipt.message.sid,
        "account_sid": receipt.message.account_sid,
        "sent": outcome is not None,
        "status": outcome.status if outcome else None,
        "error_code": outcome.error_code if outcome else None,
        "milliseconds": receipt.milliseconds,
    }
