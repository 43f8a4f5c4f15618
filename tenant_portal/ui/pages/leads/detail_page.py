"""One lead: who it is, where it stands, what the team wrote down."""

import reflex as rx

from tenant_portal.leads.rules import MAX_NAME, MAX_NOTE
from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    empty_state,
    icon_button,
    link_button,
    notice,
    notice_area,
    panel,
    select_field,
    skeleton_rows,
    text_area,
    text_input,
)
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import long_time, short_time
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.detail_state import LeadState
from tenant_portal.ui.pages.leads.items import STAGE_NAMES, LineItem, NoteItem, UseItem


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
            "It may have been deleted, or the address is not complete.",
            link_button("All leads", routes.LEADS),
        )
    )


def _body() -> rx.Component:
    return rx.el.div(
        rx.el.div(_notes(), _lately()),
        rx.el.div(_person(), _channels()),
        class_name="lead-grid",
    )


def _person() -> rx.Component:
    lead = LeadState.lead
    stages = [(stage.value, name) for stage, name in STAGE_NAMES.items()]
    return panel(
        rx.el.div(
            rx.cond(
                lead.opted_out_at != "",
                notice(rx.el.span("Unsubscribed by sending STOP on ", long_time(lead.opted_out_at), "."), "warn"),
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
            _name_form(),
            select_field("Stage", "stage", stages, value=lead.stage, on_change=LeadState.set_stage),
            rx.el.dl(
                rx.el.dt("First contact"),
                rx.el.dd(long_time(lead.created_at), " by ", lead.source_name),
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


def _name_form() -> rx.Component:
    lead = LeadState.lead
    return rx.el.form(
        rx.el.div(
            rx.el.div(
                text_input(
                    "Name",
                    "name",
                    error=LeadState.name_error,
                    default_value=lead.own_name,
                    key=lead.id + lead.own_name,
                    placeholder=rx.cond(lead.profile_name != "", lead.profile_name, "Unknown"),
                    max_length=MAX_NAME,
                    auto_complete="off",
                ),
                class_name="grow",
            ),
            button("Save", type="submit", margin_top="25px"),
            class_name="row",
            align_items="flex-start",
        ),
        on_submit=LeadState.rename,
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


def _lately() -> rx.Component:
    return panel(
        rx.cond(
            LeadState.lines.length() > 0,
            rx.el.ul(rx.foreach(LeadState.lines, _line), class_name="rows"),
            empty_state("messages-square", "Nothing exchanged yet", "The latest messages and calls appear here."),
        ),
        title="Latest messages",
        flush=True,
    )


def _line(item: rx.Var[LineItem]) -> rx.Component:
    return rx.el.li(
        channel_mark(item.channel),
        rx.el.div(
            rx.el.div(rx.el.strong(item.who), long_time(item.at), class_name="note-head"),
            rx.el.div(item.text, class_name="line-text"),
            class_name="grow",
        ),
        key=item.id,
        class_name="top",
    )


def _notes() -> rx.Component:
    return panel(
        rx.el.form(
            text_area(
                "New note",
                "note",
                error=LeadState.note_error,
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
        rx.cond(
            LeadState.notes.length() > 0,
            rx.el.ul(rx.foreach(LeadState.notes, _note), class_name="rows", margin="14px -18px -18px"),
            rx.el.p("No notes yet.", class_name="soft", margin="16px 0 0"),
        ),
        title="Notes",
    )


def _note(item: rx.Var[NoteItem]) -> rx.Component:
    trigger = icon_button("trash-2", "Delete this note", small=True)
    return rx.el.li(
        rx.el.div(
            rx.el.div(rx.el.strong(item.author), long_time(item.at), class_name="note-head"),
            rx.el.div(item.body, class_name="note-body"),
            class_name="grow",
        ),
        rx.cond(
            item.is_mine,
            confirm_dialog(
                trigger,
                title="Delete this note?",
                text="It is gone for the whole team and cannot be brought back.",
                confirm="Delete note",
                on_confirm=LeadState.delete_note(item.id),
            ),
        ),
        key=item.id,
        class_name="top",
    )
