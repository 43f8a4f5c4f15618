"""The figures in a reader's words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tenant_portal.insight.queries import Figures, Spread, Totals
from tenant_portal.insight.rules import change_words, share, share_words, span_words
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui.pages.inbox.items import CHANNEL_NAMES

# More bars than fit side by side are weeks instead of days.
MOST_BARS = 45


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure, how it moved, and what stands behind it."""

    name: str
    value: str
    change: str
    note: str


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel in figures."""

    kind: str
    name: str
    messages_in: str
    messages_out: str
    delivered: str
    response: str


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One of the team in figures."""

    name: str
    sent: str
    response: str
    closed: str
    calls: str


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage with its leads; `width` of its bar in percent of the longest."""

    name: str
    colour: str
    leads: str
    fresh: str
    width: str


def tiles(now: Totals, before: Totals) -> list[Tile]:
    """The figures at the top."""
    delivered, was_delivered = (share(of.delivered, of.delivered + of.failed) for of in (now, before))
    opted_out, was_opted_out = (share(of.opted_out, of.written_to) for of in (now, before))
    return [
        _count("Messages in", now.messages_in, before.messages_in),
        _count("Messages out", now.messages_out, before.messages_out),
        _span("First response", now.response, before.response),
        _span("Time to close", now.closing, before.closing),
        Tile(
            "Missed calls",
            str(now.missed),
            change_words(now.missed, before.missed),
            f"{now.returned} of them returned; {now.calls} calls in all",
        ),
        Tile("Delivered", share_words(delivered), _moved(delivered, was_delivered), f"{now.failed} not delivered"),
        Tile(
            "Opted out",
            share_words(opted_out),
            _moved(opted_out, was_opted_out),
            f"{now.opted_out} of {now.written_to} people written to",
        ),
        _count("New leads", now.new_leads, before.new_leads),
    ]


def bars(figures: Figures) -> list[dict[str, Any]]:
    """Messages in and out of each day, or of each week (from its first day on) where the days are many."""
    step = 1 if figures.period.days <= MOST_BARS else 7
    found: list[dict[str, Any]] = [
        {"day": _day(day, step), "in": 0, "out": 0} for day in figures.period.dates()[::step]
    ]
    for row in figures.traffic:
        found[(row.day - figures.period.first) // timedelta(days=step)][row.direction] += row.messages
    return found


def channels(figures: Figures) -> list[ChannelLine]:
    """The channels with messages, in their usual order."""
    return [_channel(kind, figures) for kind in ChannelKind if any(row.channel_kind is kind for row in figures.traffic)]


def people(figures: Figures) -> Iterator[PersonLine]:
    """Whoever did something in the period."""
    for one in figures.people:
        yield PersonLine(one.name, str(one.sent), span_words(one.response.median), str(one.closed), str(one.calls))


def stages(figures: Figures) -> list[StageLine]:
    """All stages, in their order."""
    longest = max((stage.leads for stage in figures.stages), default=0) or 1
    return [
        StageLine(one.name, one.colour, str(one.leads), f"{one.fresh} new", f"{100 * one.leads / longest:.1f}%")
        for one in figures.stages
    ]


def _channel(kind: ChannelKind, figures: Figures) -> ChannelLine:
    rows = [row for row in figures.traffic if row.channel_kind is kind]
    out = [row for row in rows if row.direction == "out"]
    delivered, failed = sum(row.delivered for row in out), sum(row.failed for row in out)
    return ChannelLine(
        kind.value,
        CHANNEL_NAMES[kind],
        str(sum(row.messages for row in rows if row.direction == "in")),
        str(sum(row.messages for row in out)),
        share_words(share(delivered, delivered + failed)),
        span_words(figures.response_of.get(kind, Spread()).median),
    )


def _count(name: str, now: int, before: int) -> Tile:
    return Tile(name, str(now), change_words(now, before), f"{before} before")


def _span(name: str, now: Spread, before: Spread) -> Tile:
    note = f"9 in 10 within {span_words(now.slow)}" if now.count else "None in this period"
    return Tile(name, span_words(now.median), change_words(now.median, before.median), note)


def _moved(now: float | None, before: float | None) -> str:
    """Rates are compared in points: a percentage of a percentage misleads."""
    if now is None or before is None:
        return ""
    return f"{now - before:+.1f} points" if round(now - before, 1) else "as before"


def _day(day: date, step: int) -> str:
    return f"{'' if step == 1 else 'Week of '}{day.day} {day:%b}"
