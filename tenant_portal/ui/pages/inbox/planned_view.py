"""Messages that wait for their time, below those of the thread."""

import reflex as rx

from tenant_portal.ui.components import button, text_area
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.pages.inbox.composer_state import ComposerState
from tenant_portal.ui.pages.inbox.items import PlannedItem
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.pages.inbox.writing_aids import time_field, zone_name


def planned_messages() -> rx.Component:
    """All of the open thread."""
    # One form for all: fields of the same name in each would be read from the one that was drawn last.
    return rx.fragment(
        rx.foreach(InboxState.planned, _planned),
        rx.cond(ComposerState.editing != "", rx.el.div(_form(), class_name="entry entry-ours")),
    )


def _planned(item: rx.Var[PlannedItem]) -> rx.Component:
    return rx.el.div(
        rx.cond(ComposerState.editing != item.id, _message(item)),
        key=item.id,
        class_name="entry entry-ours",
    )


def _message(item: rx.Var[PlannedItem]) -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.div(item.body, class_name="bubble-text"),
                class_name=rx.cond(item.state == "refused", "planned planned-refused", "planned"),
            ),
            class_name="bubble-line",
        ),
        rx.el.div(
            rx.match(item.state, ("held", _held(item)), ("refused", _refused(item)), _scheduled(item)),
            class_name="entry-foot planned-foot",
        ),
    )


def _held(item: rx.Var[PlannedItem]) -> rx.Component:
    undo = button("Undo", icon="undo-2", small=True, on_click=ComposerState.cancel(item.id))
    return rx.fragment(
        rx.icon("clock", size=13, aria_hidden="true"),
        rx.el.span("Sent in a moment", role="status"),
        rx.cond(item.is_own, undo),
    )


def _scheduled(item: rx.Var[PlannedItem]) -> rx.Component:
    return rx.fragment(
        rx.el.span("Scheduled for ", long_time(item.due_at), " (", zone_name(), ") by ", item.author),
        button("Edit", icon="pencil", small=True, on_click=ComposerState.edit(item.id)),
        button("Cancel", icon="x", small=True, on_click=ComposerState.cancel(item.id)),
    )


def _refused(item: rx.Var[PlannedItem]) -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.icon("circle-alert", size=13, aria_hidden="true", class_name="sign-bad"),
            rx.el.span("Not sent on ", long_time(item.due_at), ": ", item.reason),
            class_name="entry-error",
        ),
        button("Edit", icon="pencil", small=True, on_click=ComposerState.edit(item.id)),
        button("Dismiss", icon="x", small=True, on_click=ComposerState.cancel(item.id)),
    )


def _template_text() -> rx.Component:
    return rx.el.p(ComposerState.chosen.body, class_name="field-hint", white_space="pre-wrap", margin="0")


def _text_field() -> rx.Component:
    return text_area(
        "Message",
        "planned_body",
        error=ComposerState.body_error,
        default_value=ComposerState.chosen.body,
        rows="3",
        auto_focus=True,
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.cond(ComposerState.chosen.is_template, _template_text(), _text_field()),
        time_field(ComposerState.chosen.due_at, "until", "Send at"),
        rx.el.span(ComposerState.until_error, class_name="field-error", role="alert"),
        rx.el.div(
            button("Save", type="submit", look="main", small=True),
            button("Leave", small=True, on_click=ComposerState.close_form),
            class_name="row",
        ),
        key=ComposerState.editing,
        on_submit=ComposerState.save,
        class_name="planned-form",
    )
