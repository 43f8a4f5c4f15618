"""Panels, figures, tables, and what stands in for them while they are empty or loading."""

from collections.abc import Sequence

import reflex as rx

from tenant_portal.ui.components.basics import Text


def page_header(title: Text, intro: Text = "", *actions: rx.Component) -> rx.Component:
    """The page's only h1, a sentence below it, and its main actions."""
    return rx.el.header(
        rx.el.div(
            rx.el.h1(title, class_name="page-title"),
            rx.el.p(intro, class_name="page-intro") if not isinstance(intro, str) or intro else rx.fragment(),
            class_name="page-head-text",
        ),
        rx.el.div(*actions, class_name="page-actions") if actions else rx.fragment(),
        class_name="page-head",
    )


def panel(
    *body: rx.Component, title: Text = "", note: Text = "", actions: Sequence[rx.Component] = (), flush: bool = False
) -> rx.Component:
    """A white box with a heading; `flush` lets lists and tables reach its edges."""
    return rx.el.section(
        _panel_head(title, note, actions) if not isinstance(title, str) or title else rx.fragment(),
        rx.el.div(*body, class_name="" if flush else "panel-body", padding_top="8px" if flush and title else ""),
        class_name="panel",
    )


def _panel_head(title: Text, note: Text, actions: Sequence[rx.Component]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.h2(title, class_name="panel-title"),
            rx.el.p(note, class_name="panel-note") if not isinstance(note, str) or note else rx.fragment(),
        ),
        rx.el.div(*actions, class_name="panel-actions") if actions else rx.fragment(),
        class_name="panel-head",
    )


def stat(label: Text, value: rx.Var[str] | rx.Var[int] | str, *, icon: str = "", note: Text = "") -> rx.Component:
    """One figure with its name."""
    return rx.el.div(
        rx.el.div(rx.icon(icon, aria_hidden="true") if icon else rx.fragment(), label, class_name="stat-label"),
        rx.el.div(value, class_name="stat-value num"),
        rx.el.div(note, class_name="stat-note"),
        class_name="panel stat",
        margin_top="0",
    )


def empty_state(icon: str, title: Text, text: Text, *actions: rx.Component) -> rx.Component:
    """What a list shows while it is empty: what would be here, and what to do."""
    return rx.el.div(
        rx.el.div(rx.icon(icon, aria_hidden="true"), class_name="empty-icon"),
        rx.el.p(title, class_name="empty-title"),
        rx.el.p(text, class_name="empty-text"),
        rx.el.div(*actions, class_name="empty-actions") if actions else rx.fragment(),
        class_name="empty",
    )


def data_table(headings: Sequence[str], rows: rx.Component, *, label: str) -> rx.Component:
    """A table that scrolls sideways on narrow screens. `rows` is an rx.foreach of rx.el.tr."""
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*map(_heading, headings))),
            rx.el.tbody(rows),
            class_name="table",
            aria_label=label,
        ),
        class_name="table-scroll",
        role="region",
        aria_label=label,
        tab_index=0,
    )


def _heading(words: str) -> rx.Component:
    # A heading without words is none: screen readers would announce an empty column.
    return rx.el.th(words, scope="col") if words else rx.el.td()


def skeleton_rows(count: int = 5, height: str = "18px") -> rx.Component:
    """Grey bars in place of a list that is being read; same height as a row, so that nothing jumps."""
    bars = [
        rx.el.li(rx.el.span(class_name="skeleton", width=f"{88 - 9 * (n % 4)}%", height=height)) for n in range(count)
    ]
    return rx.el.ul(*bars, class_name="rows", aria_hidden="true")
