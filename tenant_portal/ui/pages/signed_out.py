"""Where a tab lands whose session has ended: forgets what the tab holds and goes to the sign-in page."""

import reflex as rx
from reflex_base.vars.function import FunctionStringVar

from tenant_portal.ui import routes
from tenant_portal.ui.components import empty_state
from tenant_portal.ui.components.native import NativeLink

# Compiled into the page: it must work when no handler of ours may run any more.
LEAVE = f"() => {{ window.sessionStorage.clear(); window.location.replace('{routes.LOGIN}'); }}"


def signed_out_page() -> rx.Component:
    """A sentence and a link, for the moment until the browser has gone on."""
    return rx.el.main(
        empty_state(
            "log-out",
            "You are signed out",
            "Sign in again to go on where you were.",
            NativeLink.create("Sign in", href=routes.LOGIN, class_name="button button-main"),
        ),
        class_name="signed-out",
        on_mount=FunctionStringVar.create(LEAVE),
    )
