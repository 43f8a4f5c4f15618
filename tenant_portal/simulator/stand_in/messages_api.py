"""Messages: sending, reading, redacting, deleting."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import addresses, shapes
from tenant_portal.simulator.stand_in.content_api import templated
from tenant_portal.simulator.stand_in.delivery import Outgoing, has_opted_out, send
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Media, Message
from tenant_portal.simulator.stand_in.visits import Visit, owned, v2010_page
from tenant_portal.simulator.stand_in.world import World

LONGEST_BODY = 1600
MOST_MEDIA = 10
# Twilio's own magic recipients and senders for trying out refusals.
REFUSED_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
REFUSED_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
FINAL = frozenset({"delivered", "undelivered", "failed", "read", "received", "canceled"})


async def create(visit: Visit) -> Response:
    """POST Messages.json."""
    outgoing = templated(visit, _outgoing(visit))
    _require_content(outgoing)
    _require_callback(outgoing.status_callback)
    _require_route(visit.world, visit.account.sid, outgoing)
    return JSONResponse(shapes.message(send(visit.world, visit.account, outgoing)), status_code=201)


async def search(visit: Visit) -> Response:
    """GET Messages.json by To, From and DateSent, newest first."""
    found = visit.world.store.all(Message, visit.account.sid)
    for name, field in (("To", "to"), ("From", "from_")):
        if visit.one(name):
            found = [message for message in found if getattr(message, field) == visit.one(name)]
    for name in ("DateSent", "DateSent<", "DateSent>"):
        if visit.one(name):
            found = [message for message in found if _was_sent(message, name[8:], visit.one(name))]
    # Newest first, as Twilio lists them: a reader that stops early has seen the latest.
    found.reverse()
    return v2010_page(visit, "messages", [shapes.message(message) for message in found])


async def fetch(visit: Visit) -> Response:
    """GET Messages/{sid}.json."""
    return JSONResponse(shapes.message(visit.record(Message)))


async def update(visit: Visit) -> Response:
    """POST Messages/{sid}.json: an empty Body redacts."""
    message = visit.record(Message)
    if visit.one("Status"):
        raise Problem(400, 20001, "only a scheduled message can be canceled")
    if visit.one("Body") or not visit.has("Body"):
        raise Problem(400, 20001, "Body can only be emptied")
    _require_finished(message)
    return JSONResponse(shapes.message(visit.world.store.change(message, body="")))


async def delete(visit: Visit) -> Response:
    """DELETE Messages/{sid}.json, with its media."""
    message = visit.record(Message)
    _require_finished(message)
    # Since 2020 Twilio deletes the files along with the message.
    for item in _media_of(visit.world, message):
        _forget(visit.world, item)
    visit.world.store.delete(message)
    return Response(status_code=204)


async def list_media(visit: Visit) -> Response:
    """GET Messages/{sid}/Media.json."""
    found = _media_of(visit.world, visit.record(Message))
    return v2010_page(visit, "media_list", [shapes.media(item) for item in found])


async def fetch_media(visit: Visit) -> Response:
    """GET Messages/{message}/Media/{sid}.json."""
    return JSONResponse(shapes.media(_media(visit)))


async def delete_media(visit: Visit) -> Response:
    """DELETE Messages/{message}/Media/{sid}.json."""
    _forget(visit.world, _media(visit))
    return Response(status_code=204)


async def media_file(visit: Visit) -> Response:
    """GET Messages/{message}/Media/{sid}: away to a short-lived link, as Twilio answers."""
    media = _media(visit)
    link = visit.world.new_link(media.file, media.content_type)
    # Absolute, and on another host in life: whoever follows must leave the credentials behind.
    return Response(status_code=307, headers={"Location": str(visit.request.base_url).rstrip("/") + link})


BASE = "/2010-04-01/Accounts/{account}/Messages"
ROUTES = [
    Route(BASE + ".json", owned(create), methods=["POST"]),
    Route(BASE + ".json", owned(search), methods=["GET"]),
    Route(BASE + "/{sid}.json", owned(fetch), methods=["GET"]),
    Route(BASE + "/{sid}.json", owned(update), methods=["POST"]),
    Route(BASE + "/{sid}.json", owned(delete), methods=["DELETE"]),
    Route(BASE + "/{sid}/Media.json", owned(list_media), methods=["GET"]),
    Route(BASE + "/{message}/Media/{sid}.json", owned(fetch_media), methods=["GET"]),
    Route(BASE + "/{message}/Media/{sid}.json", owned(delete_media), methods=["DELETE"]),
    Route(BASE + "/{message}/Media/{sid}", owned(media_file), methods=["GET"]),
]


def _outgoing(visit: Visit) -> Outgoing:
    return Outgoing(
        to=visit.one("To"),
        from_=visit.one("From"),
        body=visit.one("Body"),
        media_urls=tuple(visit.fields.get("MediaUrl", ())),
        status_callback=visit.one("StatusCallback"),
    )


def _require_content(outgoing: Outgoing) -> None:
    if not outgoing.to:
        raise Problem(400, 21604)
    if not outgoing.from_:
        raise Problem(400, 21603)
    if not outgoing.body and not outgoing.media_urls:
        raise Problem(400, 21602)
    if len(outgoing.body) > LONGEST_BODY:
        raise Problem(400, 21617)
    if len(outgoing.media_urls) > MOST_MEDIA:
        raise Problem(400, 21623)
    if not all(urlsplit(url).scheme in {"http", "https"} and urlsplit(url).netloc for url in outgoing.media_urls):
        raise Problem(400, 21620)


def _require_callback(url: str) -> None:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not re.fullmatch(r"[A-Za-z0-9.\-]+", parts.hostname or "")):
        raise Problem(400, 21609, url)


def _require_route(world: World, account_sid: str, outgoing: Outgoing) -> None:
    to, from_ = outgoing.to, outgoing.from_
    if not addresses.is_valid(to):
        raise Problem(400, 21211, to)
    if not addresses.is_valid(from_):
        raise Problem(400, 21212, from_)
    for code in (REFUSED_TO.get(addresses.bare(to)), REFUSED_FROM.get(addresses.bare(from_))):
        if code:
            raise Problem(400, code)
    if addresses.is_whatsapp(to) != addresses.is_whatsapp(from_):
        raise Problem(400, 21910)
    if to == from_:
        raise Problem(400, 21266)
    _require_sender(world, account_sid, from_)
    # Last: an opt-out is only known for a pair of numbers that could write to each other.
    if has_opted_out(world, account_sid, from_, to):
        raise Problem(400, 21610)


def _require_sender(world: World, account_sid: str, from_: str) -> None:
    if addresses.is_whatsapp(from_):
        sender = world.sender(addresses.bare(from_))
        if sender is None or sender.account_sid != account_sid:
            raise Problem(400, 63007)
        return
    number = world.number(from_)
    if number is None or number.account_sid != account_sid:
        raise Problem(400, 21606, from_)


def _require_finished(message: Message) -> None:
    if message.status not in FINAL and message.direction != "inbound":
        raise Problem(400, 20009, "Cannot change this resource before it is complete")


def _was_sent(message: Message, comparison: str, wanted: str) -> bool:
    """Compare as Twilio does: a day means the whole day in UTC. What waits to be sent has no such day yet."""
    try:
        start = datetime.fromisoformat(wanted if "T" in wanted else f"{wanted}T00:00:00+00:00")
    except ValueError:
        raise Problem(400, 20001, "DateSent") from None
    sent = message.sent_at
    if sent is None:
        return False
    if comparison == ">":
        return sent >= start
    if comparison == "<":
        return sent < start + (timedelta() if "T" in wanted else timedelta(days=1))
    return start <= sent < start + timedelta(days=1)


def _media_of(world: World, message: Message) -> list[Media]:
    return [item for item in world.store.all(Media, message.account_sid) if item.message_sid == message.sid]


def _media(visit: Visit) -> Media:
    media = visit.record(Media)
    # A file is found under its own message only, although its SID alone would do.
    if media.message_sid != visit.path("message"):
        raise Problem(404, 20404, visit.request.url.path)
    return media


def _forget(world: World, media: Media) -> None:
    world.store.delete_file(media.file)
    world.store.delete(media)
