"""The front door of one process: every request's way from its bytes to a durable answer."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from json import dumps
from pathlib import Path

from tenant_portal import tasks
from tenant_portal.config import settings
from tenant_portal.crypto import CannotOpen
from tenant_portal.front_door.accounts import Account, Accounts
from tenant_portal.front_door.endpoints import ENDPOINTS, UNAVAILABLE, Endpoint, open_door
from tenant_portal.front_door.events import PROCESSING_FAULT, SETTLED, EventStore, Row, Stored
from tenant_portal.front_door.limits import Limits
from tenant_portal.front_door.line import DatabaseAway, Line, RowFault
from tenant_portal.front_door.metrics import FLUSHED, HostGauges, told
from tenant_portal.front_door.quarantine import Hold, hold
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.refusal import Refusals, Refused, names_of
from tenant_portal.front_door.spool import Spool, SpoolFile
from tenant_portal.front_door.verify import Claim, Webhook, claim, is_signed
from tenant_portal.logs import note
from tenant_portal.models.enums import TenantState

COUNT = "select front_door.count_refusals(%s::jsonb)"
NOTE_PRESSURE = "select front_door.note_pressure(%s::jsonb)"
REPORT_SECONDS = 1.0
FLUSH_SECONDS = 0.5
FLUSH_ROWS = 64
# As long as a process may be busy with its own file; one that hangs is not waited for any longer.
TURN_SECONDS = 30.0
# Requests of unknown accounts that wait for quarantine: beyond it a flood is only counted.
MOST_WAITING_HOLDS = 100
SPOOLED = "spooled"
# Their call or message may still lie in the spool.
FOLLOW_UPS = frozenset({"unknown-call", "unknown-message"})
log = logging.getLogger(__name__)


class FrontDoor:
    """Everything one process needs to take requests in; opened by `lifespan`."""

    def __init__(self, spool_folder: Path) -> None:
        self.line = Line()
        self.accounts = Accounts(self.line)
        self.events = EventStore()
        self.spool = Spool(spool_folder)
        self.refusals = Refusals()
        lines = settings()
        self.limits = Limits(lines.webhook_soft_line, lines.webhook_flood_line, lines.webhook_failure_line)
        self._holds: deque[Hold] = deque(maxlen=MOST_WAITING_HOLDS)
        self._turn_by: float | None = None

    async def take(self, endpoint: Endpoint, received: Received) -> Stored:
        """Store a request, in the database or else in the spool. Raises Refused or SpoolFull."""
        claimed = claim(received)
        try:
            account = await self._account(claimed)
        except DatabaseAway:
            # Nobody knows yet whose it is: kept as it is, and verified before it enters.
            await self.spool.keep(received, verified=False)
            return Stored(SPOOLED, received.message_id)
        try:
            return await self._admit(endpoint, claimed, account)
        except DatabaseAway:
            await self.spool.keep(received, verified=True)
            return Stored(SPOOLED, received.message_id)

    async def _account(self, claimed: Claim) -> Account | None:
        """Raises DatabaseAway: not known here, and nobody to ask."""
        account = await self.accounts.find(claimed.account_sid)
        if account is not None:
            note(tenant_id=account.tenant_id, tenant_state=account.state)
        return account

    async def _admit(self, endpoint: Endpoint, claimed: Claim, account: Account | None) -> Stored:
        """Verify and store. Raises Refused, DatabaseAway."""
        signed = is_signed(claimed, account)
        if account is None:
            await self._hold_unknown(Hold(claimed.received, "unknown-account", claimed.account_sid, is_signed=False))
            raise Refused(404, "unknown-account", names=names_of(claimed.parameters))
        if not signed:
            raise Refused(403, _why_unsigned(claimed), account_sid=account.sid, names=names_of(claimed.parameters))
        if claimed.received.received_at is None:
            # What comes out of the spool was acknowledged: no line may refuse it.
            self.limits.admit(account)
        if account.state != TenantState.ACTIVE:
            raise await self._hold(claimed, Refused(403, str(account.state)))
        return await self._store(endpoint, claimed, account)

    async def _store(self, endpoint: Endpoint, claimed: Claim, account: Account) -> Stored:
        row = await self._row(endpoint, claimed, account)
        stored = await self.events.store(row) if row else Stored(PROCESSING_FAULT)
        if stored.outcome in SETTLED:
            return stored
        if stored.outcome in FOLLOW_UPS and not self.spool.is_empty and claimed.received.received_at is None:
            raise DatabaseAway("what it belongs to may be in the spool")
        self.refusals.count(endpoint.kind, await self._hold(claimed, Refused(200, stored.outcome)))
        return stored

    async def _row(self, endpoint: Endpoint, claimed: Claim, account: Account) -> Row | None:
        try:
            return endpoint.row(Webhook(claimed, account.tenant_id))
        except Refused as refusal:
            raise await self._hold(claimed, refusal) from None
        except Exception as error:  # noqa: BLE001 - one poisonous request must not cost its message
            # Without the values: an exception's text may hold a body or a number.
            log.warning(
                "a request could not be processed", extra={"kind": endpoint.kind, "error": type(error).__name__}
            )
            return None

    async def _hold_unknown(self, what: Hold) -> None:
        if what.received.received_at is not None:
            await hold(self.line, what)  # from the spool: it was acknowledged
        elif not self.limits.is_shut(what.received.source):
            self._holds.append(what)

    async def _hold(self, claimed: Claim, refusal: Refused) -> Refused:
        """Keep a signed request in quarantine; the refusal with what is counted. Refused 503 where there is no room."""
        refusal.account_sid, refusal.names = claimed.account_sid, names_of(claimed.parameters)
        refusal.is_signed = True
        if not await hold(self.line, Hold(claimed.received, refusal.reason, claimed.account_sid, is_signed=True)):
            raise Refused(503, "quarantine-full", account_sid=claimed.account_sid, names=refusal.names, is_signed=True)
        return refusal

    async def report(self) -> None:
        """Write down what was refused, and who was beyond a line, since the last time. Raises DatabaseAway."""
        rows = self.refusals.take()
        try:
            if rows:
                await self.line.call(COUNT, (dumps(rows),))
                rows = []
            if notes := self.limits.take_notes():
                await self.line.call(NOTE_PRESSURE, (dumps(notes),))
            while self._holds:
                await hold(self.line, self._holds.popleft())
        except DatabaseAway:
            self.refusals.give_back(rows)
            raise

    async def flush(self) -> None:
        """Settle everything in the spool, oldest first. DatabaseAway: the rest stays there."""
        for file in self.spool.take():
            if not self._is_its_turn(file):
                return
            try:
                await self._flush_file(file)
            except CannotOpen as error:
                self.spool.set_aside(file, error)
            else:
                self.spool.settled(file)

    def _is_its_turn(self, file: SpoolFile) -> bool:
        """Whether older files of the other processes are settled: a status must not come in before its message."""
        if self.spool.is_next(file):
            self._turn_by = None
            return True
        self._turn_by = self._turn_by or time.monotonic() + TURN_SECONDS
        return time.monotonic() > self._turn_by

    async def _flush_file(self, file: SpoolFile) -> None:
        for chunk in file.chunks(FLUSH_ROWS):
            outcomes = await asyncio.gather(*map(self._settle, chunk), return_exceptions=True)
            _raise_first(outcomes)
            if left := [received for received, settled in zip(chunk, outcomes, strict=True) if not settled]:
                self.spool.park(left)
            FLUSHED.inc(len(chunk) - len(left))

    async def _settle(self, received: Received) -> bool:
        """The same way again, but with nothing to answer and no spool behind it; False where it has no place."""
        try:
            claimed = claim(received)
            account = await self._account(claimed)
            await self._admit(ENDPOINTS[received.kind], claimed, account)
        except Refused as refusal:
            self.refusals.count(received.kind, refusal)
            return refusal.status != UNAVAILABLE
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - one poisonous request must not hold up all that came after it
            log.warning(
                "a spooled request could not be settled", extra={"kind": received.kind, "error": type(error).__name__}
            )
            return False
        return True

    async def close(self) -> None:
        """Let go of connections and files."""
        with contextlib.suppress(DatabaseAway, RowFault):
            await self.report()
        await self.line.close()
        await self.events.line.close()
        self.spool.close()


@asynccontextmanager
async def lifespan() -> AsyncIterator[FrontDoor]:
    """Open the front door of this process: connections, account changes, refusal counts, spool."""
    door = FrontDoor(settings().data_dir / "spool")
    running = [
        asyncio.create_task(door.accounts.listen()),
        asyncio.create_task(_every(REPORT_SECONDS, door.report)),
        asyncio.create_task(_every(FLUSH_SECONDS, door.flush)),
    ]
    gauges = HostGauges(settings().data_dir, lambda: (door.spool.size, door.spool.broken))
    open_door(door)
    try:
        with told(gauges):
            yield door
    finally:
        open_door(None)
        await tasks.end(*running)
        await door.close()


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except DatabaseAway:
            continue
        except Exception:
            log.exception("the front door's housekeeping failed")


def _why_unsigned(claimed: Claim) -> str:
    if claimed.received.names_shared_key:
        return "shared-key"
    return "signature" if claimed.received.signature else "unsigned"


def _raise_first(outcomes: Iterable[object]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
