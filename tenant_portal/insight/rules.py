"""Spans of days on the client's calendar, and how two figures compare."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from tenant_portal.errors import BadInput

USUAL_DAYS = {"7": 7, "30": 30, "90": 90}
LONGEST_DAYS = 366
OWN = "own"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the last one included, from midnight to midnight of `timezone` (IANA)."""

    first: date
    last: date
    timezone: str

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """Its first moment, in UTC."""
        return _midnight(self.first, self.timezone)

    @property
    def end(self) -> datetime:
        """The moment after its last, in UTC."""
        return _midnight(self.last + timedelta(days=1), self.timezone)

    def before(self) -> Self:
        """As many days that end the day before."""
        day = timedelta(days=1)
        return type(self)(self.first - self.days * day, self.first - day, self.timezone)

    def dates(self) -> list[date]:
        """Each day, in order."""
        return [self.first + timedelta(days=n) for n in range(self.days)]


def last_days(days: int, now: datetime, timezone: str) -> Period:
    """So many days until today, by that zone's calendar."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    return Period(today - timedelta(days=days - 1), today, timezone)


def own_period(first: str, last: str, timezone: str) -> Period:
    """From a person's two dates (`2026-11-24`); BadInput beside `first` or `last`."""
    start, end = _date(first, "first"), _date(last, "last")
    if end < start:
        raise BadInput("The last day is before the first.", field="last")
    if (end - start).days >= LONGEST_DAYS:
        raise BadInput(f"Choose at most {LONGEST_DAYS} days.", field="last")
    return Period(start, end, timezone)


def chosen(days: str, first: str, last: str, now: datetime, timezone: str) -> Period:
    """What a person chose: one of USUAL_DAYS, or with OWN the two dates; BadInput for anything else."""
    if days in USUAL_DAYS:
        return last_days(USUAL_DAYS[days], now, timezone)
    if days != OWN:
        raise BadInput("Choose a period.", field="days")
    return own_period(first, last, timezone)


def change_words(now: float | None, before: float | None) -> str:
    """How a figure moved against the one before: `+12 %`; empty where there is nothing to compare with."""
    if now is None or not before:
        return ""
    percent = round(100 * (now - before) / before)
    return f"{percent:+d} %" if percent else "as before"


def span_words(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3.5 h`, `2.1 days`; a dash where nothing was measured."""
    if seconds is None:
        return "\u2013"
    for size, unit in ((86_400, "days"), (3_600, "h")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def share(part: int, whole: int) -> float | None:
    """In percent; None of nothing."""
    return 100 * part / whole if whole else None


def share_words(percent: float | None) -> str:
    """`97.5 %`."""
    return "\u2013" if percent is None else f"{percent:.1f} %"


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def _date(text: str, field: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("Choose a day.", field=field) from None
    # Where calendars of today hold, and days before and after can still be reckoned.
    if not 2000 <= found.year <= 2100:
        raise BadInput("Choose a day of this century.", field=field)
    return found
