"""What the panels of stages, labels and fields share."""

from typing import Any

import reflex as rx

from tenant_portal.leads.rules import MAX_WORD
from tenant_portal.models.enums import Colour
from tenant_portal.ui.components import button, confirm_dialog, icon_button, select_field, text_input
from tenant_portal.ui.components.native import OwnFieldsForm
from tenant_portal.ui.pages.leads.setup_state import LeadSetupState
from tenant_portal.ui.session_state import SessionState

COLOURS = [(colour.value, colour.value.capitalize()) for colour in Colour]


def add_button(what: str) -> rx.Component:
    """The button that opens the form of a new one; owners only."""
    opened = LeadSetupState.open_form(f"new-{what}")
    return rx.cond(SessionState.is_owner, button(f"Add {what}", icon="plus", small=True, on_click=opened))


def is_open(of: Any) -> rx.Var[bool]:
    """Whether the form of this one is open."""
    return SessionState.is_owner & (LeadSetupState.editing == of)


def form_of(item: Any, on_submit: Any, *more: rx.Component) -> rx.Component:
    """Name and whatever more, with an error beside the name."""
    return OwnFieldsForm.create(
        rx.el.div(
            text_input(
                "Name",
                "name",
                error=LeadSetupState.name_error,
                default_value=item.name if item is not None else "",
                max_length=MAX_WORD,
                auto_complete="off",
                auto_focus=True,
                required=True,
            ),
            *more,
            class_name="grid",
        ),
        rx.el.div(
            button("Save", type="submit", look="main", small=True),
            button("Cancel", small=True, on_click=LeadSetupState.close_form),
            class_name="row",
            margin_top="12px",
        ),
        on_submit=on_submit,
        class_name="setup-form",
    )


def colour_choice(item: Any) -> rx.Component:
    """One of the colours."""
    return select_field("Colour", "colour", COLOURS, default_value=item.colour if item is not None else "gray")


def tools(item_id: rx.Var[str], what: str, lost: str, on_delete: Any) -> rx.Component:
    """Change and delete, with a question in between."""
    return rx.el.div(
        icon_button("pencil", f"Change this {what}", small=True, on_click=LeadSetupState.open_form(item_id)),
        confirm_dialog(
            icon_button("trash-2", f"Delete this {what}", small=True),
            title=f"Delete this {what}?",
            text=f"{lost} This cannot be undone.",
            confirm=f"Delete {what}",
            on_confirm=on_delete,
        ),
        class_name="row",
        gap="2px",
    )
