"""Accounts and auth tokens."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import shapes
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Account, Number, Sender, new_sid
from tenant_portal.simulator.stand_in.visits import Visit, own, v2010_page
from tenant_portal.simulator.stand_in.world import World

MOST_SUBACCOUNTS = 1000
LONGEST_NAME = 64
STATES = ("active", "suspended", "closed")


async def create(visit: Visit) -> Response:
    """POST Accounts.json: a subaccount of the parent."""
    _require_parent(visit.caller)
    name = visit.one("FriendlyName", "SubAccount")
    if len(name) > LONGEST_NAME:
        raise Problem(400, 20001, "FriendlyName")
    # Closed ones do not count; the parent does, hence more than and not at least.
    if sum(one.status != "closed" for one in visit.world.store.all(Account)) > MOST_SUBACCOUNTS:
        raise Problem(400, 21480)
    sid = new_sid("AC")
    account = Account(
        sid=sid, account_sid=sid, friendly_name=name, auth_token=secrets.token_hex(16), owner_sid=visit.caller.sid
    )
    return JSONResponse(shapes.account(visit.world.store.put(account)), status_code=201)


async def search(visit: Visit) -> Response:
    """GET Accounts.json: the caller's accounts by exact name and state."""
    name, status = visit.one("FriendlyName"), visit.one("Status")
    found = [
        account
        for account in visit.world.store.all(Account)
        if visit.caller.sid in {account.sid, account.owner_sid}
        and (not name or account.friendly_name == name)
        and (not status or account.status == status)
    ]
    return v2010_page(visit, "accounts", [shapes.account(account) for account in found])


async def fetch(visit: Visit) -> Response:
    """GET Accounts/{account}.json."""
    return JSONResponse(shapes.account(_target(visit)))


async def update(visit: Visit) -> Response:
    """POST Accounts/{account}.json: rename, suspend, reactivate, close."""
    account, status = _target(visit), visit.one("Status")
    if status:
        _require_parent(visit.caller)
        _require_change(account, status)
        account = visit.world.store.change(account, status=status)
    if visit.one("FriendlyName"):
        account = visit.world.store.change(account, friendly_name=visit.one("FriendlyName"))
    # What Twilio does too, at once: a closed account's numbers go back on sale.
    if account.status == "closed":
        _release_everything(visit.world, account)
    return JSONResponse(shapes.account(account))


async def create_secondary(visit: Visit) -> Response:
    """POST AuthTokens/Secondary: a second token for the caller's account."""
    account = visit.world.store.change(visit.account, secondary_token=secrets.token_hex(16))
    body = _token_body(account, "Secondary")
    return JSONResponse({**body, "secondary_auth_token": account.secondary_token}, status_code=201)


async def delete_secondary(visit: Visit) -> Response:
    """DELETE AuthTokens/Secondary."""
    visit.world.store.change(visit.account, secondary_token=None)
    return Response(status_code=204)


async def promote(visit: Visit) -> Response:
    """POST AuthTokens/Promote: the second token becomes the only one."""
    # Promoting twice must not lock the account out.
    if not visit.account.secondary_token:
        raise Problem(404, 20404, "there is no secondary auth token")
    account = visit.world.store.change(visit.account, auth_token=visit.account.secondary_token, secondary_token=None)
    return JSONResponse({**_token_body(account, "Promote"), "auth_token": account.auth_token})


async def accounts(request: Request) -> Response:
    """The collection of accounts."""
    return await own(create if request.method == "POST" else search)(request)


async def one_account(request: Request) -> Response:
    """One account."""
    return await own(update if request.method == "POST" else fetch)(request)


async def secondary(request: Request) -> Response:
    """The second token."""
    return await own(delete_secondary if request.method == "DELETE" else create_secondary)(request)


ROUTES = [
    Route("/2010-04-01/Accounts.json", accounts, methods=["GET", "POST"]),
    Route("/2010-04-01/Accounts/{account}.json", one_account, methods=["GET", "POST"]),
    Route("/v1/AuthTokens/Secondary", secondary, methods=["POST", "DELETE"]),
    Route("/v1/AuthTokens/Promote", own(promote), methods=["POST"]),
]


def _require_parent(caller: Account) -> None:
    if not caller.is_parent:
        raise Problem(401, 20003)


def _target(visit: Visit) -> Account:
    account = visit.world.account(visit.path("account"))
    if account is None or visit.caller.sid not in {account.sid, account.owner_sid}:
        raise Problem(401 if not visit.caller.is_parent else 404, 20003 if not visit.caller.is_parent else 20404)
    return account


def _require_change(account: Account, status: str) -> None:
    if status not in STATES:
        raise Problem(400, 20001, "Status")
    if account.status == "closed" and status != "closed":
        raise Problem(400, 21479)


def _release_everything(world: World, account: Account) -> None:
    for held in (*world.store.all(Number, account.sid), *world.store.all(Sender, account.sid)):
        world.store.delete(held)


def _token_body(account: Account, name: str) -> dict[str, object]:
    return {
        "account_sid": account.sid,
        "date_created": shapes.iso8601(account.updated_at),
        "date_updated": shapes.iso8601(account.updated_at),
        "url": f"https://accounts.twilio.com/v1/AuthTokens/{name}",
    }
