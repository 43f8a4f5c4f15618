"""What the page of one lead does."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, NotFound, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import queries as inbox
from tenant_portal.leads import queries, service
from tenant_portal.leads.queries import LeadRow
from tenant_portal.leads.rules import MAX_NAME, MAX_NOTE
from tenant_portal.ui import live
from tenant_portal.ui.pages.leads.items import (
    LeadItem,
    LineItem,
    NoteItem,
    UseItem,
    lead_item,
    line_item,
    note_item,
    use_item,
)
from tenant_portal.ui.session_state import client, form_text

LATEST = 5


class LeadState(rx.State):
    """One lead with its notes and channels."""

    lead: LeadItem = LeadItem()
    notes: list[NoteItem] = []
    uses: list[UseItem] = []
    lines: list[LineItem] = []
    is_loaded: bool = False
    is_missing: bool = False
    notice: str = ""
    tone: str = "good"
    name_error: str = ""
    note_error: str = ""
    note_draft: str = ""
    note_round: int = 0

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice = self.name_error = self.note_error = self.note_draft = ""
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, LeadState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def rename(self, form: dict[str, Any]) -> None:
        """Give the lead a name of our own."""
        person, name = await client(self), form_text(form, "name", MAX_NAME + 1)
        await _try(
            self, person, lambda session: service.rename(session, person, _id(self.lead.id), name), "Name saved."
        )

    @rx.event
    async def set_stage(self, stage: str) -> None:
        """Move the lead to another stage."""
        person = await client(self)
        await _try(
            self, person, lambda session: service.set_stage(session, person, _id(self.lead.id), stage), "Stage saved."
        )

    @rx.event
    async def add_note(self, form: dict[str, Any]) -> None:
        """Write a note. The browser has emptied the field; a refused text comes back."""
        person, body = await client(self), form_text(form, "note", MAX_NOTE + 1)
        done = await _try(self, person, lambda session: service.add_note(session, person, _id(self.lead.id), body))
        self.note_draft = "" if done else body
        self.note_round += 0 if done else 1

    @rx.event
    async def delete_note(self, note_id: str) -> None:
        """Delete a note of one's own."""
        person = await client(self)
        await _try(self, person, lambda session: service.delete_note(session, person, _id(note_id)), "Note deleted.")

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _try(state: LeadState, person: Person, change: Callable[[Any], Awaitable[object]], done: str = "") -> bool:
    state.notice = state.name_error = state.note_error = ""
    try:
        async with tenant_session(_tenant(person)) as session:
            await change(session)
        state.notice, state.tone = done, "good"
    except PortalError as error:
        _tell(state, error)
        return False
    await _read(state, person)
    return True


def _tell(state: LeadState, error: PortalError) -> None:
    field = error.field if isinstance(error, BadInput) else None
    if field == "name":
        state.name_error = error.message
    elif field == "note":
        state.note_error = error.message
    else:
        state.notice, state.tone = error.message, "bad"


async def _read(state: LeadState, person: Person) -> None:
    tenant_id, wanted = _tenant(person), getattr(state, "lead_id", "")
    async with tenant_session(tenant_id) as session:
        try:
            row = await queries.get_lead(session, tenant_id, _id(wanted))
        except NotFound:
            state.is_missing, state.lead = True, LeadItem()
            state.notes, state.uses, state.lines = [], [], []
            return
        notes = await queries.list_notes(session, tenant_id, row.id)
        uses, messages = await _exchanged(session, tenant_id, row)
    state.is_missing, state.lead = False, lead_item(row)
    state.uses = [use_item(use) for use in uses]
    state.lines = [line_item(message, state.lead.name) for message in reversed(messages)]
    state.notes = [note_item(note, person.user_id) for note in notes]


async def _exchanged(
    session: Any, tenant_id: UUID, row: LeadRow
) -> tuple[list[queries.ChannelUse], list[inbox.MessageRow]]:
    if row.conversation_id is None:
        return [], []
    uses = await queries.channels_used(session, tenant_id, row.conversation_id)
    return uses, await inbox.list_messages(session, tenant_id, row.conversation_id, limit=LATEST)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("This lead does not exist.") from None


def _tenant(person: Person) -> UUID:
    assert person.tenant_id is not None
    return person.tenant_id
