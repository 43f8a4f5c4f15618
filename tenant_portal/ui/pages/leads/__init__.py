"""Leads: list, board, one lead with its timeline, duplicates, and the client's own stages, labels and fields."""

from tenant_portal.ui.pages.leads.board_page import board_page
from tenant_portal.ui.pages.leads.board_state import BoardState
from tenant_portal.ui.pages.leads.consent_state import ConsentState
from tenant_portal.ui.pages.leads.detail_page import lead_page
from tenant_portal.ui.pages.leads.detail_state import LeadState
from tenant_portal.ui.pages.leads.duplicates import DuplicatesState, duplicates_page
from tenant_portal.ui.pages.leads.import_page import import_page
from tenant_portal.ui.pages.leads.import_state import LeadImportState
from tenant_portal.ui.pages.leads.list_page import leads_page
from tenant_portal.ui.pages.leads.list_state import LeadsState
from tenant_portal.ui.pages.leads.setup_page import setup_page
from tenant_portal.ui.pages.leads.setup_state import LeadSetupState

__all__ = [
    "BoardState",
    "ConsentState",
    "DuplicatesState",
    "LeadImportState",
    "LeadSetupState",
    "LeadState",
    "LeadsState",
    "board_page",
    "duplicates_page",
    "import_page",
    "lead_page",
    "leads_page",
    "setup_page",
]
