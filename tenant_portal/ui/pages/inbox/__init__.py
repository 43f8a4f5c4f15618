"""The inbox: threads on the left, the open one on the right; one of them at a time on a phone."""

from tenant_portal.ui.pages.inbox.composer_state import ComposerState
from tenant_portal.ui.pages.inbox.desk_state import DeskState
from tenant_portal.ui.pages.inbox.find_state import FindState
from tenant_portal.ui.pages.inbox.found_state import FoundState
from tenant_portal.ui.pages.inbox.page import inbox_page, thread_page
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.pages.inbox.template_state import TemplateSendState

__all__ = [
    "ComposerState",
    "DeskState",
    "FindState",
    "FoundState",
    "InboxState",
    "TemplateSendState",
    "inbox_page",
    "thread_page",
]
