"""One lead: everything that happened, who it is, and where it stands."""

import reflex as rx

from tenant_portal.leads.rules import MAX_NOTE
from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    empty_state,
    link_button,
    notice,
    notice_area,
    panel,
    skeleton_rows,
    text_area,
)
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import long_time, short_time
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.consent_view import consent_panel
from tenant_portal.ui.pages.leads.detail_form import form
from tenant_portal.ui.pages.leads.detail_merging import same_person
from tenant_portal.ui.pages.leads.detail_state import LeadState
from tenant_portal.ui.pages.leads.filters import choice, option
from tenant_portal.ui.pages.leads.items import LabelItem, UseItem
from tenant_portal.ui.pages.leads.moments import moment
from tenant_portal.ui.session_state import SessionState


def lead_page() -> rx.Component:
    """A lead's own page."""
    return page(
        rx.cond(LeadState.lead.name != "", LeadState.lead.name, "Lead"),
        notice_area(LeadState.notice, LeadState.tone, LeadState.close_notice),
        rx.cond(LeadState.is_missing, _missing(), rx.cond(LeadState.lead.id != "", _body(), panel(skeleton_rows(6)))),
        active=routes.LEADS,
        actions=(
            link_button("All leads", routes.LEADS, icon="chevron-left", look="quiet"),
            rx.cond(
                LeadState.lead.thread_href != "",
                link_button("Open conversation", LeadState.lead.thread_href, icon="message-square", look="main"),
            ),
        ),
    )


def _missing() -> rx.Component:
    return panel(
        empty_state(
            "user-round-x",
            "This lead does not exist",
            "It may have been merged into another one or deleted, or the address is not complete.",
            link_button("All leads", routes.LEADS),
        )
    )


def _body() -> rx.Component:
    return rx.el.div(
        rx.el.div(_note(), _timeline()),
        rx.el.div(_person(), form(), consent_panel(), _channels(), same_person(), _blocking(), _data()),
        class_name="lead-grid",
    )


def _person() -> rx.Component:
    lead = LeadState.lead
    return panel(
        rx.el.div(
            rx.cond(
                lead.opted_out_at != "",
                notice(rx.el.span("Unsubscribed on ", long_time(lead.opted_out_at), "."), "warn"),
            ),
            rx.cond(
                lead.blocked_at != "",
                notice(rx.el.span("Blocked since ", long_time(lead.blocked_at), ". Nothing is sent to them."), "bad"),
            ),
            rx.el.div(
                lead_avatar(lead.initials, lead.tint, large=True),
                rx.el.div(
                    rx.el.div(lead.number, font_weight="560"),
                    rx.el.div(lead.place, class_name="soft", font_size="13px"),
                    min_width="0",
                ),
                class_name="row",
            ),
            rx.el.div(
                choice("Stage", "stage", lead.stage_id, LeadState.set_stage, rx.foreach(LeadState.stages, option)),
                choice(
                    "Owner",
                    "owner",
                    lead.owner_id,
                    LeadState.set_owner,
                    rx.el.option("Nobody", value=""),
                    rx.foreach(LeadState.members, option),
                ),
                class_name="grid",
            ),
            _labels(),
            rx.el.dl(
                rx.el.dt("First contact"),
                rx.el.dd(long_time(lead.created_at)),
                rx.el.dt("Came by"),
                rx.el.dd(lead.source_name),
                rx.cond(
                    lead.profile_name != "",
                    rx.fragment(rx.el.dt("Profile name"), rx.el.dd(lead.profile_name)),
                ),
                class_name="facts",
            ),
            class_name="stack",
        ),
        title="Person",
    )


def _labels() -> rx.Component:
    return rx.cond(
        LeadState.labels.length() > 0,
        rx.el.div(
            rx.el.span("Labels", class_name="field-label", id="labels-name"),
            rx.el.div(
                rx.foreach(LeadState.labels, _label),
                class_name="label-row",
                role="group",
                aria_labelledby="labels-name",
            ),
            class_name="field",
        ),
    )


