"""What the page of canned replies does."""

from collections.abc import Awaitable, Callable
from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import canned
from tenant_portal.inbox.rules import MAX_BODY
from tenant_portal.ui import live
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.inbox.items import ReplyItem
from tenant_portal.ui.session_state import client, form_text

NEW = "new"
GONE = "This reply does not exist."


class RepliesState(rx.State):
    """`editing` is the id of the reply that is being changed, or `new`."""

    replies: list[ReplyItem] = []
    is_loaded: bool = False
    editing: str = ""
    chosen: ReplyItem = ReplyItem()
    name_error: str = ""
    body_error: str = ""
    notice: str = ""
    tone: str = "good"

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        _close(self)
        self.notice = ""
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, RepliesState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def add(self) -> None:
        """Open the form of a new reply."""
        await client(self)
        _close(self)
        self.editing = NEW

    @rx.event
    async def edit(self, reply_id: str) -> None:
        """Open the form of a reply."""
        await client(self)
        _close(self)
        chosen = next((one for one in self.replies if one.id == reply_id), ReplyItem())
        self.editing, self.chosen = chosen.id, chosen

    @rx.event
    async def close_form(self) -> None:
        """Leave it as it was."""
        await client(self)
        _close(self)

    @rx.event
    async def save(self, form: dict[str, Any]) -> None:
        """Add or change a reply."""
        person, of = await client(self), self.editing
        name, body = form_text(form, "name", canned.MAX_NAME + 1), form_text(form, "body", MAX_BODY + 1)
        if of == NEW:
            await _try(self, person, lambda s: canned.add_reply(s, person, name, body), "The reply is added.")
        else:
            change = "The reply is changed."
            await _try(self, person, lambda s: canned.change_reply(s, person, parse_id(of, GONE), name, body), change)

    @rx.event
    async def delete(self, reply_id: str) -> None:
        """Delete a reply."""
        person = await client(self)
        await _try(
            self, person, lambda s: canned.delete_reply(s, person, parse_id(reply_id, GONE)), "The reply is deleted."
        )

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _close(state: RepliesState) -> None:
    state.editing = state.name_error = state.body_error = ""
    state.chosen = ReplyItem()


async def _try(state: RepliesState, person: Person, change: Callable[[Any], Awaitable[object]], done: str) -> None:
    state.notice = state.name_error = state.body_error = ""
    assert person.tenant_id is not None
    try:
        async with tenant_session(person.tenant_id) as session:
            await change(session)
    except BadInput as error:
        setattr(state, f"{error.field}_error", error.message)
        return
    except PortalError as error:
        state.notice, state.tone = error.message, "bad"
        return
    _close(state)
    state.notice, state.tone = done, "good"
    await _read(state, person)


async def _read(state: RepliesState, person: Person) -> None:
    assert person.tenant_id is not None
    async with tenant_session(person.tenant_id) as session:
        rows = await canned.list_replies(session, person.tenant_id)
    state.replies = [ReplyItem(str(row.id), row.name, row.body) for row in rows]
