"""Dialogs: focus is kept inside, Escape closes, focus returns to where it was (Radix)."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components.basics import Look, Text, button


def dialog(
    *body: rx.Component, title: Text, open_var: rx.Var[bool], on_open_change: Any, intro: Text = ""
) -> rx.Component:
    """A dialog that a state var opens. `on_open_change` receives the new bool."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="4", margin_bottom="6px"),
            rx.dialog.description(intro, size="2", class_name="soft", margin_bottom="16px"),
            *body,
            max_width="480px",
        ),
        open=open_var,
        on_open_change=on_open_change,
    )


def confirm_dialog(
    trigger: rx.Component, *, title: Text, text: Text, confirm: str, on_confirm: Any, look: Look = "danger"
) -> rx.Component:
    """A question before something that cannot be taken back. `trigger` is the button that asks for it."""
    return rx.alert_dialog.root(
        rx.alert_dialog.trigger(trigger),
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="4"),
            rx.alert_dialog.description(text, size="2"),
            rx.el.div(
                rx.alert_dialog.cancel(button("Cancel")),
                rx.alert_dialog.action(button(confirm, look=look, on_click=on_confirm)),
                class_name="row",
                justify_content="flex-end",
                margin_top="20px",
            ),
            max_width="440px",
        ),
    )
