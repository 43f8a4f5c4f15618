"""What the front door stores: rows for `front_door.store_events`, and what became of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tenant_portal.front_door.batcher import Batcher
from tenant_portal.front_door.line import Collision, Line, RowFault
from tenant_portal.front_door.metrics import BATCH_SIZE
from tenant_portal.models.ids import uuid7
from tenant_portal.tracing import NOTHING, Span, span

# With more in one call the database works for so long that this process has nothing left to do: a sixth slower.
MOST_ROWS = 24
MAX_NAME = 200
MAX_URL = 2000
STORE = "select n, outcome, message_id, channel_config from front_door.store_events(%s::jsonb)"
PROCESSING_FAULT = "processing-fault"
# The outcomes after which a request needs nobody's attention any more.
SETTLED = frozenset({"stored", "duplicate", "test", "unchanged"})

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a row: an outcome of `store_events`, `processing-fault`, or `spooled`.

    `message_id` is the message's (of the first copy, for a duplicate), `config` the channel's for a call, `commit` the
    trace of the commit that it shared with others.
    """

    outcome: str
    message_id: UUID | None = None
    config: dict[str, Any] = field(default_factory=dict)
    commit: Span = NOTHING


def change(event: str, tenant_id: UUID, thread: str, data: Row) -> Row:
    """A row that changes something there is: `status`, `recording`, `transcription` or `call-end`.

    Rows of one `thread` keep their order within a batch.
    """
    return {"event": event, "tenant_id": str(tenant_id), "thread": thread, "data": data}


def message(
    *,
    tenant_id: UUID,
    message_id: UUID,
    kind: str,
    provider_sid: str,
    lead_address: str,
    channel_number: str,
    our_number: str,
    lead_number: str,
    body: str = "",
    preview: str = "",
    profile_name: str = "",
    place: str = "",
    opt_out: str | None = None,
    details: Row | None = None,
    media: Sequence[tuple[str, str]] = (),
    received_at: datetime | None = None,
) -> Row:
    """A row that brings a message or a call. `media` holds (URL, declared type), `opt_out` `stop` or `start`."""
    return {
        "event": "message",
        "tenant_id": str(tenant_id),
        "thread": lead_address,
        "message_id": str(message_id),
        "kind": kind,
        "provider_sid": provider_sid,
        "channel_number": channel_number,
        "our_number": our_number,
        "lead_number": lead_number,
        "body": body,
        "preview": preview,
        "profile_name": profile_name[:MAX_NAME],
        "place": place[:MAX_NAME],
        "opt_out": opt_out,
        "details": details or {},
        "media": [
            {"id": str(uuid7()), "position": position, "url": url, "type": declared}
            for position, (url, declared) in enumerate(media)
            if len(url) <= MAX_URL
        ],
        "received_at": str(received_at) if received_at else None,
    }


def numbered(rows: Sequence[Row]) -> str:
    """The argument of `store_events`."""
    return json.dumps([{"n": n, **row} for n, row in enumerate(rows)])


class EventStore:
    """Stores rows with group commit on one connection of its own."""

    def __init__(self) -> None:
        self.line = Line()
        self._batcher: Batcher[Row, Stored] = Batcher(self._store, MOST_ROWS)

    async def store(self, row: Row) -> Stored:
        """What became of it, once it is committed. Raises DatabaseAway: it may or may not have been."""
        return await self._batcher.submit(row)

    async def _store(self, rows: Sequence[Row]) -> list[Stored]:
        BATCH_SIZE.observe(len(rows))
        try:
            return await self._call(rows)
        except RowFault:
            # One bad row must not take its neighbours with it.
            return [await self._alone(row) for row in rows] if len(rows) > 1 else [Stored(PROCESSING_FAULT)]

    async def _alone(self, row: Row) -> Stored:
        try:
            return (await self._call([row]))[0]
        except RowFault:
            return Stored(PROCESSING_FAULT)

    async def _call(self, rows: Sequence[Row]) -> list[Stored]:
        # Of its own: whoever came first started the batch, and it is no more that one's than its neighbours'.
        with span("commit", alone=True, rows=len(rows)) as commit:
            try:
                found = await self.line.call(STORE, (numbered(rows),))
            except Collision:
                found = await self.line.call(STORE, (numbered(rows),))
        results: dict[int, Stored] = {n: Stored(what, id_, config or {}, commit) for n, what, id_, config in found}
        return [results[n] for n in range(len(rows))]
