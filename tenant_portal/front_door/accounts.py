"""AccountSid -> tenant, state and tokens: from memory, dropped by NOTIFY the moment something changes.

While notifications come in, an entry is right. While they do not (the database is away), the database is asked first
and the entry stands in where it does not answer: entries outlive an outage.
"""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from tenant_portal import db
from tenant_portal.crypto import CannotOpen, Place, unseal
from tenant_portal.front_door.line import CALL_SECONDS, Connection, DatabaseAway, Line, RowFault, connect

CHANNEL = "portal_accounts"
RESOLVE = (
    "select tenant_id, state, token_sealed, previous_sealed, cast(extract(epoch from previous_until - now()) as float8)"
    " from front_door.resolve_account(%s)"
)
MOST_UNKNOWN = 10_000
RECONNECT_SECONDS = 0.5
HEARTBEAT_SECONDS = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """A subaccount of ours. `second_token` is the other one of a rotation, good until `second_until` (monotonic)."""

    sid: str
    tenant_id: UUID
    state: str
    token: str = field(repr=False)
    second_token: str | None = field(default=None, repr=False)
    second_until: float = 0.0

    def tokens(self) -> tuple[str, ...]:
        """Every token that may have signed a request now."""
        if self.second_token and time.monotonic() < self.second_until:
            return self.token, self.second_token
        return (self.token,)


@dataclass(frozen=True, slots=True)
class _Entry:
    account: Account | None
    epoch: int


class Accounts:
    """The cache of one process."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._entries: dict[str, _Entry] = {}
        self._asked: dict[str, asyncio.Task[Account | None]] = {}
        self._unknown = 0
        self._epoch = 0
        self.is_listening = False

    async def find(self, sid: str) -> Account | None:
        """The account, None if it is not ours. DatabaseAway: not known here, and nobody to ask."""
        entry = self._entries.get(sid)
        if entry is not None and self.is_listening and entry.epoch == self._epoch:
            return entry.account
        try:
            return await self._ask(sid)
        except DatabaseAway:
            if entry is None or entry.account is None:
                raise
            return entry.account

    async def _ask(self, sid: str) -> Account | None:
        """One query for all who want to know the same."""
        task = self._asked.get(sid)
        if task is None:
            task = self._asked[sid] = asyncio.create_task(self._resolve(sid))
            task.add_done_callback(lambda _: self._asked.pop(sid, None))
        return await asyncio.shield(task)

    async def _resolve(self, sid: str) -> Account | None:
        # A change that comes in while we ask makes the answer old before it is kept: it has the epoch of the question.
        epoch = self._epoch
        try:
            rows = await self._line.call(RESOLVE, (sid,))
        except RowFault as error:
            raise DatabaseAway(str(error)) from error
        account = account_of(sid, rows[0]) if rows else None
        self._keep(sid, _Entry(account, epoch))
        return account

    def _keep(self, sid: str, entry: _Entry) -> None:
        if entry.account is None:
            self._unknown += 1
            if self._unknown > MOST_UNKNOWN:
                self._forget_unknown()
        self._entries[sid] = entry

    def _forget_unknown(self) -> None:
        self._entries = {sid: entry for sid, entry in self._entries.items() if entry.account is not None}
        self._unknown = 0

    def drop(self, tenant_id: str) -> None:
        """Something about this tenant has changed; it may be the one who was unknown so far."""
        self._start_epoch()
        for sid, entry in list(self._entries.items()):
            if entry.account is None or str(entry.account.tenant_id) == tenant_id:
                del self._entries[sid]

    def _start_epoch(self) -> None:
        # Answers under way are not kept; what stays is right, so it moves on with the epoch.
        old, self._epoch, self._unknown = self._epoch, self._epoch + 1, 0
        for sid, entry in self._entries.items():
            if entry.epoch == old:
                self._entries[sid] = _Entry(entry.account, self._epoch)

    async def listen(self) -> None:
        """Follow changes for ever; to be run as a task."""
        while True:
            with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
                connection = await connect(db.session_url())
                try:
                    await self._follow(connection)
                finally:
                    self.is_listening = False
                    connection.pgconn.finish()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        await connection.execute(f"listen {CHANNEL}")
        # What changed while nobody listened is not known: every entry is asked for once more.
        self._epoch += 1
        self.is_listening = True
        while True:
            async for notification in connection.notifies(timeout=HEARTBEAT_SECONDS):
                self.drop(notification.payload)
            await asyncio.wait_for(connection.execute("select 1"), CALL_SECONDS)


def account_of(sid: str, row: Any) -> Account:
    """The account of a row of RESOLVE."""
    tenant_id, state, sealed, second, seconds_left = row
    return Account(
        sid,
        tenant_id,
        state,
        _open(sealed, "auth_token_sealed", tenant_id) or "",
        _open(second, "previous_auth_token_sealed", tenant_id) if second and seconds_left else None,
        time.monotonic() + (seconds_left or 0.0),
    )


def _open(sealed: bytes, column: str, tenant_id: UUID) -> str | None:
    try:
        return unseal(sealed, Place("subaccount", column, tenant_id, str(tenant_id)))
    except CannotOpen:
        # Every webhook of this tenant is refused until the key is back: an alarm, not a reason to trust it unsigned.
        log.exception("an auth token does not open", extra={"tenant_id": str(tenant_id), "column": column})
        return None
