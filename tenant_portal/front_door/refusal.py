"""Why a request is refused, and the counting of it: reasons and parameter names, never values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}\Z")
MAX_NAMES = 60
MAX_KEYS = 5000


class Refused(Exception):
    """A request that is not let in. `status` is the HTTP answer, `reason` what is counted.

    `is_signed` where the signature was right, so that it says nothing against the address it came from.
    """

    def __init__(
        self, status: int, reason: str, *, account_sid: str = "", names: str = "", is_signed: bool = False
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.account_sid = account_sid
        self.names = names
        self.is_signed = is_signed


def names_of(parameters: Iterable[tuple[str, str]]) -> str:
    """Parameter names in order, each once; a name that no parameter of Twilio's could have is shown as `?`."""
    names = dict.fromkeys(name if _PLAIN_NAME.match(name) else "?" for name, _ in parameters)
    return " ".join(sorted(names)[:MAX_NAMES])


@dataclass(slots=True)
class _Tally:
    at: datetime
    names: str = ""
    count: int = 0


@dataclass(slots=True)
class Refusals:
    """Refusals counted in memory until somebody writes them down; a flood costs one row per reason and hour."""

    _tallies: dict[tuple[datetime, str, str, str], _Tally] = field(default_factory=dict)

    def count(self, kind: str, refusal: Refused, times: int = 1, at: datetime | None = None) -> None:
        """One more. Past MAX_KEYS (the database has been away for long) new kinds of refusal are let go."""
        at = at or datetime.now(UTC)
        hour = at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
        key = (hour, refusal.account_sid, refusal.reason, kind)
        if key not in self._tallies and len(self._tallies) >= MAX_KEYS:
            return
        tally = self._tallies.setdefault(key, _Tally(at))
        tally.at, tally.count, tally.names = at, tally.count + times, refusal.names or tally.names

    def take(self) -> list[dict[str, Any]]:
        """Rows for `front_door.count_refusals`, and start again from nothing."""
        tallies, self._tallies = self._tallies, {}
        return [
            {
                "account_sid": sid,
                "reason": reason,
                "kind": kind,
                "at": tally.at.isoformat(),
                "count": tally.count,
                "names": tally.names,
            }
            for (_, sid, reason, kind), tally in tallies.items()
        ]

    def give_back(self, rows: Iterable[dict[str, Any]]) -> None:
        """Rows that could not be written."""
        for row in rows:
            refusal = Refused(0, row["reason"], account_sid=row["account_sid"], names=row["names"])
            self.count(row["kind"], refusal, row["count"], datetime.fromisoformat(row["at"]))
