"""The same person once: merging another lead into the one of the page, and undoing it."""

import reflex as rx

from tenant_portal.ui.components import button, confirm_dialog, field, panel
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.pages.leads.detail_reading import MergeItem
from tenant_portal.ui.pages.leads.detail_state import LeadState
from tenant_portal.ui.pages.leads.filters import SEARCH_MILLISECONDS
from tenant_portal.ui.pages.leads.items import LeadItem


def same_person() -> rx.Component:
    """Who was merged into this lead, and a search for whom to merge."""
    box = rx.el.input(
        type="search",
        id="find-twin",
        name="find-twin",
        placeholder="Name or number",
        auto_complete="off",
        key=LeadState.lead.id + LeadState.merges.length().to_string(),
        on_change=LeadState.find_twin.debounce(SEARCH_MILLISECONDS),
        class_name="input",
    )
    found = rx.cond(
        LeadState.candidates.length() > 0,
        rx.el.ul(rx.foreach(LeadState.candidates, _candidate), class_name="rows", margin="0 -18px"),
        rx.cond(LeadState.looked_for != "", rx.el.p("Nobody else found.", class_name="soft", margin="0")),
    )
    return panel(
        rx.el.div(
            rx.cond(
                LeadState.merges.length() > 0,
                rx.el.ul(rx.foreach(LeadState.merges, _merge), class_name="rows", margin="0 -18px"),
            ),
            field("Find another lead of this person", box, name="find-twin"),
            rx.el.div(found, role="status"),
            class_name="stack",
        ),
        title="Same person",
        note="Messages, notes and labels of the other lead come here, and whatever its number sends later.",
    )


def _candidate(item: rx.Var[LeadItem]) -> rx.Component:
    return rx.el.li(
        lead_avatar(item.initials, item.tint),
        rx.el.div(
            rx.el.div(item.name, class_name="truncate"),
            rx.el.div(item.number, class_name="lead-sub"),
            class_name="grow",
        ),
        confirm_dialog(
            button("Merge", small=True),
            title="Are these two one person?",
            text=item.name + ", " + item.number + ", goes into this lead. You can undo it on this page.",
            confirm="Merge",
            on_confirm=LeadState.merge(item.id),
            look="main",
        ),
        key=item.id,
    )


def _merge(item: rx.Var[MergeItem]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(item.name, class_name="truncate"),
            rx.el.div(item.number, " · merged by ", item.who, ", ", long_time(item.at), class_name="lead-sub"),
            class_name="grow",
        ),
        button("Undo", icon="undo-2", small=True, on_click=LeadState.undo_merge(item.id)),
        key=item.id,
    )
