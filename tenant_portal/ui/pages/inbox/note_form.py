"""Where a note for the team is written: never sent, and it looks it."""

import reflex as rx

from tenant_portal.leads.rules import MAX_NOTE
from tenant_portal.ui.pages.inbox.items import Colleague
from tenant_portal.ui.pages.inbox.keyboard import key, mention_button
from tenant_portal.ui.pages.inbox.state import InboxState


def note_form() -> rx.Component:
    """The field, its button, and the colleagues to name."""
    return rx.el.form(
        rx.el.div(
            rx.el.textarea(
                name="note",
                id="note-body",
                key=InboxState.thread.id + "note" + InboxState.draft_round.to_string(),
                default_value=InboxState.draft,
                placeholder="Write to your team; this is never sent",
                aria_label="Note about " + InboxState.thread.name,
                aria_invalid=rx.cond(InboxState.note_error != "", "true", "false"),
                rows="1",
                max_length=MAX_NOTE,
                enter_key_submit=True,
                auto_height=True,
                auto_focus=True,
                class_name="composer-field",
                custom_attrs={**key("n"), "aria-describedby": "note-error"},
            ),
            rx.el.button(
                rx.icon("sticky-note", aria_hidden="true"),
                type="submit",
                aria_label="Keep the note",
                title="Keep the note",
                class_name="button button-main icon-button",
            ),
            class_name="composer-box",
        ),
        rx.el.span(InboxState.note_error, id="note-error", class_name="field-error", role="alert"),
        rx.el.div(
            rx.el.span("For your team only."),
            rx.foreach(InboxState.team, _colleague),
            class_name="composer-note",
        ),
        on_submit=InboxState.write_note,
        reset_on_submit=True,
    )


def _colleague(item: rx.Var[Colleague]) -> rx.Component:
    return rx.cond(item.is_reader, rx.fragment(), mention_button(item.handle, item.name))
