"""Business hours of a channel: when somebody is there.

As kept in a channel's `config`: `{"timezone": "Europe/Berlin", "week": [[["09:00", "12:00"], …], …], "holidays":
["2026-12-25"]}`, the week from Monday on, each day with its spans; a span ends before the time it names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tenant_portal.errors import BadInput
from tenant_portal.tenants.rules import clean_timezone

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_SPANS, MOST_HOLIDAYS = 6, 200
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|\u2013|to)\s*(\d{1,2})(?:[:.](\d{2}))?", re.IGNORECASE)
END_OF_DAY = "24:00"

Span = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody is there. Times are `HH:MM` of `timezone` (IANA); the week starts on Monday."""

    timezone: str
    week: tuple[tuple[Span, ...], ...]
    holidays: tuple[date, ...] = ()

    def as_config(self) -> dict[str, Any]:
        """As the channel keeps it."""
        week = [[list(span) for span in day] for day in self.week]
        return {"timezone": self.timezone, "week": week, "holidays": [day.isoformat() for day in self.holidays]}

    def are_open(self, at: datetime) -> bool:
        """Whether somebody is there at this moment (with a zone)."""
        local = at.astimezone(ZoneInfo(self.timezone))
        if local.date() in self.holidays:
            return False
        clock = f"{local:%H:%M}"
        return any(start <= clock < end for start, end in self.week[local.weekday()])


def of_config(config: Any) -> Hours:
    """Back from `as_config`; KeyError, TypeError or ValueError for anything else."""
    week = tuple(tuple((str(start), str(end)) for start, end in day) for day in config["week"])
    if len(week) != len(DAYS):
        raise ValueError("a week has seven days")
    holidays = tuple(date.fromisoformat(day) for day in config.get("holidays", ()))
    return Hours(clean_timezone(config["timezone"]), week, holidays)


def clean_day(text: str, field: str) -> tuple[Span, ...]:
    """The spans in `9:00-12:00, 13:00-17:30`, in order; nothing is a day off. BadInput beside `field`."""
    spans = sorted(_span(part, field) for part in re.split(r"[,;]", text) if part.strip())
    if any(earlier[1] > later[0] for earlier, later in pairwise(spans)):
        raise BadInput("Two of these times overlap.", field=field)
    if len(spans) > MOST_SPANS:
        raise BadInput(f"A day has at most {MOST_SPANS} spans.", field=field)
    return tuple(spans)


def _span(text: str, field: str) -> Span:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise BadInput("Write times like 9:00-12:00, 13:00-17:30, or nothing for a day off.", field=field)
    start, end = _clock(*found.group(1, 2)), _clock(*found.group(3, 4))
    if start is None or end is None or start >= end:
        raise BadInput(f"{text.strip()} is no span of a day: it starts first and ends by 24:00.", field=field)
    return start, end


def _clock(hour: str, minute: str | None) -> str | None:
    clock = f"{int(hour):02}:{minute or '00'}"
    return clock if clock == END_OF_DAY or (int(hour) < 24 and int(minute or 0) < 60) else None


def clean_holidays(text: str) -> tuple[date, ...]:
    """The days in a text, one a line (or with commas) as `2026-12-25`; each once, in order. BadInput."""
    days = set()
    for word in re.split(r"[\s,;]+", text.strip()):
        try:
            days |= {date.fromisoformat(word)} if word else set()
        except ValueError:
            raise BadInput(f"{word[:20]} is no date. Write dates like 2026-12-25.", field="holidays") from None
    if len(days) > MOST_HOLIDAYS:
        raise BadInput(f"At most {MOST_HOLIDAYS} days can be kept.", field="holidays")
    return tuple(sorted(days))


def day_text(day: Sequence[Span]) -> str:
    """The spans as a person writes them."""
    return ", ".join(f"{start}-{end}" for start, end in day)
