"""The handset: two phones side by side, each with a client's number on the other end."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import empty_state, notice, notice_area, panel, skeleton_rows
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.simulator.handset_state import HandsetState
from tenant_portal.ui.pages.simulator.phone_view import phone_view
from tenant_portal.ui.pages.simulator.tabs import simulator_tabs

REFRESH_MILLISECONDS = 600
INTRO = "Play two leads at once: write or call a client's number, and see what comes back. Nothing leaves this machine."
LIVE = "This portal runs on a real Twilio account. The handset is for the simulated Twilio only: use a real phone."


def handset_page() -> rx.Component:
    """Both phones, or the reason why there are none."""
    return page(
        "Handset",
        notice_area(HandsetState.trouble, "bad"),
        rx.cond(HandsetState.is_loaded, _body(), panel(skeleton_rows(6, "40px"))),
        active=routes.SIMULATOR,
        intro=INTRO,
        actions=(simulator_tabs(routes.HANDSET),),
    )


def _body() -> rx.Component:
    nobody = panel(
        empty_state(
            "smartphone",
            "No number to call yet",
            "As soon as a client has connected a channel, its number appears here.",
        )
    )
    phones = rx.fragment(_switch(), _both(), _clock())
    return rx.cond(
        HandsetState.is_live,
        notice(LIVE, "info"),
        rx.cond(HandsetState.lines.length() > 0, phones, rx.fragment(nobody, _clock())),
    )


def _both() -> rx.Component:
    return rx.el.div(
        phone_view(HandsetState.left, 0),
        phone_view(HandsetState.right, 1),
        class_name=rx.cond(HandsetState.shown == 0, "phones phones-left", "phones phones-right"),
    )


def _switch() -> rx.Component:
    buttons = [
        rx.el.button(
            rx.icon("smartphone", size=15, aria_hidden="true"),
            rx.el.span(phone.owner, class_name="truncate"),
            rx.cond(phone.fresh.length() > 0, rx.el.span(class_name="phone-dot")),
            type="button",
            class_name="segment",
            aria_pressed=rx.cond(HandsetState.shown == side, "true", "false"),
            on_click=HandsetState.show(side),
        )
        for side, phone in enumerate((HandsetState.left, HandsetState.right))
    ]
    return rx.el.div(*buttons, class_name="segments phone-switch", role="group", aria_label="Which phone")


def _clock() -> rx.Component:
    ticking = rx.moment(interval=REFRESH_MILLISECONDS, on_change=lambda _: HandsetState.refresh(), format="x")
    return rx.el.div(ticking, hidden=True, aria_hidden="true")
