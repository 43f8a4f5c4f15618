"""A client's figures."""

from tenant_portal.ui.pages.insight.page import insight_page
from tenant_portal.ui.pages.insight.state import InsightState

__all__ = ["InsightState", "insight_page"]
