"""The simulator for staff: the handset, and the two-tenant check."""

from tenant_portal.ui.pages.simulator.check_page import check_page
from tenant_portal.ui.pages.simulator.check_state import CheckState
from tenant_portal.ui.pages.simulator.handset_page import handset_page
from tenant_portal.ui.pages.simulator.handset_state import HandsetState

__all__ = ["CheckState", "HandsetState", "check_page", "handset_page"]
