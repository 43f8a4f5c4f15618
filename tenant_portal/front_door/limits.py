"""What one client's webhooks, and one address' failures, may take of a process.

A webhook that is signed is stored. Beyond its client's soft line, what follows from it is done more slowly (the note
that `take_notes` gives is read by the jobs); only beyond the flood line is it refused. Before the signature is known,
nothing but failures counts: all clients' webhooks come from the same addresses of Twilio's, so that a right request is
taken from whatever address it comes. Both are held in memory: an exact count over all processes would cost each request
more than its whole way through the door.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from tenant_portal.front_door.accounts import Account
from tenant_portal.front_door.metrics import OVER_SOFT_LINE
from tenant_portal.front_door.refusal import Refused
from tenant_portal.networks import network_of

# So much of a line may come at once: a campaign's answers come in waves, and only a stream that goes on is a flood.
BURST_SECONDS = 20.0
FAILURE_BURST_SECONDS = 60.0
# How long a client counts as beyond a line after the last webhook that was.
NOTE_SECONDS = 10.0
MOST_CLIENTS = 50_000
MOST_ADDRESSES = 10_000
TOO_MANY = 429
FLOOD, FAILURES = "flood", "too-many-failures"


@dataclass(slots=True)
class Buckets:
    """For each key, `per_second` in the long run and `burst_seconds` of it at once (generic cell rate algorithm).

    Remembers the `most` keys that were let through last; one that is forgotten starts anew.
    """

    per_second: float
    burst_seconds: float
    most: int
    _interval: float = field(init=False)
    _arrivals: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._interval = 1.0 / self.per_second

    def take(self, key: str, now: float) -> bool:
        """Whether one more fits; it counts only if it does. `now` in seconds of a monotonic clock."""
        arrivals = self._arrivals
        # Put in again at the end: a dict keeps that order, and its first key is the longest unused.
        before = arrivals.pop(key, 0.0)
        after = max(before, now) + self._interval
        fits = after <= now + self.burst_seconds
        arrivals[key] = after if fits else before
        if len(arrivals) > self.most:
            del arrivals[next(iter(arrivals))]
        return fits

    def is_full(self, key: str, now: float) -> bool:
        """Whether one more would not fit."""
        return self._arrivals.get(key, 0.0) + self._interval > now + self.burst_seconds

    def __len__(self) -> int:
        return len(self._arrivals)


class Limits:
    """The lines of one process: webhooks a second of a client (`soft`, `flood`), `failures` a second of an address."""

    def __init__(self, soft: float, flood: float, failures: float) -> None:
        self._soft = Buckets(soft, BURST_SECONDS, MOST_CLIENTS)
        self._flood = Buckets(flood, BURST_SECONDS, MOST_CLIENTS)
        self._failures = Buckets(failures, FAILURE_BURST_SECONDS, MOST_ADDRESSES)
        self._notes: set[tuple[str, str]] = set()

    def admit(self, account: Account) -> None:
        """Count a signed webhook. Refused 429 beyond the flood line."""
        now = time.monotonic()
        if not self._soft.take(account.sid, now):
            OVER_SOFT_LINE.inc()
            self._notes.add((str(account.tenant_id), "soft"))
        if not self._flood.take(account.sid, now):
            self._notes.add((str(account.tenant_id), "flood"))
            raise Refused(TOO_MANY, FLOOD, account_sid=account.sid, is_signed=True)

    def is_shut(self, address: str) -> bool:
        """Whether so much from this address was wrong that what is wrong gets no further attention."""
        return bool(self._failures) and self._failures.is_full(network_of(address), time.monotonic())

    def judge(self, refusal: Refused, address: str) -> Refused:
        """Count a failure of this address; the refusal to be answered, another one where there were too many."""
        if refusal.is_signed or self._failures.take(network_of(address), time.monotonic()):
            return refusal
        return Refused(TOO_MANY, FAILURES, account_sid=refusal.account_sid)

    def take_notes(self) -> list[dict[str, Any]]:
        """Rows for `front_door.note_pressure`: who is beyond which line; and start again from nothing."""
        notes, self._notes = self._notes, set()
        return [{"tenant_id": tenant, "line": line, "seconds": NOTE_SECONDS} for tenant, line in sorted(notes)]
