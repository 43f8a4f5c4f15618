"""Settings: profile, team, password, sessions."""

from tenant_portal.ui.pages.settings.page import settings_page, staff_settings_page
from tenant_portal.ui.pages.settings.state import SettingsState

__all__ = ["SettingsState", "settings_page", "staff_settings_page"]
