"""Going to what was found, filtering by label, labelling the open thread's lead."""

from typing import Any

import reflex as rx

from tenant_portal.errors import PortalError
from tenant_portal.inbox import queries
from tenant_portal.inbox.queries import MESSAGES_PAGE, THREADS_PAGE
from tenant_portal.inbox.search import HITS_PAGE
from tenant_portal.leads import service as leads
from tenant_portal.ui import routes
from tenant_portal.ui.pages.inbox.found_state import FoundState
from tenant_portal.ui.pages.inbox.reading import MOST_MESSAGES, id_of, read, session_of, tenant_of
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.session_state import client

MOST_HITS = 200


class FindState(rx.State):
    """Handlers only; what they change is in FoundState and InboxState."""

    @rx.event
    async def more_hits(self) -> None:
        """More messages that were found."""
        person = await client(self)
        found = await self.get_state(FoundState)
        found._hits_shown = min(found._hits_shown + HITS_PAGE, MOST_HITS)
        await read(await self.get_state(InboxState), person)

    @rx.event
    async def open_hit(self, message_id: str) -> Any:
        """Open the thread at this message."""
        person = await client(self)
        inbox, found = await self.get_state(InboxState), await self.get_state(FoundState)
        try:
            async with session_of(person) as session:
                thread = await queries.thread_of(session, tenant_of(person), id_of(message_id))
        except PortalError as error:
            inbox.notice = error.message
            return None
        found._place, found.found_id = message_id, message_id
        if str(thread) != inbox.thread.id:
            return rx.redirect(routes.thread(thread))
        inbox._messages_shown = MESSAGES_PAGE
        await read(inbox, person)
        return None

    @rx.event
    async def show_later(self) -> None:
        """The messages that follow those shown."""
        person = await client(self)
        inbox, found = await self.get_state(InboxState), await self.get_state(FoundState)
        shown = [item.id for item in inbox.messages if item.kind == "message"]
        if found._place and shown:
            found._place = shown[-1]
            inbox._messages_shown = min(inbox._messages_shown + MESSAGES_PAGE, MOST_MESSAGES)
        await read(inbox, person)

    @rx.event
    async def to_newest(self) -> None:
        """Back to the newest messages of the thread."""
        person = await client(self)
        inbox, found = await self.get_state(InboxState), await self.get_state(FoundState)
        found._place, found.found_id, inbox._messages_shown = "", "", MESSAGES_PAGE
        await read(inbox, person)

    @rx.event
    async def set_label(self, label_id: str) -> None:
        """Show the threads of leads with this label, or of all."""
        person = await client(self)
        inbox, found = await self.get_state(InboxState), await self.get_state(FoundState)
        found.label_id = label_id if label_id in {item.id for item in found.labels} else ""
        inbox._threads_shown = THREADS_PAGE
        await read(inbox, person)

    @rx.event
    async def toggle_label(self, label_id: str) -> None:
        """Put a label on the lead of the open thread, or take it off."""
        person = await client(self)
        inbox, found = await self.get_state(InboxState), await self.get_state(FoundState)
        is_on = any(item.is_on for item in found.thread_labels if item.id == label_id)
        try:
            async with session_of(person) as session:
                row = await queries.get_thread(session, tenant_of(person), id_of(inbox.thread.id))
                await leads.set_label(session, person, row.lead_id, id_of(label_id), on=not is_on)
        except PortalError as error:
            inbox.notice = error.message
        await read(inbox, person)
