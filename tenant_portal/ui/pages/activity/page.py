"""How the page of activity looks."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    data_table,
    empty_state,
    field,
    link_button,
    panel,
    skeleton_rows,
    text_link,
)
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.activity.state import ActivityState, Choice, Line

HEADINGS = ("When", "Who", "What", "About")


def activity_page() -> rx.Component:
    """Who did what, newest first; for owners."""
    return page(
        "Activity",
        rx.cond(ActivityState.is_loaded & ~ActivityState.is_owner, _for_owners(), _trail()),
        active=routes.SETTINGS,
        intro="Who changed what in your portal. Nothing here can be changed or deleted.",
        actions=(link_button("Settings", routes.SETTINGS, icon="arrow-left"),),
    )


def _trail() -> rx.Component:
    return rx.fragment(
        _narrowing(),
        panel(
            rx.cond(
                ActivityState.is_loaded,
                rx.cond(ActivityState.lines.length() > 0, _table(), _nothing()),
                skeleton_rows(8, "24px"),
            ),
            flush=True,
        ),
        rx.cond(
            ActivityState.has_more,
            rx.el.div(button("Show more", on_click=ActivityState.load_more, look="quiet"), class_name="list-more"),
        ),
    )


def _narrowing() -> rx.Component:
    export = NativeLink.create(
        rx.icon("download", aria_hidden="true"),
        rx.el.span("Export as CSV"),
        href=rx.Var.create(f"{routes.ACTIVITY_EXPORT}?person=") + ActivityState.person + "&kind=" + ActivityState.kind,
        download=True,
        class_name="button button-plain",
    )
    return rx.el.div(
        field("Who", _people(), name="activity-person"),
        field("What", _kinds(), name="activity-kind"),
        export,
        class_name="activity-narrowing",
    )


def _people() -> rx.Component:
    everybody = rx.el.option("Everybody", value="")
    return rx.el.select(
        everybody,
        rx.foreach(ActivityState.people, _option),
        id="activity-person",
        value=ActivityState.person,
        on_change=ActivityState.choose_person,
        class_name="select",
    )


def _kinds() -> rx.Component:
    everything = rx.el.option("Everything", value="")
    return rx.el.select(
        everything,
        rx.foreach(ActivityState.kinds, _option),
        id="activity-kind",
        value=ActivityState.kind,
        on_change=ActivityState.choose_kind,
        class_name="select",
    )


def _option(choice: rx.Var[Choice]) -> rx.Component:
    return rx.el.option(choice.words, value=choice.value)


def _table() -> rx.Component:
    return rx.el.div(
        data_table(HEADINGS, rx.foreach(ActivityState.lines, _line), label="Activity"), class_name="activity-table"
    )


def _line(line: rx.Var[Line]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(long_time(line.at)),
        rx.el.td(line.who),
        rx.el.td(line.what),
        rx.el.td(rx.cond(line.href != "", text_link(line.about, line.href), line.about)),
        key=line.id,
    )


def _nothing() -> rx.Component:
    return rx.cond(
        (ActivityState.person != "") | (ActivityState.kind != ""),
        empty_state("search-x", "Nothing found", "Nothing of this kind was done. Choose everybody, or everything."),
        empty_state("history", "Nothing yet", "What you and your team change is written down here."),
    )


def _for_owners() -> rx.Component:
    return panel(
        empty_state("lock", "For owners", "Only owners of your team see who changed what. Ask one of them."),
        flush=True,
    )
