"""Settings."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.layout import page
from tenant_portal.ui.components import panel, stat, data_table, empty_state, button, text_input, status_badge, confirm_dialog, copy_box, notice_area, skeleton_rows, select_field
from tenant_portal.ui.session_state import SessionState, signed_in


class SettingsState(rx.State):
    text: str = "Saved."

    @rx.event
    async def load(self) -> None:
        await signed_in(self)


def settings_page() -> rx.Component:
    return page("Settings", notice_area(SettingsState.text, "good"), rx.el.div(stat("Messages", "12", icon="inbox", note="3 more"), stat("Leads", "4"), class_name="grid"), panel(text_input("Name", "name", hint="x", error=SettingsState.text), select_field("Role", "role", [("a", "Agent")]), copy_box(SettingsState.text, "Link"), title="Profile", note="Your name"),
      panel(data_table(["A", "B"], rx.el.tr(rx.el.td("x"), rx.el.td(status_badge("Active", "good"))), label="T"), title="Team", flush=True), panel(empty_state("inbox", "Nothing", "Text.", button("Go", look="main"))), panel(skeleton_rows()),
      confirm_dialog(button("Remove", look="danger"), title="Sure?", text="Really", confirm="Remove", on_confirm=SettingsState.load), active=routes.SETTINGS, intro="Your profile, team and sessions.", width="narrow")


def staff_settings_page() -> rx.Component:
    return page("Settings", active=routes.STAFF_SETTINGS, intro="Your profile and sessions.", width="narrow")
