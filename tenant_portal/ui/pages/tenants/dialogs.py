"""The dialogs over the overview of all clients."""

import reflex as rx

from tenant_portal.ui.components import button, copy_box, dialog, text_input
from tenant_portal.ui.pages.tenants.list_state import TenantsState

SUSPEND_TEXT = (
    "Twilio stops its messages and calls. Its people can sign in and read, but not send. "
    "What still arrives is kept in quarantine."
)


def create_dialog() -> rx.Component:
    """The form for a new client, then the link for its owner."""
    form = rx.form(
        text_input(
            "Name of the client",
            "name",
            error=TenantsState.name_error,
            max_length=120,
            required=True,
            auto_complete="off",
        ),
        text_input(
            "E-mail of its first owner (optional)",
            "email",
            hint="You get an invitation link to hand over. You can also make one later.",
            error=TenantsState.email_error,
            type="email",
            auto_complete="off",
        ),
        rx.el.div(
            button("Cancel", on_click=TenantsState.open_create(False)),
            button("Create client", look="main", type="submit"),
            class_name="row",
            justify_content="flex-end",
        ),
        on_submit=TenantsState.create,
        class_name="stack",
    )
    return dialog(
        rx.cond(TenantsState.invitation != "", _invitation(), form),
        title=rx.cond(TenantsState.invitation != "", "The client is being set up", "New client"),
        intro=rx.cond(
            TenantsState.invitation != "",
            "Its Twilio subaccount is made in the background.",
            "The client gets a Twilio subaccount of its own: its numbers, messages and bill stay apart.",
        ),
        open_var=TenantsState.creating,
        on_open_change=TenantsState.open_create,
    )


def _invitation() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            "Give this link to ",
            rx.el.strong(TenantsState.invited),
            ". It works once, for 72 hours, and is not shown again.",
        ),
        copy_box(TenantsState.invitation, "Invitation link"),
        rx.el.div(
            button("Done", look="main", on_click=TenantsState.open_create(False)),
            class_name="row",
            justify_content="flex-end",
        ),
        class_name="stack",
    )


def question() -> rx.Component:
    """Asked before a client is suspended or resumed."""
    resumes = TenantsState.asked_resumes
    return dialog(
        rx.el.div(
            button("Cancel", on_click=TenantsState.close_question(False)),
            rx.cond(
                resumes,
                button("Resume", look="main", on_click=TenantsState.answer),
                button("Suspend", look="danger", on_click=TenantsState.answer),
            ),
            class_name="row",
            justify_content="flex-end",
        ),
        title=rx.cond(resumes, "Resume ", "Suspend ") + TenantsState.asked_name + "?",
        intro=rx.cond(
            resumes,
            "Its Twilio subaccount is opened again; messages flow as before.",
            SUSPEND_TEXT,
        ),
        open_var=TenantsState.asked != "",
        on_open_change=TenantsState.close_question,
    )
