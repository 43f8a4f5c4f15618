"""What the page of one lead does."""

from collections.abc import Awaitable, Callable
from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.leads import erasing, merging, queries, service
from tenant_portal.leads.rules import MAX_NAME, MAX_NEXT_STEP, MAX_NOTE, MAX_TEXT, FieldErrors
from tenant_portal.leads.service import LeadForm
from tenant_portal.leads.timeline import PAGE
from tenant_portal.ui import live, routes
from tenant_portal.ui.pages.leads.detail_reading import MergeItem, read_lead
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.pages.leads.items import ChoiceItem, FieldItem, LabelItem, LeadItem, UseItem, lead_item
from tenant_portal.ui.pages.leads.moments import MomentItem
from tenant_portal.ui.session_state import client, form_text

MOST_MOMENTS = 600
CANDIDATES = 5
FORM_FIELDS = ("name", "value", "next_step", "next_step_on")
NO_ERRORS = dict.fromkeys((*FORM_FIELDS, "note"), "")


class LeadState(rx.State):
    """One lead with everything that happened."""

    lead: LeadItem = LeadItem()
    stages: list[ChoiceItem] = []
    members: list[ChoiceItem] = []
    labels: list[LabelItem] = []
    fields: list[FieldItem] = []
    moments: list[MomentItem] = []
    has_older: bool = False
    uses: list[UseItem] = []
    merges: list[MergeItem] = []
    candidates: list[LeadItem] = []
    looked_for: str = ""
    is_loaded: bool = False
    is_missing: bool = False
    notice: str = ""
    tone: str = "good"
    # A sentence for each field of the form, by its name; own fields by their id.
    errors: dict[str, str] = NO_ERRORS
    form_round: int = 0
    note_draft: str = ""
    note_round: int = 0
    _shown: int = PAGE

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice = self.note_draft = self.looked_for = ""
        self.candidates, self._shown = [], PAGE
        await read_lead(self, person, self._shown)
        self.errors = _no_errors(self)
        self.is_loaded = True
        await live.join(self, person, LeadState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await read_lead(self, await client(self), self._shown)

    @rx.event
    async def load_older(self) -> None:
        """More of the timeline."""
        person = await client(self)
        self._shown = min(self._shown + PAGE, MOST_MOMENTS)
        await read_lead(self, person, self._shown)

    @rx.event
    async def edit(self, form: dict[str, Any]) -> None:
        """Change what the team knows of the lead. What was typed stays in the form where something is wrong."""
        person = await client(self)
        longest = max(MAX_NAME, MAX_NEXT_STEP) + 1
        texts = {name: form_text(form, name, longest) for name in FORM_FIELDS}
        own = {one.id: form_text(form, f"field-{one.id}", MAX_TEXT + 1) for one in self.fields}
        done = await _try(
            self,
            person,
            lambda s: service.edit(s, person, parse_id(self.lead.id), LeadForm(**texts, fields=own)),
            "Saved.",
        )
        self.form_round += 1 if done else 0

    @rx.event
    async def set_stage(self, stage_id: str) -> None:
        """Move the lead to another stage."""
        person = await client(self)
        await _try(self, person, lambda s: service.set_stage(s, person, parse_id(self.lead.id), parse_id(stage_id)))

    @rx.event
    async def set_owner(self, owner_id: str) -> None:
        """Give the lead to somebody of the team, or to nobody."""
        person = await client(self)
        await _try(
            self,
            person,
            lambda s: service.set_owner(s, person, parse_id(self.lead.id), parse_id(owner_id) if owner_id else None),
        )

    @rx.event
    async def toggle_label(self, label_id: str) -> None:
        """Put a label on, or take it off."""
        person = await client(self)
        on = not any(label.is_on for label in self.labels if label.id == label_id)
        await _try(
            self, person, lambda s: service.set_label(s, person, parse_id(self.lead.id), parse_id(label_id), on=on)
        )

    @rx.event
    async def set_blocked(self, blocked: bool) -> None:
        """Block the lead, or let it through again."""
        person = await client(self)
        words = "Blocked. What they send is kept, and stays quiet." if blocked else "Unblocked."
        await _try(
            self, person, lambda s: service.set_blocked(s, person, parse_id(self.lead.id), blocked=bool(blocked)), words
        )

    @rx.event
    async def add_note(self, form: dict[str, Any]) -> None:
        """Write a note. The browser has emptied the field; a refused text comes back."""
        person, body = await client(self), form_text(form, "note", MAX_NOTE + 1)
        done = await _try(self, person, lambda s: service.add_note(s, person, parse_id(self.lead.id), body))
        self.note_draft = "" if done else body
        self.note_round += 0 if done else 1

    @rx.event
    async def delete_note(self, note_id: str) -> None:
        """Delete a note of one's own."""
        person = await client(self)
        await _try(self, person, lambda s: service.delete_note(s, person, parse_id(note_id)), "Note deleted.")

    @rx.event
    async def find_twin(self, search: str) -> None:
        """Look for the same person among the other leads."""
        person = await client(self)
        self.looked_for = search.strip()[:100]
        await _find(self, person)

    @rx.event
    async def merge(self, lead_id: str) -> None:
        """Put another lead into this one."""
        person = await client(self)
        done = await _try(
            self, person, lambda s: merging.merge(s, person, parse_id(self.lead.id), parse_id(lead_id)), "Merged."
        )
        if done:
            self.looked_for, self.candidates = "", []

    @rx.event
    async def undo_merge(self, merge_id: str) -> None:
        """Make two leads of this one again."""
        person = await client(self)
        await _try(self, person, lambda s: merging.undo(s, person, parse_id(merge_id)), "They are two leads again.")

    @rx.event
    async def erase(self) -> Any:
        """Delete this person and everything that is kept of them; then to where one sees how far it is."""
        person = await client(self)
        self.notice = ""
        assert person.tenant_id is not None
        try:
            async with tenant_session(person.tenant_id) as session:
                await erasing.erase(session, person, parse_id(self.lead.id))
        except PortalError as error:
            self.notice, self.tone = error.message, "bad"
            return None
        return rx.redirect(routes.LEADS_IMPORT)

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _no_errors(state: LeadState) -> dict[str, str]:
    return {**NO_ERRORS, **dict.fromkeys((one.id for one in state.fields), "")}


async def _try(state: LeadState, person: Person, change: Callable[[Any], Awaitable[object]], done: str = "") -> bool:
    state.notice, state.errors = "", _no_errors(state)
    assert person.tenant_id is not None
    try:
        async with tenant_session(person.tenant_id) as session:
            await change(session)
        state.notice, state.tone = done, "good"
    except PortalError as error:
        _tell(state, error)
        return False
    await read_lead(state, person, state._shown)
    return True


def _tell(state: LeadState, error: PortalError) -> None:
    if isinstance(error, FieldErrors):
        state.errors = {**state.errors, **error.fields}
    elif isinstance(error, BadInput) and error.field in state.errors:
        state.errors = {**state.errors, error.field: error.message}
    else:
        state.notice, state.tone = error.message, "bad"


async def _find(state: LeadState, person: Person) -> None:
    if not state.looked_for:
        state.candidates = []
        return
    assert person.tenant_id is not None
    async with tenant_session(person.tenant_id) as session:
        wanted = queries.Filter(search=state.looked_for)
        rows = await queries.list_leads(session, person.tenant_id, wanted, limit=CANDIDATES + 1)
        currency = await queries.get_currency(session, person.tenant_id)
    others = [row for row in rows if str(row.id) != state.lead.id]
    state.candidates = [lead_item(row, currency) for row in others[:CANDIDATES]]
