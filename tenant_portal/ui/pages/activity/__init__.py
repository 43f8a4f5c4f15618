"""What happened in a client's portal, for its owners."""

from tenant_portal.ui.pages.activity.page import activity_page
from tenant_portal.ui.pages.activity.state import ActivityState

__all__ = ["ActivityState", "activity_page"]
