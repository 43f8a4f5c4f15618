"""The handset: two phones side by side, each with a client's number on the other end."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import empty_state, link_button, notice, notice_area, panel, skeleton_rows
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.simulator.handset_state import HandsetState
from tenant_portal.ui.pages.simulator.phone_view import phone_view

REFRESH_MILLISECONDS = 1000
INTRO = "Play two leads at once: write or call a client's number, and see what comes back. Nothing leaves this machine."


def handset_page() -> rx.Component:
    """Both phones, or the reason why there are none."""
    return page(
        "Handset",
        notice_area(HandsetState.trouble, "bad"),
        rx.cond(HandsetState.is_loaded, _body(), panel(skeleton_rows(6, "40px"))),
        active=routes.SIMULATOR,
        intro=INTRO,
        actions=(link_button("Two-tenant check", routes.SIMULATOR, icon="shield-check"),),
        width="wide",
    )


def _body() -> rx.Component:
    live = notice(
        "This portal runs on a real Twilio account, so there is nothing to simulate: use a real phone.", "info"
    )
    nobody = panel(
        empty_state(
            "smartphone",
            "No number to call yet",
            "Sign in as a client and connect a channel; its number then appears here.",
        )
    )
    phones = rx.el.div(phone_view(0), phone_view(1), _clock(), class_name="phones")
    return rx.cond(
        HandsetState.is_live, live, rx.cond(HandsetState.lines.length() > 0, phones, rx.fragment(nobody, _clock()))
    )


def _clock() -> rx.Component:
    ticking = rx.moment(interval=REFRESH_MILLISECONDS, on_change=lambda _: HandsetState.refresh(), format="ss")
    return rx.el.div(ticking, hidden=True, aria_hidden="true")
