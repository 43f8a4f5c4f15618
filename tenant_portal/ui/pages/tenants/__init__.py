"""The agency's view of its clients: all of them, and one."""

from tenant_portal.ui.pages.tenants.detail_page import tenant_page
from tenant_portal.ui.pages.tenants.detail_state import TenantDetailState
from tenant_portal.ui.pages.tenants.list_page import tenants_page
from tenant_portal.ui.pages.tenants.list_state import TenantsState

__all__ = ["TenantDetailState", "TenantsState", "tenant_page", "tenants_page"]
