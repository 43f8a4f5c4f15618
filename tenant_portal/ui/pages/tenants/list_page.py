"""All clients of the agency in one table."""

from typing import Any

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    data_table,
    empty_state,
    field,
    notice_area,
    panel,
    relative_time,
    select_field,
    skeleton_rows,
    status_badge,
    text_link,
)
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.tenants.dialogs import create_dialog, question
from tenant_portal.ui.pages.tenants.lines import TenantLine
from tenant_portal.ui.pages.tenants.list_state import TenantsState

HEADINGS = (
    "Client",
    "State",
    "Channels",
    "Last webhook",
    "In / out, 24 h",
    "In / out, 30 days",
    "Refused",
    "Failed",
    "Action",
)
SORTS = (
    ("name", "Name"),
    ("newest", "Newest"),
    ("last webhook", "Last webhook"),
    ("traffic", "Most messages"),
    ("failures", "Most problems"),
)
STATES = (("", "All states"), ("active", "Active"), ("provisioning", "Being set up"), ("suspended", "Suspended"))
REFRESH_MILLISECONDS = 2000
SEARCH_MILLISECONDS = 200


def tenants_page() -> rx.Component:
    """Search, table, and the dialogs to create, suspend and resume."""
    return page(
        "Tenants",
        notice_area(TenantsState.notice, TenantsState.tone),
        _search(),
        panel(
            rx.cond(
                TenantsState.loaded,
                rx.cond(TenantsState.rows.length() > 0, _table(), _nothing()),
                skeleton_rows(6, "32px"),
            ),
            flush=True,
        ),
        rx.cond(
            TenantsState.has_more,
            rx.el.div(button("Show more", on_click=TenantsState.load_more, look="quiet"), class_name="list-more"),
        ),
        rx.cond(TenantsState.is_settling, refresher(TenantsState.refresh)),
        create_dialog(),
        question(),
        active=routes.TENANTS,
        intro="Every client with its connection, traffic and faults. Messages themselves stay with the client.",
        actions=(button("New client", icon="plus", look="main", on_click=TenantsState.open_create(True)),),
        width="wide",
    )


def refresher(handler: Any) -> rx.Component:
    """Calls the handler every two seconds as long as it is on the page; nothing to see or hear."""
    clock = rx.moment(interval=REFRESH_MILLISECONDS, on_change=lambda _: handler(), format="ss")
    return rx.el.div(clock, hidden=True, aria_hidden="true")


def _search() -> rx.Component:
    box = rx.el.input(
        type="search",
        id="tenant-search",
        name="search",
        placeholder="Name, number or account",
        default_value=TenantsState.search,
        auto_complete="off",
        on_change=TenantsState.find.debounce(SEARCH_MILLISECONDS),
        class_name="input",
    )
    return rx.el.div(
        field("Search", box, name="tenant-search"),
        select_field("State", "tenant-state", STATES, value=TenantsState.state, on_change=TenantsState.narrow),
        select_field("Order", "tenant-sort", SORTS, value=TenantsState.sort, on_change=TenantsState.order),
        rx.el.p(
            rx.el.strong(TenantsState.total.to_string()), " clients, ",
            TenantsState.active.to_string(), " active, ", TenantsState.suspended.to_string(), " suspended",
            class_name="soft num tenant-counts",
        ),
        class_name="tenant-search",
        role="search",
    )  # fmt: skip


def _table() -> rx.Component:
    return data_table(HEADINGS, rx.foreach(TenantsState.rows, _row), label="Clients")


def _row(line: rx.Var[TenantLine]) -> rx.Component:
    change = rx.cond(line.can_resume, "Resume", "Suspend")
    return rx.el.tr(
        rx.el.td(
            text_link(line.name, line.href, title=line.name),
            rx.cond(line.is_synthetic, rx.el.span(" ", status_badge("Test", "neutral"))),
        ),
        rx.el.td(status_badge(line.state_label, line.tone)),
        rx.el.td(rx.el.div(rx.foreach(line.channels, _channel), class_name="row", gap="6px")),
        rx.el.td(
            rx.cond(
                line.last_webhook_at != "", relative_time(line.last_webhook_at), rx.el.span("never", class_name="soft")
            )
        ),
        rx.el.td(_pair(line.in_24h, line.out_24h), class_name="num"),
        rx.el.td(_pair(line.in_30d, line.out_30d), class_name="num"),
        rx.el.td(_count(line.refusals_24h)),
        rx.el.td(_count(line.failures_24h)),
        rx.el.td(
            rx.cond(
                line.can_suspend | line.can_resume,
                button(
                    change,
                    small=True,
                    look="quiet",
                    on_click=TenantsState.ask(line.id),
                    aria_label=change + " " + line.name,
                ),
            ),
            class_name="end",
        ),
        key=line.id,
    )


def _channel(mark: rx.Var) -> rx.Component:  # type: ignore[type-arg]
    return rx.el.span(
        channel_mark(mark.kind), title=mark.number + ", " + mark.words, class_name=rx.Var.create("mark-") + mark.tone
    )


def _pair(first: rx.Var[int], second: rx.Var[int]) -> rx.Component:
    return rx.el.span(first.to_string(), rx.el.span(" / ", class_name="soft"), second.to_string())


def _count(number: rx.Var[int]) -> rx.Component:
    return rx.cond(
        number > 0,
        rx.el.span(number.to_string(), class_name="num not-ok"),
        rx.el.span("0", class_name="num soft"),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        (TenantsState.search != "") | (TenantsState.state != ""),
        empty_state("search-x", "Nobody found", "No client fits this search."),
        empty_state(
            "building-2",
            "No clients yet",
            "Add the first one: it gets a Twilio subaccount of its own, and its owner an invitation.",
            button("New client", icon="plus", look="main", on_click=TenantsState.open_create(True)),
        ),
    )
