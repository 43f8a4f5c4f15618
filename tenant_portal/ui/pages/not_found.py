"""The page for an address that leads nowhere."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import empty_state
from tenant_portal.ui.components.native import NativeLink


def not_found_page() -> rx.Component:
    """Says so, and leads back."""
    return rx.el.main(
        rx.el.h1("Page not found", class_name="visually-hidden"),
        empty_state(
            "compass",
            "There is nothing at this address",
            "The page may have moved, or the link is not complete.",
            NativeLink.create("Go to the start page", href=routes.HOME, class_name="button button-main"),
        ),
        class_name="signed-out",
    )
