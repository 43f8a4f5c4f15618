"""Settings: profile, team, password, sessions."""

from tenant_portal.ui.pages.settings.notifications_state import NotificationsState
from tenant_portal.ui.pages.settings.page import settings_page, staff_settings_page
from tenant_portal.ui.pages.settings.quiet_hours import QuietHoursState
from tenant_portal.ui.pages.settings.replies_page import replies_page
from tenant_portal.ui.pages.settings.replies_state import RepliesState
from tenant_portal.ui.pages.settings.state import SettingsState

__all__ = [
    "NotificationsState",
    "QuietHoursState",
    "RepliesState",
    "SettingsState",
    "replies_page",
    "settings_page",
    "staff_settings_page",
]
