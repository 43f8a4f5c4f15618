"""One database connection for calls that must never wait longer than their deadline."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from tenant_portal import db

CALL_SECONDS = 2.0
FAILURES_TO_OPEN = 3
PROBE_SECONDS = 0.5
# The row itself is at fault (cardinality, data, integrity, limits, raised, row-level security), not the database.
ROW_FAULTS = ("21", "22", "23", "54", "P0", "42501")
COLLISIONS = ("40001", "40P01")

Connection = psycopg.AsyncConnection[Any]


class DatabaseAway(Exception):
    """The database cannot be reached, hangs or is full; what was asked may or may not have happened."""


class Collision(DatabaseAway):
    """Two processes wanted the same rows in another order; the database is there, and a repeat will do."""


class RowFault(Exception):
    """The database refused the row, and would again."""


class Breaker:
    """Opens after three failures in a row (one may be a busy processor); then one probe at a time goes through."""

    def __init__(self) -> None:
        self.failures = 0
        self._next_probe = 0.0

    def lets_through(self) -> bool:
        """Whether a call may try; False while open, but for one probe each PROBE_SECONDS."""
        if self.failures < FAILURES_TO_OPEN:
            return True
        if time.monotonic() < self._next_probe:
            return False
        self._next_probe = time.monotonic() + PROBE_SECONDS
        return True

    def note(self, *, worked: bool) -> None:
        """The outcome of a call."""
        self.failures = 0 if worked else self.failures + 1
        if not worked:
            self._next_probe = time.monotonic() + PROBE_SECONDS


class Line:
    """An autocommit connection, opened on first use and again after a fault; calls go one at a time."""

    def __init__(self, seconds: float = CALL_SECONDS) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._abandoned: set[asyncio.Task[Any]] = set()
        self.breaker = Breaker()

    async def call(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of one statement, which is one transaction. Raises DatabaseAway or RowFault."""
        async with self._lock:
            if not self.breaker.lets_through():
                raise DatabaseAway("the breaker is open")
            try:
                rows = await self._within_deadline(query, parameters)
            except DatabaseAway as error:
                self.breaker.note(worked=isinstance(error, Collision))
                raise
            self.breaker.note(worked=True)
            return rows

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        for task in self._abandoned:
            task.cancel()

    async def _within_deadline(self, query: str, parameters: Sequence[object]) -> list[Any]:
        connection, self._connection = self._connection, None
        work = asyncio.create_task(_execute(connection, query, parameters))
        try:
            # Not wait_for: cancelling makes psycopg wait up to five seconds more for a server that hangs.
            await asyncio.wait({work}, timeout=self._seconds)
        finally:
            if not work.done():
                # It may still commit: whoever repeats the call relies on its being idempotent.
                self._abandoned.add(work)
                work.add_done_callback(self._bury)
        if not work.done():
            raise DatabaseAway("no answer in time")
        self._connection, rows = work.result()
        return rows

    def _bury(self, work: "asyncio.Task[tuple[Connection, list[Any]]]") -> None:
        self._abandoned.discard(work)
        if not work.cancelled() and work.exception() is None:
            work.result()[0].pgconn.finish()


async def _execute(
    connection: Connection | None, query: str, parameters: Sequence[object]
) -> tuple[Connection, list[Any]]:
    try:
        if connection is None or connection.closed:
            connection = await connect(db.database_url())
        cursor = await connection.execute(query, parameters, prepare=True)
        return connection, await cursor.fetchall()
    except psycopg.Error as error:
        if connection is not None:
            connection.pgconn.finish()
        raise _meaning(error) from error


def _meaning(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state.startswith(ROW_FAULTS):
        return RowFault(state)
    if state in COLLISIONS:
        return Collision(state)
    return DatabaseAway(state or type(error).__name__)


async def connect(url: str) -> Connection:
    """A new autocommit connection; psycopg.Error where the database is away.

    What a call leaves behind on the server ends there by the login's own statement timeout.
    """
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=2,
        prepare_threshold=db.prepare_threshold(),
        application_name="portal_front_door",
        **db.KEEPALIVE,
    )
