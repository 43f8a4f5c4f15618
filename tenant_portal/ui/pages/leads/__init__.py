"""Leads: the list with its search, and one lead with name, stage and notes."""

from tenant_portal.ui.pages.leads.detail_page import lead_page
from tenant_portal.ui.pages.leads.detail_state import LeadState
from tenant_portal.ui.pages.leads.list_page import leads_page
from tenant_portal.ui.pages.leads.list_state import LeadsState

__all__ = ["LeadState", "LeadsState", "lead_page", "leads_page"]
