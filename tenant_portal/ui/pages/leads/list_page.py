"""The list of leads."""

import reflex as rx

from tenant_portal.leads.rules import MAX_NAME
from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    data_table,
    dialog,
    empty_state,
    link_button,
    panel,
    skeleton_rows,
    status_badge,
    text_input,
    text_link,
)
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import calendar_day, short_time
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.filters import choice, filter_bar, option, words
from tenant_portal.ui.pages.leads.items import LabelItem, LeadItem
from tenant_portal.ui.pages.leads.list_state import LeadsState
from tenant_portal.ui.pages.leads.views import view_links

HEADINGS = ("Name", "Stage", "Value", "Owner", "Next step", "Came by", "First contact")
SORTS = (("newest", "Newest first"), ("name", "Name"), ("value", "Highest value"), ("due", "Next step first"))


def leads_page() -> rx.Component:
    """Everybody who wrote or called, and whom the team entered."""
    return page(
        "Leads",
        view_links("list"),
        filter_bar(LeadsState, _order(), _stage()),
        panel(
            rx.cond(
                LeadsState.is_loaded,
                rx.cond(LeadsState.rows.length() > 0, _table(), _nothing()),
                skeleton_rows(8, "32px"),
            ),
            flush=True,
        ),
        _pages(),
        _add_dialog(),
        active=routes.LEADS,
        intro="Everybody who wrote to one of your numbers or called it, and whom your team entered.",
        actions=(button("Add lead", icon="plus", look="main", on_click=LeadsState.open_add(True)),),
        width="wide",
    )


def _order() -> rx.Component:
    return choice("Order", "lead-sort", LeadsState.sort, LeadsState.order, *words(SORTS))


def _stage() -> rx.Component:
    every, each = rx.el.option("All stages", value=""), rx.foreach(LeadsState.stages, option)
    return choice("Stage", "lead-stage", LeadsState.stage_id, LeadsState.set_stage, every, each)


def _pages() -> rx.Component:
    blocked = rx.cond(
        LeadsState.blocked,
        button("Show everybody else", look="quiet", small=True, on_click=LeadsState.show_blocked(False)),
        button("Show the block list", look="quiet", small=True, on_click=LeadsState.show_blocked(True)),
    )
    turning = rx.el.div(
        button(
            "Previous",
            icon="chevron-left",
            small=True,
            on_click=LeadsState.previous_page,
            disabled=LeadsState.page_number == 1,
        ),
        rx.el.span("Page ", LeadsState.page_number, class_name="soft num", aria_live="polite"),
        button("Next", icon="chevron-right", small=True, on_click=LeadsState.next_page, disabled=~LeadsState.has_more),
        class_name="row",
    )
    return rx.el.div(
        blocked,
        rx.cond((LeadsState.page_number > 1) | LeadsState.has_more, turning),
        class_name="lead-pages",
    )


def _table() -> rx.Component:
    table = data_table(HEADINGS, rx.foreach(LeadsState.rows, _row), label="Leads")
    return rx.el.div(table, class_name="lead-table")


def _row(item: rx.Var[LeadItem]) -> rx.Component:
    name = rx.el.div(
        lead_avatar(item.initials, item.tint),
        rx.el.div(
            text_link(item.name, item.href, title=item.name),
            rx.cond(item.name != item.number, rx.el.div(item.number, class_name="lead-sub")),
            label_row(item),
            min_width="0",
        ),
        class_name="lead-name-cell",
    )
    return rx.el.tr(
        rx.el.td(name),
        rx.el.td(
            rx.el.div(
                stage_pill(item),
                rx.cond(item.opted_out_at != "", status_badge("Unsubscribed", "warn")),
                rx.cond(item.blocked_at != "", status_badge("Blocked", "bad")),
                class_name="row row-wrap",
                gap="6px",
            )
        ),
        rx.el.td(item.value, class_name="num"),
        rx.el.td(item.owner_name),
        rx.el.td(next_step(item)),
        rx.el.td(source(item)),
        rx.el.td(short_time(item.created_at)),
        key=item.id,
    )


def stage_pill(item: rx.Var[LeadItem]) -> rx.Component:
    """The stage in its colour."""
    return rx.el.span(item.stage_name, class_name=rx.Var.create("stage-pill tone-") + item.stage_colour)


def label_row(item: rx.Var[LeadItem]) -> rx.Component:
    """The lead's labels; nothing where it has none."""
    return rx.cond(item.labels.length() > 0, rx.el.div(rx.foreach(item.labels, label_chip), class_name="label-row"))


def label_chip(item: rx.Var[LabelItem]) -> rx.Component:
    """A label in its colour."""
    return rx.el.span(item.name, class_name=rx.Var.create("label-chip tone-") + item.colour, key=item.id)


def next_step(item: rx.Var[LeadItem]) -> rx.Component:
    """What is to be done, and when; in red once the day is over."""
    day = rx.el.div(
        calendar_day(item.next_step_on),
        rx.cond(item.is_overdue, rx.el.span("overdue")),
        class_name=rx.cond(item.is_overdue, "due due-over", "due"),
    )
    return rx.fragment(
        rx.cond(item.next_step != "", rx.el.div(item.next_step, class_name="next-step", title=item.next_step)),
        rx.cond(item.next_step_on != "", day),
    )


def source(item: rx.Var[LeadItem]) -> rx.Component:
    """How the lead came."""
    return rx.el.span(
        rx.cond(item.source != "", channel_mark(item.source)),
        rx.el.span(item.source_name, class_name="truncate", title=item.source_name),
        class_name="row lead-source",
        gap="7px",
    )


def _nothing() -> rx.Component:
    return rx.cond(
        LeadsState.filtered,
        empty_state("search-x", "Nobody found", "No lead fits this. Try fewer letters, or take a choice back."),
        empty_state(
            "users",
            "No leads yet",
            "Everybody who writes to one of your numbers, or calls it, becomes a lead by itself.",
            link_button("Connect a channel", routes.CHANNELS, look="main"),
        ),
    )


def _add_dialog() -> rx.Component:
    form = rx.el.form(
        rx.el.div(
            text_input(
                "Phone number",
                "number",
                error=LeadsState.number_error,
                hint="With its country code, or as it is dialled in the country of your channels.",
                type="tel",
                auto_complete="off",
                max_length=60,
            ),
            text_input("Name", "name", error=LeadsState.name_error, auto_complete="off", max_length=MAX_NAME),
            rx.el.div(button("Add lead", type="submit", look="main")),
            class_name="stack",
        ),
        on_submit=LeadsState.add,
    )
    return dialog(
        form,
        title="Add a lead",
        intro="For somebody who has not written to you yet.",
        open_var=LeadsState.is_adding,
        on_open_change=LeadsState.open_add,
    )
