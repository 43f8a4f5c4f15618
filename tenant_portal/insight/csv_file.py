"""The figures as the lines of a CSV file: one figure a line, so that any spreadsheet can turn them as it likes."""

from collections.abc import Iterator

from tenant_portal.csv_lines import BYTE_ORDER_MARK, csv_line
from tenant_portal.insight.queries import Figures, Spread, Totals

COLUMNS = ("Figure", "Of", "Day", "Value", "Period before")
TOTALS = {
    "messages_in": "Messages in",
    "messages_out": "Messages out",
    "delivered": "Messages delivered",
    "failed": "Messages not delivered",
    "calls": "Calls",
    "missed": "Calls missed",
    "returned": "Missed calls returned",
    "opted_out": "People who opted out",
    "written_to": "People written to",
    "new_leads": "New leads",
}


def lines(figures: Figures) -> Iterator[str]:
    """The whole file, line by line."""
    yield BYTE_ORDER_MARK + csv_line(COLUMNS)
    yield csv_line(("First day", "", figures.period.first.isoformat(), "", figures.period.before().first.isoformat()))
    yield csv_line(("Last day", "", figures.period.last.isoformat(), "", figures.period.before().last.isoformat()))
    yield csv_line(("Time zone", figures.period.timezone, "", "", ""))
    yield from _totals(figures.totals, figures.before)
    for kind, spread in figures.response_of.items():
        yield csv_line(("First response, median seconds", kind.value, "", _seconds(spread.median), ""))
    for row in sorted(figures.traffic, key=lambda row: (row.day, row.channel_kind, row.direction)):
        words = (f"Messages {row.direction}", row.channel_kind.value, row.day.isoformat(), str(row.messages), "")
        yield csv_line(words)
    yield from _people(figures)
    for stage in figures.stages:
        yield csv_line(("Leads in stage", stage.name, "", str(stage.leads), ""))
        yield csv_line(("New leads in stage", stage.name, "", str(stage.fresh), ""))


def _totals(now: Totals, before: Totals) -> Iterator[str]:
    for name, words in TOTALS.items():
        yield csv_line((words, "", "", str(getattr(now, name)), str(getattr(before, name))))
    yield from _spread("First response", now.response, before.response)
    yield from _spread("Time to close", now.closing, before.closing)


def _spread(words: str, now: Spread, before: Spread) -> Iterator[str]:
    yield csv_line((f"{words}, median seconds", "", "", _seconds(now.median), _seconds(before.median)))
    yield csv_line((f"{words}, 90th percentile seconds", "", "", _seconds(now.slow), _seconds(before.slow)))


def _people(figures: Figures) -> Iterator[str]:
    for person in figures.people:
        yield csv_line(("Messages sent", person.name, "", str(person.sent), ""))
        yield csv_line(("First response, median seconds", person.name, "", _seconds(person.response.median), ""))
        yield csv_line(("Conversations closed", person.name, "", str(person.closed), ""))
        yield csv_line(("Calls handled", person.name, "", str(person.calls), ""))


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f}"
