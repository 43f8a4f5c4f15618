"""What becomes of a message in the quiet hours of its lead: part of the forms that send one."""

import reflex as rx

from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.pages.inbox.items import SEND_NOW
from tenant_portal.ui.pages.inbox.state import InboxState


def quiet_choice(element_id: str) -> rx.Component:
    """Says that it is within them, and lets the writer choose; nothing outside of them."""
    until = InboxState.thread.quiet_until
    choice = rx.el.label(
        rx.icon("moon", size=15, aria_hidden="true"),
        rx.el.span("Their quiet hours last until ", long_time(until), class_name="grow"),
        rx.el.select(
            rx.el.option("Send when they are over", value="later"),
            rx.el.option("Send now", value=SEND_NOW),
            name="quiet",
            id=element_id,
            aria_label="In their quiet hours",
            class_name="select",
        ),
        class_name="quiet-choice",
    )
    return rx.cond(until != "", choice)
