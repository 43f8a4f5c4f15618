"""The way between the simulator's two pages."""

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from tenant_portal.ui import routes

PAGES = (
    (routes.SIMULATOR, "shield-check", "Two-tenant check"),
    (routes.HANDSET, "smartphone", "Handset"),
)


def simulator_tabs(active: str) -> rx.Component:
    """Both pages as links; the one that is open is lit."""
    links = [_link(route, icon, words, route == active) for route, icon, words in PAGES]
    return rx.el.nav(*links, class_name="segments", aria_label="Simulator")


def _link(route: str, icon: str, words: str, is_open: bool) -> rx.Component:
    mark = {"aria_current": "page"} if is_open else {}
    return ReactRouterLink.create(
        rx.icon(icon, size=15, aria_hidden="true"), rx.el.span(words), to=route, class_name="segment", **mark
    )
