"""What the composer does besides sending: replies kept ready, and messages that wait for their time."""

from datetime import UTC, datetime
from typing import Any

import reflex as rx

from tenant_portal.errors import BadInput, PortalError
from tenant_portal.inbox import canned, drafts, planned
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui.pages.inbox.items import PlannedItem, ReplyItem, counter_text
from tenant_portal.ui.pages.inbox.reading import id_of, read, session_of
from tenant_portal.ui.pages.inbox.state import LONGEST_BODY, InboxState
from tenant_portal.ui.session_state import client, form_text


class ComposerState(rx.State):
    """`editing` is the id of the planned message that is being changed."""

    replies: list[ReplyItem] = []
    editing: str = ""
    chosen: PlannedItem = PlannedItem()
    body_error: str = ""
    until_error: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        await client(self)
        self.replies = []
        _close(self)

    @rx.event
    async def find_replies(self, words: str) -> None:
        """Replies with these words, filled for the open thread."""
        person = await client(self)
        inbox = await self.get_state(InboxState)
        try:
            async with session_of(person) as session:
                found = await canned.find_replies(session, person, id_of(inbox.thread.id), words[:100])
            self.replies = [ReplyItem(str(one.id), one.name, one.body) for one in found]
        except PortalError:
            # The thread is gone, which the page itself says.
            self.replies = []

    @rx.event
    async def schedule(self, until: str, body: str) -> None:
        """Send the text of the field at that time."""
        person = await client(self)
        inbox = await self.get_state(InboxState)
        inbox.notice, body = "", body[:LONGEST_BODY]
        try:
            kind = ChannelKind(inbox._chosen) if inbox._chosen else None
            thread = id_of(inbox.thread.id)
            async with session_of(person) as session:
                await planned.schedule(session, person, thread, body, kind, until, datetime.now(UTC))
                await drafts.keep_draft(session, person, thread, "")
            _start_anew(inbox, "", sent=body)
        except PortalError as error:
            inbox.notice = error.message
        await read(inbox, person)

    @rx.event
    async def cancel(self, planned_id: str) -> None:
        """Do not send it. What was only held, or written and scheduled by the reader, comes back into the field."""
        person = await client(self)
        inbox = await self.get_state(InboxState)
        inbox.notice = ""
        try:
            async with session_of(person) as session:
                row = await planned.cancel(session, person, id_of(planned_id))
                is_text = row.author_id == person.user_id and not row.details
                if is_text and any(item.id == planned_id for item in inbox.planned):
                    thread = id_of(inbox.thread.id)
                    begun = await drafts.get_draft(session, person, thread)
                    text = f"{row.body}\n{begun}" if begun else row.body
                    await drafts.keep_draft(session, person, thread, text)
                    _start_anew(inbox, text)
        except PortalError as error:
            inbox.notice = error.message
        _close(self)
        await read(inbox, person)

    @rx.event
    async def edit(self, planned_id: str) -> None:
        """Open the form of a planned message."""
        await client(self)
        _close(self)
        inbox = await self.get_state(InboxState)
        self.chosen = next((one for one in inbox.planned if one.id == planned_id), PlannedItem())
        self.editing = self.chosen.id

    @rx.event
    async def close_form(self) -> None:
        """Leave it as it was."""
        await client(self)
        _close(self)

    @rx.event
    async def save(self, form: dict[str, Any]) -> None:
        """Another text or time."""
        person = await client(self)
        inbox = await self.get_state(InboxState)
        body, until, now = (
            form_text(form, "planned_body", LONGEST_BODY),
            form_text(form, "until", 40),
            datetime.now(UTC),
        )
        self.body_error = self.until_error = inbox.notice = ""
        try:
            async with session_of(person) as session:
                await planned.change(session, person, id_of(self.editing), body, until, now)
            _close(self)
        except BadInput as error:
            setattr(self, f"{error.field}_error", error.message)
        except PortalError as error:
            inbox.notice = error.message
            _close(self)
        await read(inbox, person)


def _close(state: ComposerState) -> None:
    state.editing = state.body_error = state.until_error = ""
    state.chosen = PlannedItem()


def _start_anew(inbox: InboxState, draft: str, *, sent: str = "") -> None:
    """Have the field begin with this text, after `sent` has left it."""
    inbox.draft, inbox.draft_round, inbox._sent = draft, inbox.draft_round + 1, sent.strip()
    inbox.counter = counter_text(draft, inbox.thread.channel)