def _label(item: rx.Var[LabelItem]) -> rx.Component:
    return rx.el.button(
        rx.cond(
            item.is_on, rx.icon("check", size=13, aria_hidden="true"), rx.icon("plus", size=13, aria_hidden="true")
        ),
        item.name,
        type="button",
        aria_pressed=rx.cond(item.is_on, "true", "false"),
        on_click=LeadState.toggle_label(item.id),
        key=item.id,
        class_name=rx.Var.create("label-chip label-button tone-") + rx.cond(item.is_on, item.colour, "off"),
    )


def _note() -> rx.Component:
    return panel(
        rx.el.form(
            text_area(
                "New note",
                "note",
                error=LeadState.errors["note"],
                hint="For your team only; it is never sent.",
                key=LeadState.lead.id + LeadState.note_round.to_string(),
                default_value=LeadState.note_draft,
                rows="3",
                max_length=MAX_NOTE,
            ),
            rx.el.div(button("Add note", type="submit", look="main"), margin_top="10px"),
            on_submit=LeadState.add_note,
            reset_on_submit=True,
        ),
    )


def _timeline() -> rx.Component:
    return panel(
        rx.cond(
            LeadState.moments.length() > 0,
            rx.el.ul(
                rx.foreach(LeadState.moments, lambda item: moment(item, LeadState.delete_note)),
                class_name="rows timeline",
            ),
            empty_state("messages-square", "Nothing yet", "Messages, calls, notes and changes appear here."),
        ),
        rx.cond(
            LeadState.has_older,
            rx.el.div(button("Show older", look="quiet", on_click=LeadState.load_older), class_name="list-more"),
        ),
        title="Timeline",
        flush=True,
    )


def _channels() -> rx.Component:
    return panel(
        rx.cond(
            LeadState.uses.length() > 0,
            rx.el.ul(rx.foreach(LeadState.uses, _use), class_name="rows"),
            empty_state("radio-tower", "Nothing exchanged yet", "Messages and calls are counted here."),
        ),
        title="Channels",
        flush=True,
    )


def _use(item: rx.Var[UseItem]) -> rx.Component:
    return rx.el.li(
        channel_mark(item.kind),
        rx.el.div(
            rx.el.div(item.name, font_weight="540"),
            rx.el.div(item.count, class_name="soft", font_size="12.5px"),
            class_name="grow",
        ),
        rx.el.span(short_time(item.last_at), class_name="soft"),
        key=item.kind,
    )


def _blocking() -> rx.Component:
    block = confirm_dialog(
        button("Block this person", icon="ban", look="danger"),
        title="Block this person?",
        text="What they send is kept, but is never unread and tells nobody. Nothing can be sent to them.",
        confirm="Block",
        on_confirm=LeadState.set_blocked(True),
    )
    free = button("Unblock this person", icon="undo-2", on_click=LeadState.set_blocked(False))
    return panel(rx.cond(LeadState.lead.blocked_at != "", free, block), title="Block list")


def _data() -> rx.Component:
    link = NativeLink.create(
        rx.icon("download", aria_hidden="true"),
        rx.el.span("Download everything (JSON)"),
        href=LeadState.lead.data_href,
        download=True,
        class_name="button button-plain",
    )
    erase = confirm_dialog(
        button("Delete this person", icon="trash-2", look="danger"),
        title="Delete this person and everything kept of them?",
        text="Messages, calls, recordings, files and notes are deleted here at once, and at Twilio by a job that goes"
        " on until Twilio has confirmed. It cannot be undone.",
        confirm="Delete for good",
        on_confirm=LeadState.erase,
    )
    return panel(
        rx.el.div(link, rx.cond(SessionState.is_owner, erase), class_name="row row-wrap"),
        title="Data of this person",
        note="For somebody who asks what you keep about them, or wants it deleted.",
    )
