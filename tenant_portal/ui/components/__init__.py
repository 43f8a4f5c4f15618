"""The parts all pages are built from; styled by assets/portal.css."""

from tenant_portal.ui.components.basics import (
    avatar,
    button,
    copy_box,
    icon_button,
    link_button,
    relative_time,
    status_badge,
    text_link,
)
from tenant_portal.ui.components.dialogs import confirm_dialog, dialog
from tenant_portal.ui.components.fields import field, select_field, text_area, text_input
from tenant_portal.ui.components.notices import notice, notice_area, offline_banner
from tenant_portal.ui.components.panels import data_table, empty_state, page_header, panel, skeleton_rows, stat

__all__ = [
    "avatar",
    "button",
    "confirm_dialog",
    "copy_box",
    "data_table",
    "dialog",
    "empty_state",
    "field",
    "icon_button",
    "link_button",
    "notice",
    "notice_area",
    "offline_banner",
    "page_header",
    "panel",
    "relative_time",
    "select_field",
    "skeleton_rows",
    "stat",
    "status_badge",
    "text_area",
    "text_input",
    "text_link",
]
