"""Calls and voicemails: who called, what they said, and whether somebody has looked after it."""

from tenant_portal.ui.pages.calls.page import calls_page
from tenant_portal.ui.pages.calls.state import CallsState

__all__ = ["CallsState", "calls_page"]
