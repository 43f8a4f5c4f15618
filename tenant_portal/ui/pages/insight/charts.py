"""Charts: each with a sentence for those who do not see it, and its figures as a table below."""

import reflex as rx

from tenant_portal.ui.components import data_table
from tenant_portal.ui.pages.insight.items import StageLine
from tenant_portal.ui.pages.insight.state import InsightState

HEIGHT = 260
# Recharts draws its own box, white in any appearance.
BOX = {
    "background": "var(--panel)",
    "border": "1px solid var(--line)",
    "borderRadius": "8px",
    "color": "var(--ink)",
    "fontSize": "13px",
}
SERIES = (("in", "In", "var(--indigo-9)"), ("out", "Out", "var(--cyan-9)"))


def messages_chart() -> rx.Component:
    """Messages in and out over the days."""
    return rx.el.figure(
        rx.el.div(_legend(), aria_hidden="true"),
        rx.el.div(_bars(), role="img", aria_label=InsightState.summary, class_name="chart"),
        rx.el.details(
            rx.el.summary("As a table"),
            data_table(("Day", "In", "Out"), rx.foreach(InsightState.bars, _row), label="Messages by day"),
            class_name="chart-table",
        ),
        class_name="chart-figure",
    )


def _bars() -> rx.Component:
    series = [
        rx.recharts.bar(
            data_key=key, name=name, fill=colour, radius=[3, 3, 0, 0], max_bar_size=22, is_animation_active=False
        )
        for key, name, colour in SERIES
    ]
    return rx.recharts.bar_chart(
        rx.recharts.cartesian_grid(vertical=False, stroke="var(--line)"),
        rx.recharts.x_axis(data_key="day", tick_line=False, axis_line=False, min_tick_gap=18),
        rx.recharts.y_axis(allow_decimals=False, tick_line=False, axis_line=False, width=38),
        rx.recharts.graphing_tooltip(content_style=BOX, is_animation_active=False, cursor={"fill": "var(--gray-a3)"}),
        *series,
        data=InsightState.bars,
        margin={"top": 8, "right": 4, "left": 0, "bottom": 0},
        height=HEIGHT,
        # It would make the drawing a stop of the Tab key, inside a picture; the table says the same.
        custom_attrs={"accessibilityLayer": rx.Var.create(False)},
    )


def _legend() -> rx.Component:
    marks = [
        rx.el.span(rx.el.span(class_name="chart-mark", style={"background": colour}), name)
        for _, name, colour in SERIES
    ]
    return rx.el.div(*marks, class_name="chart-legend")


def _row(day: rx.Var[dict[str, int]]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(day["day"].to_string(use_json=False)),
        rx.el.td(day["in"].to_string(), class_name="num"),
        rx.el.td(day["out"].to_string(), class_name="num"),
    )


def stage_bars() -> rx.Component:
    """Leads of each stage: a list whose rows are as long as they are many."""
    return rx.el.ul(rx.foreach(InsightState.stages, _stage), class_name="stage-bars")


def _stage(stage: rx.Var[StageLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(stage.name, class_name="truncate grow"),
            rx.el.strong(stage.leads, class_name="num"),
            rx.el.span(stage.fresh, class_name="soft num"),
            class_name="stage-bar-line",
        ),
        rx.el.div(
            rx.el.div(class_name=rx.Var.create("stage-bar tone-") + stage.colour, style={"width": stage.width}),
            class_name="stage-bar-track",
            aria_hidden="true",
        ),
    )
