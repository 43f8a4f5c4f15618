"""Requests that could not be given to a client."""

from tenant_portal.ui.pages.quarantine.page import quarantine_page
from tenant_portal.ui.pages.quarantine.state import HeldRequestsState

__all__ = ["HeldRequestsState", "quarantine_page"]
