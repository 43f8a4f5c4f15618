"""The last question of the guided way: is this the number, and is the price right?"""

import reflex as rx

from tenant_portal.ui.components import button, notice, panel, select_field, text_input
from tenant_portal.ui.pages.channels.connect_state import ConnectState


def confirm() -> rx.Component:
    """The chosen number, its price, and what WhatsApp wants to know."""
    chosen = ConnectState.chosen
    bought = ConnectState.source == "new"
    return panel(
        rx.el.div(
            rx.el.div(chosen.shown, class_name="num confirm-number"),
            rx.el.div(chosen.place, class_name="soft"),
            rx.cond(
                bought,
                rx.el.p(
                    "Buying this number costs ",
                    rx.el.strong(
                        rx.cond(
                            chosen.price != "", chosen.price + " a month", "a monthly price that Twilio did not tell"
                        )
                    ),
                    ", charged by Twilio until the number is given back. Messages and calls are charged on top.",
                ),
                rx.el.p("There is no additional monthly price for this number."),
            ),
            class_name="confirm",
        ),
        rx.form(
            rx.cond(ConnectState.wants_whatsapp, _whatsapp_fields()),
            rx.cond(ConnectState.problem != "", notice(ConnectState.problem, "bad")),
            rx.el.div(
                button(
                    rx.cond(bought, "Buy number and connect", "Connect"),
                    look="main",
                    type="submit",
                    busy=ConnectState.connecting,
                ),
                button("Choose another number", on_click=ConnectState.choose("")),
                class_name="row row-wrap",
            ),
            on_submit=ConnectState.connect,
            class_name="stack",
        ),
        title="3. Confirm",
    )


def _whatsapp_fields() -> rx.Component:
    return rx.fragment(
        text_input(
            "Business name on WhatsApp",
            "display_name",
            hint="Your customers see it. Meta checks that it fits your business.",
            default_value=ConnectState.business,
            max_length=80,
            required=True,
        ),
        select_field(
            "How WhatsApp sends its code", "verification_method", (("sms", "By text message"), ("voice", "By call"))
        ),
        text_input(
            "WhatsApp Business Account ID (optional)",
            "waba_id",
            hint="Only if you already have one with Meta. Your agency can tell.",
            max_length=40,
            input_mode="numeric",
        ),
    )
