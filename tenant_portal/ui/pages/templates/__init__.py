"""Message templates of WhatsApp."""

from tenant_portal.ui.pages.templates.page import templates_page
from tenant_portal.ui.pages.templates.state import TemplatesState

__all__ = ["TemplatesState", "templates_page"]
