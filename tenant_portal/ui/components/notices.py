"""Words that appear by themselves. The strict CSP forbids eval, so notices are state vars and never toasts."""

from typing import Any

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from tenant_portal.ui.components.basics import Text, Tone

ICONS = {"info": "info", "good": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}


def notice(text: Text, tone: Tone = "info", *actions: rx.Component) -> rx.Component:
    """A boxed sentence that is part of the page."""
    return rx.el.div(
        rx.icon(ICONS.get(tone, "info"), aria_hidden="true"),
        rx.el.div(text, class_name="notice-text"),
        *actions,
        class_name=f"notice notice-{tone}",
    )


def notice_area(text: rx.Var[str], tone: rx.Var[str] | Tone = "info", on_close: Any = None) -> rx.Component:
    """Where a page's state tells what happened; read out by screen readers. Empty text shows nothing."""
    tone_var = rx.Var.create(tone) if isinstance(tone, str) else tone
    close = (
        [
            rx.el.button(
                rx.icon("x", size=16), type="button", aria_label="Close", class_name="notice-close", on_click=on_close
            )
        ]
        if on_close is not None
        else []
    )
    box = rx.el.div(
        rx.match(
            tone_var, *[(name, rx.icon(icon, aria_hidden="true")) for name, icon in ICONS.items()], rx.icon("info")
        ),
        rx.el.div(text, class_name="notice-text"),
        *close,
        class_name=rx.Var.create("notice notice-") + tone_var.to(str),
    )
    return rx.el.div(rx.cond(text != "", box), role="status", aria_live="polite", class_name="notice-region")


def offline_banner() -> rx.Component:
    """Says in plain words that the connection is lost; it lies over the page, so nothing jumps."""
    return rx.el.div(
        rx.cond(
            has_connection_errors,
            rx.el.div(
                rx.icon("wifi-off", aria_hidden="true"),
                "The connection to the portal is lost. It is being restored; what you see may be out of date.",
                class_name="offline",
            ),
        ),
        role="status",
        aria_live="polite",
    )
