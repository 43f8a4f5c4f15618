"""How the page of figures looks."""

import reflex as rx

from tenant_portal.tenants.rules import timezones
from tenant_portal.ui import routes
from tenant_portal.ui.components import button, data_table, empty_state, field, link_button, panel, skeleton_rows
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.insight.charts import messages_chart, stage_bars
from tenant_portal.ui.pages.insight.items import ChannelLine, PersonLine, Tile
from tenant_portal.ui.pages.insight.state import InsightState

PERIODS = (("7", "Last 7 days"), ("30", "Last 30 days"), ("90", "Last 90 days"), ("own", "Own dates"))
HOW_COUNTED = (
    "First response: from the first message nobody had answered to the first answer of a person, both within the"
    " period. Time to close: since a conversation began or was last opened again. A missed call counts as returned once"
    " somebody marked it as handled or wrote to the caller."
)


def insight_page() -> rx.Component:
    """Figures of a period, beside those of the period before."""
    return page(
        "Insight",
        _choices(),
        rx.cond(
            InsightState.trouble != "",
            panel(
                empty_state("triangle-alert", "No figures", InsightState.trouble, _again()),
                flush=True,
            ),
            rx.cond(
                InsightState.is_loaded,
                rx.cond(InsightState.is_empty, _nothing(), _figures()),
                panel(skeleton_rows(8, "24px"), flush=True),
            ),
        ),
        active=routes.INSIGHT,
        intro="How your team does, and how that has changed.",
        actions=(_export(),),
    )


def _again() -> rx.Component:
    return button("Try again", on_click=InsightState.load)


def _export() -> rx.Component:
    link = NativeLink.create(
        rx.icon("download", aria_hidden="true"),
        rx.el.span("Export as CSV"),
        href=InsightState.export_href,
        download=True,
        class_name="button button-plain",
    )
    return rx.cond(InsightState.export_href != "", link)


def _choices() -> rx.Component:
    periods = rx.el.select(
        *[rx.el.option(words, value=value) for value, words in PERIODS],
        id="insight-days",
        value=InsightState.days,
        on_change=InsightState.choose_days,
        class_name="select",
    )
    return rx.el.div(
        field("Period", periods, name="insight-days"),
        rx.cond(InsightState.days == "own", _own()),
        rx.cond(
            InsightState.may_change,
            field("Days are those of", _zones(), name="insight-zone", error=InsightState.timezone_error),
            rx.el.p("Days are those of ", InsightState.timezone, ".", class_name="soft insight-zone"),
        ),
        class_name="insight-choices",
    )


def _own() -> rx.Component:
    return rx.form(
        _date("First day", "first", InsightState.first, InsightState.first_error),
        _date("Last day", "last", InsightState.last, InsightState.last_error),
        button("Show", type="submit"),
        on_submit=InsightState.choose_own,
        class_name="insight-own",
    )


def _date(label: str, name: str, value: rx.Var[str], error: rx.Var[str]) -> rx.Component:
    control = rx.el.input(
        type="date", id=name, name=name, default_value=value, key=f"{name}-field", class_name="input", required=True
    )
    return field(label, control, name=name, error=error)


def _zones() -> rx.Component:
    return rx.el.select(
        *[rx.el.option(zone, value=zone) for zone in timezones()],
        id="insight-zone",
        value=InsightState.timezone,
        on_change=InsightState.set_timezone,
        class_name="select",
    )


def _figures() -> rx.Component:
    return rx.fragment(
        rx.el.div(rx.foreach(InsightState.tiles, _tile), class_name="figures insight-figures"),
        rx.el.p(InsightState.compared, class_name="soft insight-compared"),
        panel(
            rx.cond(
                InsightState.channels.length() > 0,
                messages_chart(),
                empty_state("messages-square", "No messages", "Nobody wrote in this period. Choose a longer one."),
            ),
            title="Messages",
            note="SMS and WhatsApp, without calls.",
        ),
        rx.el.div(_channels(), _stages(), class_name="insight-grid"),
        _people(),
        rx.el.p(HOW_COUNTED, class_name="soft insight-compared"),
    )


def _tile(tile: rx.Var[Tile]) -> rx.Component:
    return rx.el.div(
        rx.el.div(tile.name, class_name="stat-label"),
        rx.el.div(
            tile.value,
            rx.cond(tile.change != "", rx.el.span(tile.change, class_name="insight-change")),
            class_name="stat-value num",
        ),
        rx.el.div(tile.note, class_name="stat-note"),
        class_name="panel stat",
        margin_top="0",
    )


def _channels() -> rx.Component:
    headings = ("Channel", "In", "Out", "Delivered", "First response")
    table = data_table(headings, rx.foreach(InsightState.channels, _channel), label="By channel")
    nothing = empty_state("radio-tower", "No messages", "Channels are listed here once somebody writes.")
    return panel(rx.cond(InsightState.channels.length() > 0, table, nothing), title="By channel", flush=True)


def _channel(line: rx.Var[ChannelLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(channel_mark(line.kind), line.name, class_name="insight-channel")),
        rx.el.td(line.messages_in, class_name="num"),
        rx.el.td(line.messages_out, class_name="num"),
        rx.el.td(line.delivered, class_name="num"),
        rx.el.td(line.response, class_name="num"),
    )


def _stages() -> rx.Component:
    return panel(stage_bars(), title="Leads by stage", note="As they stand now, with those new in the period.")


def _people() -> rx.Component:
    headings = ("Person", "Sent", "First response", "Closed", "Calls handled")
    table = data_table(headings, rx.foreach(InsightState.people, _person), label="By person")
    nothing = empty_state("users", "Nobody yet", "Who answers, closes or calls back is listed here.")
    return panel(rx.cond(InsightState.people.length() > 0, table, nothing), title="By person", flush=True)


def _person(line: rx.Var[PersonLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.name),
        rx.el.td(line.sent, class_name="num"),
        rx.el.td(line.response, class_name="num"),
        rx.el.td(line.closed, class_name="num"),
        rx.el.td(line.calls, class_name="num"),
    )


def _nothing() -> rx.Component:
    return panel(
        empty_state(
            "chart-column",
            "No figures yet",
            "They begin with the first message or call. Connect a channel so that leads can reach you.",
            link_button("Channels", routes.CHANNELS),
        ),
        flush=True,
    )
