"""API requests on their way to a handler: who asks, for which account, with what."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Account, Record
from tenant_portal.simulator.stand_in.world import World
from tenant_portal.twilio_gateway.errors import MalformedForm
from tenant_portal.twilio_gateway.signatures import parse_form

Kind = TypeVar("Kind", bound=Record)
Json = dict[str, object]
MAX_PAGE = 1000


@dataclass(frozen=True)
class Visit:
    """One request. `caller` has proven who it is, `account` is whose resources are asked for."""

    world: World
    caller: Account
    account: Account
    request: Request
    fields: dict[str, list[str]]

    def one(self, name: str, default: str = "") -> str:
        """A parameter that is given once; the last one counts."""
        return self.fields.get(name, [default])[-1]

    def has(self, name: str) -> bool:
        """Whether a parameter is given, empty or not."""
        return name in self.fields

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def record(self, kind: type[Kind], name: str = "sid") -> Kind:
        """The record of the account that the path names; a stranger's is as unknown as one that never was."""
        found = self.world.store.get(kind, self.account.sid, self.path(name))
        if found is None:
            raise Problem(404, 20404, self.request.url.path)
        return found


Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def owned(handler: Handler) -> Endpoint:
    """An endpoint below /2010-04-01/Accounts/{account}: for the account itself and for its parent."""

    async def endpoint(request: Request) -> Response:
        world, caller = _world(request), _caller(request)
        account = world.account(request.path_params["account"])
        # The same answer for a stranger's account as for one that does not exist.
        if account is None or caller.sid not in {account.sid, account.owner_sid}:
            raise Problem(401, 20003)
        if account.status != "active":
            raise Problem(403, 20005)
        return await handler(Visit(world, caller, account, request, await _fields(request)))

    return endpoint


def own(handler: Handler) -> Endpoint:
    """An endpoint where the credentials alone say which account is meant."""

    async def endpoint(request: Request) -> Response:
        caller = _caller(request)
        return await handler(Visit(_world(request), caller, caller, request, await _fields(request)))

    return endpoint


def v2010_page(visit: Visit, key: str, items: list[Json], *, page_size: int = 50) -> JSONResponse:
    """One page of a list of the 2010 API, with relative links."""
    number, size = _page(visit, page_size)
    url, start = visit.request.url, number * size
    path = url.path
    shown = items[start : start + size]

    def link(page: int) -> str:
        return f"{path}?{url.include_query_params(PageSize=size, Page=page).query}"

    return JSONResponse(
        {
            key: shown,
            "page": number,
            "page_size": size,
            "start": start,
            "end": start + max(len(shown) - 1, 0),
            "uri": f"{path}?{url.query}",
            "first_page_uri": link(0),
            "previous_page_uri": link(number - 1) if number else None,
            "next_page_uri": link(number + 1) if start + size < len(items) else None,
        }
    )


def meta_page(visit: Visit, key: str, items: list[Json], host: str) -> JSONResponse:
    """One page of a list of the newer APIs, with absolute links."""
    number, size = _page(visit, 50)
    url, start = visit.request.url, number * size

    def link(page: int) -> str:
        return f"https://{host}{url.path}?{url.include_query_params(PageSize=size, Page=page).query}"

    meta = {
        "key": key,
        "page": number,
        "page_size": size,
        "url": link(number),
        "first_page_url": link(0),
        "previous_page_url": link(number - 1) if number else None,
        "next_page_url": link(number + 1) if start + size < len(items) else None,
    }
    return JSONResponse({key: items[start : start + size], "meta": meta})


def _page(visit: Visit, page_size: int) -> tuple[int, int]:
    number, size = visit.one("Page", "0"), visit.one("PageSize", str(page_size))
    if not number.isdecimal() or not size.isdecimal() or not 1 <= int(size) <= MAX_PAGE:
        raise Problem(400, 20001, "PageSize")
    return int(number), int(size)


def _world(request: Request) -> World:
    world = request.app.state.world
    assert isinstance(world, World)
    return world


def _caller(request: Request) -> Account:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        sid, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Problem(401, 20003) from None
    account = _world(request).account(sid) if kind.lower() == "basic" else None
    # A suspended or closed account is told the same as one with a wrong token.
    if account is None or account.status != "active" or not _token_opens(account, token):
        raise Problem(401, 20003)
    return account


def _token_opens(account: Account, token: str) -> bool:
    # During a rotation both open the API, though only the first signs.
    known = [one for one in (account.auth_token, account.secondary_token) if one]
    return any(hmac.compare_digest(one.encode(), token.encode()) for one in known)


async def _fields(request: Request) -> dict[str, list[str]]:
    # Repeated names are kept: MediaUrl comes up to ten times.
    raw = request.url.query.encode()
    if request.method == "POST" and "json" not in request.headers.get("Content-Type", ""):
        raw = await request.body()
    fields: dict[str, list[str]] = {}
    try:
        for name, value in parse_form(raw):
            fields.setdefault(name, []).append(value)
    except MalformedForm as error:
        raise Problem(400, 20001, error.message) from None
    return fields
