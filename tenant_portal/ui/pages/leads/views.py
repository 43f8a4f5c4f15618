"""The ways between the pages of leads."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import link_button

VIEWS = (
    ("list", "List", routes.LEADS, "list"),
    ("board", "Board", routes.LEADS_BOARD, "square-kanban"),
    ("import", "Import and export", routes.LEADS_IMPORT, "arrow-down-up"),
    ("duplicates", "Duplicates", routes.LEADS_DUPLICATES, "copy"),
    ("setup", "Stages and fields", routes.LEADS_SETUP, "sliders-horizontal"),
)


def view_links(active: str) -> rx.Component:
    """One link for each page of leads; the present one is marked."""
    links = [
        rx.el.li(
            link_button(label, route, icon=icon, look="quiet", small=True),
            custom_attrs={"data-current": "true"} if name == active else {},
        )
        for name, label, route, icon in VIEWS
    ]
    return rx.el.nav(rx.el.ul(*links, class_name="view-links"), aria_label="Views of leads")
