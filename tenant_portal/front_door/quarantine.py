"""Requests that could not be given to a tenant: sealed, kept apart, decided again on demand."""

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import db
from tenant_portal.crypto import Place, seal, sealing_header, unseal_bytes
from tenant_portal.errors import Conflict, NotFound
from tenant_portal.front_door.accounts import RESOLVE, Account, account_of
from tenant_portal.front_door.endpoints import ENDPOINTS
from tenant_portal.front_door.events import PROCESSING_FAULT, SETTLED, STORE, numbered
from tenant_portal.front_door.line import Line, RowFault
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.refusal import Refused, names_of
from tenant_portal.front_door.verify import Webhook, claim, is_signed
from tenant_portal.models import QuarantinedRequest
from tenant_portal.models.base import now
from tenant_portal.models.enums import QuarantineState, TenantState
from tenant_portal.models.ids import uuid7

HOLD = "select front_door.hold_request(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
FALLBACK = "/fallback"
# What Twilio adds when it brings the same request to the fallback URL.
ONLY_ON_FALLBACK = frozenset({"ErrorCode", "ErrorUrl"})
SENTENCES = {
    "stored": "The request was given to its client.",
    "duplicate": "The client had this message already.",
    "unchanged": "The client had this already.",
    "test": "It was a test of a channel.",
    "unknown-account": "No client has this Twilio account.",
    "signature": "It is not signed by the client's Twilio account.",
    "not-active": "The client is not active.",
    "unknown-number": "The client has no connected channel with this number.",
    "unknown-call": "The call it belongs to is not there.",
    "unknown-message": "The message it belongs to is not there.",
    "missing-parameter": "It lacks something that every request of its kind has.",
    PROCESSING_FAULT: "It could not be processed.",
}


@dataclass(frozen=True, slots=True)
class Hold:
    """A request to be put into quarantine. `account_sid` is what the request says, `is_signed` what was proven."""

    received: Received
    reason: str
    account_sid: str
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a request that was decided again; `settled` is False where it stays held."""

    settled: bool
    outcome: str
    sentence: str


def fingerprint(received: Received) -> bytes:
    """The same for a repeat and for the call to the fallback URL."""
    parameters = parse_qsl(received.body.decode("utf-8", "replace"), keep_blank_values=True)
    form = urlencode([pair for pair in parameters if pair[0] not in ONLY_ON_FALLBACK])
    return hashlib.sha256(f"{received.path.removesuffix(FALLBACK)}\n{form}".encode()).digest()


async def hold(line: Line, what: Hold) -> bool:
    """Whether it is durably kept; False past the bounds, or where it cannot be. Raises DatabaseAway."""
    received, row_id = what.received, uuid7()
    names = names_of(parse_qsl(received.body.decode("utf-8", "replace"), keep_blank_values=True))
    sealed = seal(received.to_bytes(), _place(row_id))
    values = (
        row_id,
        what.reason,
        received.kind,
        what.account_sid,
        what.is_signed,
        received.path[:500],
        sealed,
        len(received.body),
        fingerprint(received),
        received.source,
        names,
    )
    try:
        return bool((await line.call(HOLD, values))[0][0] != "full")
    except RowFault:
        return False


async def replay(request_id: UUID, by: str) -> Replayed:
    """Decide a held request again, as if it came in now; `by` is the staff member's name.

    A signature that was right when it came in stays right. NotFound, or Conflict if somebody settled it already.
    """
    async with db.front_door_session() as session:
        held = await _held(session, request_id)
        received = Received.from_bytes(unseal_bytes(held.request_sealed, _place(held.id)))
        outcome = await _decide(session, received, trusted=held.is_signed)
        held.outcome = outcome
        if outcome in SETTLED:
            _settle(held, QuarantineState.REPLAYED, by)
        return Replayed(outcome in SETTLED, outcome, SENTENCES.get(outcome, SENTENCES[PROCESSING_FAULT]))


async def discard(request_id: UUID, by: str) -> None:
    """Give a held request up; its content is erased, its fingerprint stays. NotFound or Conflict."""
    async with db.front_door_session() as session:
        held = await _held(session, request_id)
        held.request_sealed = b""
        _settle(held, QuarantineState.DISCARDED, by)


async def reseal(session: AsyncSession, *, limit: int) -> int:
    """Seal contents again that an older key sealed, at most `limit`; how many. Takes a front-door session."""
    header, sealed = sealing_header(), col(QuarantinedRequest.request_sealed)
    is_stale = func.substr(sealed, 1, len(header)) != header
    query = select(QuarantinedRequest).where(func.length(sealed) > 0, is_stale).limit(limit).with_for_update()
    stale = (await session.scalars(query)).all()
    for row in stale:
        row.request_sealed = seal(unseal_bytes(row.request_sealed, _place(row.id)), _place(row.id))
    return len(stale)


async def _held(session: AsyncSession, request_id: UUID) -> QuarantinedRequest:
    held = await session.get(QuarantinedRequest, request_id, with_for_update=True)
    if held is None:
        raise NotFound
    if held.state is not QuarantineState.HELD:
        raise Conflict("Somebody has settled this request already.")
    return held


def _settle(held: QuarantinedRequest, state: QuarantineState, by: str) -> None:
    held.state, held.settled_at, held.settled_by = state, now(), by[:120]


async def _decide(session: AsyncSession, received: Received, *, trusted: bool) -> str:
    claimed = claim(received)
    account = await _account(session, claimed.account_sid)
    if account is None:
        return "unknown-account"
    if not (trusted or is_signed(claimed, account)):
        return "signature"
    if account.state != TenantState.ACTIVE:
        return "not-active"
    try:
        row = ENDPOINTS[received.kind].row(Webhook(claimed, account.tenant_id))
    except Refused as refusal:
        return refusal.reason
    return await _store(session, numbered([row]))


async def _store(session: AsyncSession, rows: str) -> str:
    statement = text(STORE.replace("%s::jsonb", "cast(:rows as jsonb)"))
    try:
        async with session.begin_nested():
            return str((await session.execute(statement, {"rows": rows})).one().outcome)
    except DBAPIError:
        return PROCESSING_FAULT


async def _account(session: AsyncSession, sid: str) -> Account | None:
    row = (await session.execute(text(RESOLVE.replace("%s", ":sid")), {"sid": sid})).one_or_none()
    return account_of(sid, row) if row is not None else None


def _place(row_id: UUID) -> Place:
    return Place("quarantined_request", "request_sealed", None, str(row_id))
