"""What lies around every page: the boundary that catches a failing one, and what tells of news on all of them.

Reflex' own overlay speaks jargon in toasts.
"""

from collections.abc import Callable

import reflex as rx
from reflex_components_core.base.error_boundary import ErrorBoundary

from tenant_portal.ui import routes
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.components.page_signals import page_signals
from tenant_portal.ui.session_state import SessionState


def app_wraps() -> dict[tuple[int, str], Callable[[bool], rx.Component | None]]:
    """Replaces Reflex' defaults; the connection banner is part of the frame (ui/layout.py)."""
    return {(55, "ErrorBoundary"): lambda _: _boundary(), (54, "PageSignals"): lambda _: _signals()}


def _signals() -> rx.Component:
    # Around the pages and not in them: what it knows outlives a change of the page.
    return rx.fragment(page_signals(SessionState.unread, SessionState.news, SessionState.plays_sound))


def _boundary() -> rx.Component:
    return ErrorBoundary.create(on_error=rx.noop(), fallback_render=rx.Var.create(_failed()))


def _failed() -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.h1("This page failed", class_name="empty-title"),
            rx.el.p("Reload it; if it fails again, tell the people who run the portal.", class_name="empty-text"),
            NativeLink.create("Go to the start page", href=routes.HOME, class_name="button button-main"),
            class_name="empty",
        ),
        class_name="signed-out",
    )
