"""The list of leads."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    data_table,
    empty_state,
    field,
    link_button,
    panel,
    select_field,
    skeleton_rows,
    status_badge,
    text_link,
)
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import short_time
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.items import STAGE_NAMES, LeadItem
from tenant_portal.ui.pages.leads.list_state import LeadsState

SEARCH_MILLISECONDS = 200
HEADINGS = ("Name", "Stage", "Came by", "First contact", "Last activity")


def leads_page() -> rx.Component:
    """Everybody who wrote or called, newest first."""
    return page(
        "Leads",
        _search(),
        panel(
            rx.cond(
                LeadsState.is_loaded,
                rx.cond(LeadsState.rows.length() > 0, _table(), _nothing()),
                skeleton_rows(8, "32px"),
            ),
            flush=True,
        ),
        rx.cond(
            LeadsState.has_more,
            rx.el.div(button("Show more", on_click=LeadsState.load_more, look="quiet"), class_name="list-more"),
        ),
        active=routes.LEADS,
        intro="Everybody who wrote to one of your numbers or called it.",
    )


def _search() -> rx.Component:
    box = rx.el.input(
        type="search",
        id="lead-search",
        name="search",
        placeholder="Name or number",
        default_value=LeadsState.search,
        auto_complete="off",
        on_change=LeadsState.find.debounce(SEARCH_MILLISECONDS),
        class_name="input",
    )
    stages = [("", "All stages"), *((stage.value, name) for stage, name in STAGE_NAMES.items())]
    return rx.el.div(
        field("Search", box, name="lead-search"),
        select_field("Stage", "lead-stage", stages, on_change=LeadsState.set_stage, value=LeadsState.stage),
        class_name="lead-search",
        role="search",
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
                class_name="row",
            )
        ),
        rx.el.td(rx.el.span(channel_mark(item.source), item.source_name, class_name="row", gap="7px")),
        rx.el.td(short_time(item.created_at)),
        rx.el.td(short_time(item.last_at)),
        key=item.id,
    )


def stage_pill(item: rx.Var[LeadItem]) -> rx.Component:
    """The stage in its colour."""
    return rx.el.span(item.stage_name, class_name=rx.Var.create("stage-pill stage-") + item.stage)


def _nothing() -> rx.Component:
    return rx.cond(
        (LeadsState.search != "") | (LeadsState.stage != ""),
        empty_state("search-x", "Nobody found", "No lead fits this search. Try fewer letters, or all stages."),
        empty_state(
            "users",
            "No leads yet",
            "Everybody who writes to one of your numbers, or calls it, becomes a lead by itself.",
            link_button("Connect a channel", routes.CHANNELS, look="main"),
        ),
    )
