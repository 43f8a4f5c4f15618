"""What of a client waits and why, what was given up, and the lines its webhooks are held against."""

from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from tenant_portal.config import settings
from tenant_portal.models.enums import ThrottleReason
from tenant_portal.tenants.limits import GivenUp, Held, Pressure
from tenant_portal.ui.components import button, panel, relative_time, status_badge

TASKS = {
    "inbox.send_outbox": "Sending answers",
    "inbox.fetch_media": "Fetching pictures and recordings",
    "channels.advance": "Setting up channels",
    "channels.test": "Testing channels",
    "tenants.provision": "Connecting to Twilio",
}
WHY = {
    ThrottleReason.TWILIO: "Twilio asked to wait, or could not be reached",
    ThrottleReason.BUSY: "Too many messages at once",
    ThrottleReason.GIVEN_UP: "It was given up",
    ThrottleReason.RATE: "Its turn has not come",
}


@dataclass(frozen=True, slots=True)
class HeldWork:
    """Work that waits, in words; `until` is ISO 8601."""

    name: str
    why: str
    until: str


@dataclass(frozen=True, slots=True)
class LostWork:
    """Work that was given up, in words; `last_at` is ISO 8601, empty where nobody knows."""

    task: str
    name: str
    times: int
    last_at: str


@dataclass(frozen=True, slots=True)
class LimitLines:
    """Where a client stands."""

    words: str = ""
    tone: str = "good"
    soft_line: str = ""
    flood_line: str = ""
    held: list[HeldWork] = field(default_factory=list)
    lost: list[LostWork] = field(default_factory=list)


def limit_lines(pressure: Pressure, given_up: list[GivenUp]) -> LimitLines:
    """The facts in words."""
    words, tone = "Normal", "good"
    if pressure.is_flooding:
        words, tone = "Flood: messages are refused", "bad"
    elif pressure.is_busy:
        words, tone = "Busy: files are fetched more slowly", "warn"
    return LimitLines(
        words,
        tone,
        f"{settings().webhook_soft_line:,.0f} a second",
        f"{settings().webhook_flood_line:,.0f} a second",
        [_held(one) for one in pressure.held],
        [_lost(one) for one in given_up],
    )


def _held(one: Held) -> HeldWork:
    return HeldWork(TASKS.get(one.task, one.task), WHY[one.reason], one.until.isoformat())


def _lost(one: GivenUp) -> LostWork:
    last_at = one.last_at.isoformat() if one.last_at else ""
    return LostWork(one.task, TASKS.get(one.task, one.task), one.times, last_at)


def limits_panel(lines: rx.Var[LimitLines]) -> rx.Component:
    """The client's webhooks against its lines, and what waits."""
    return panel(
        rx.el.dl(
            fact("Webhooks now", status_badge(lines.words, lines.tone)),
            fact("Files wait beyond", lines.soft_line),
            fact("Messages are refused beyond", lines.flood_line),
            class_name="channel-facts",
        ),
        rx.cond(
            lines.held.length() > 0,
            rx.el.ul(rx.foreach(lines.held, _held_row), class_name="rows", aria_label="Work that waits"),
        ),
        title="Limits",
        note="The lines count for each web process. Below the flood line every signed message is stored.",
    )


def _held_row(one: rx.Var[HeldWork]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong(one.name), rx.el.div(one.why, ", goes on ", relative_time(one.until), class_name="soft")
        ),
        class_name="number-row",
    )


def given_up_panel(lines: rx.Var[LimitLines], run_again: Any) -> rx.Component:
    """Work that was given up, each with a button that starts it again."""

    def row(one: rx.Var[LostWork]) -> rx.Component:
        last = rx.cond(one.last_at != "", rx.fragment(", last ", relative_time(one.last_at)))
        return rx.el.li(
            rx.el.div(
                rx.el.strong(one.name),
                rx.el.div("Given up ", one.times.to_string(), rx.cond(one.times == 1, " time", " times"), last),
                min_width="0",
                flex="1",
            ),
            button("Run again", icon="rotate-cw", small=True, on_click=run_again(one.task)),
            class_name="number-row",
        )

    return panel(
        rx.el.ul(rx.foreach(lines.lost, row), class_name="rows"),
        title="Work that was given up",
        note="It stopped the worker again and again. It is tried once an hour; the cause stands in the worker's log.",
        flush=True,
    )


def fact(name: str, value: rx.Component | rx.Var[str]) -> rx.Component:
    """One line of a list of facts."""
    return rx.el.div(rx.el.dt(name), rx.el.dd(value))
