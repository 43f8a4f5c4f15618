"""Times as the reader's clock and calendar show them; the server does not know the reader's time zone."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components.basics import Text

# Plain functions of their props: nothing ticks, so a list of hundreds costs nothing while nobody looks.
SCRIPT = """
const localDay = (at) => at ? new Date(at).toDateString() : "";
const daysAgo = (at) => {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(at))) / 86400000);
};
const clock = (at) => new Date(at).toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" });
const longTime = (at) => new Date(at).toLocaleString("en", { dateStyle: "full", timeStyle: "short" });
const date = (at, options) => {
  const year = new Date(at).getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return new Date(at).toLocaleDateString("en", { ...options, ...year });
};
const timeElement = (at, text) =>
  at ? createElement("time", { dateTime: at, title: longTime(at), className: "num" }, text) : null;
function ClockTime({ at }) { return timeElement(at, at && clock(at)); }
function ShortTime({ at }) {
  if (!at) return null;
  const ago = daysAgo(at);
  if (ago <= 0) return timeElement(at, clock(at));
  if (ago === 1) return timeElement(at, "Yesterday");
  if (ago < 7) return timeElement(at, new Date(at).toLocaleDateString("en", { weekday: "short" }));
  return timeElement(at, date(at, { day: "numeric", month: "short" }));
}
function LongTime({ at }) {
  return timeElement(at, at && date(at, { day: "numeric", month: "short" }) + ", " + clock(at));
}
function CalendarDay({ at }) {
  if (!at) return null;
  // A day of the calendar is the same everywhere; read as a moment it would be the day before, west of Greenwich.
  const [year, month, day] = at.split("-").map(Number);
  const text = date(new Date(year, month - 1, day), { weekday: "short", day: "numeric", month: "short" });
  return createElement("time", { dateTime: at, className: "num" }, text);
}
function DaySeparator({ at, previous }) {
  if (!at || localDay(at) === localDay(previous)) return null;
  const ago = daysAgo(at);
  const name = date(at, { weekday: "long", day: "numeric", month: "long" });
  const text = ago === 0 ? "Today" : ago === 1 ? "Yesterday" : name;
  return createElement("div", { className: "day" }, createElement("span", null, text));
}
"""


class _Time(rx.Component):
    """Drawn by SCRIPT, which stands once in each page that needs it."""

    at: rx.Var[str]

    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": "createElement"}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


class _ClockTime(_Time):
    tag = "ClockTime"


class _ShortTime(_Time):
    tag = "ShortTime"


class _LongTime(_Time):
    tag = "LongTime"


class _CalendarDay(_Time):
    tag = "CalendarDay"


class _DaySeparator(_Time):
    tag = "DaySeparator"
    previous: rx.Var[str]


def clock_time(at: Text) -> rx.Component:
    """`2:05 PM`; takes ISO 8601 with a zone, as all of these do."""
    return _ClockTime.create(at=at)


def short_time(at: Text) -> rx.Component:
    """The time of today, else `Yesterday`, `Mon` or `12 Nov`: for lists."""
    return _ShortTime.create(at=at)


def long_time(at: Text) -> rx.Component:
    """`12 Nov, 2:05 PM`."""
    return _LongTime.create(at=at)


def calendar_day(at: Text) -> rx.Component:
    """`Tue, 12 Nov`; takes a day without a time, `2026-11-12`."""
    return _CalendarDay.create(at=at)


def day_separator(at: Text, previous: Text) -> rx.Component:
    """The day of `at`, unless `previous` was on the same day."""
    return _DaySeparator.create(at=at, previous=previous)
