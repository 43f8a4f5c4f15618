"""What the list of leads does."""

from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.leads import queries, service
from tenant_portal.leads.queries import PAGE, Cursor, Due, Sort, Source
from tenant_portal.leads.rules import MAX_NAME
from tenant_portal.ui import live, routes
from tenant_portal.ui.pages.leads.filters import LONGEST_SEARCH, Lists, is_filtered, known, read_filter
from tenant_portal.ui.pages.leads.items import ChoiceItem, LeadItem, lead_item, member_choice, stage_choice
from tenant_portal.ui.session_state import client, form_text


class LeadsState(rx.State):
    """A page of the leads that fit the filter."""

    rows: list[LeadItem] = []
    search: str = ""
    stage_id: str = ""
    owner_id: str = ""
    label_id: str = ""
    source: str = ""
    due: str = ""
    blocked: bool = False
    sort: str = Sort.NEWEST.value
    stages: list[ChoiceItem] = []
    labels: list[ChoiceItem] = []
    members: list[ChoiceItem] = []
    page_number: int = 1
    has_more: bool = False
    is_loaded: bool = False
    filtered: bool = False
    is_adding: bool = False
    number_error: str = ""
    name_error: str = ""
    # Where each page after the first starts.
    _cursors: list[Cursor] = []

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.is_adding, self.number_error, self.name_error = False, "", ""
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, LeadsState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def find(self, search: str) -> None:
        """Only leads whose name or number holds these words."""
        await _choose(self, await client(self), search=search[:LONGEST_SEARCH])

    @rx.event
    async def set_stage(self, stage_id: str) -> None:
        """Only leads of one stage; empty for all."""
        await _choose(self, await client(self), stage_id=stage_id)

    @rx.event
    async def set_owner(self, owner_id: str) -> None:
        """Only leads of one person, or of nobody; empty for all."""
        await _choose(self, await client(self), owner_id=owner_id)

    @rx.event
    async def set_label(self, label_id: str) -> None:
        """Only leads with one label; empty for all."""
        await _choose(self, await client(self), label_id=label_id)

    @rx.event
    async def set_source(self, source: str) -> None:
        """Only leads that came one way; empty for all."""
        await _choose(self, await client(self), source=known(source, Source))

    @rx.event
    async def set_due(self, due: str) -> None:
        """Only leads whose next step is due then; empty for all."""
        await _choose(self, await client(self), due=known(due, Due))

    @rx.event
    async def show_blocked(self, blocked: bool) -> None:
        """The block list instead of everybody else."""
        await _choose(self, await client(self), blocked=bool(blocked))

    @rx.event
    async def order(self, sort: str) -> None:
        """Another order."""
        await _choose(self, await client(self), sort=known(sort, Sort) or Sort.NEWEST.value)

    @rx.event
    async def next_page(self) -> None:
        """The leads after these."""
        person = await client(self)
        await _read(self, person, turn=1)

    @rx.event
    async def previous_page(self) -> None:
        """The leads before these."""
        person = await client(self)
        await _read(self, person, turn=-1)

    @rx.event
    async def open_add(self, is_open: bool) -> None:
        """Open or close the form for a new lead."""
        await client(self)
        self.is_adding, self.number_error, self.name_error = bool(is_open), "", ""

    @rx.event
    async def add(self, form: dict[str, Any]) -> Any:
        """Enter a lead by hand, and go to its page."""
        person = await client(self)
        self.number_error = self.name_error = ""
        assert person.tenant_id is not None
        try:
            async with tenant_session(person.tenant_id) as session:
                number, name = form_text(form, "number", 60), form_text(form, "name", MAX_NAME + 1)
                lead_id = await service.create(session, person, number, name)
        except BadInput as error:
            setattr(self, f"{error.field}_error", error.message)
            return None
        self.is_adding = False
        return rx.redirect(routes.lead(lead_id))


async def _choose(state: LeadsState, person: Person, **chosen: Any) -> None:
    for name, value in chosen.items():
        setattr(state, name, value)
    state._cursors = []
    await _read(state, person)


async def _read(state: LeadsState, person: Person, *, turn: int = 0) -> None:
    tenant_id = person.tenant_id
    assert tenant_id is not None
    async with tenant_session(tenant_id) as session:
        lists = Lists(
            await queries.list_stages(session, tenant_id),
            await queries.list_labels(session, tenant_id),
            await list_members(session, tenant_id),
        )
        wanted, cursors = read_filter(state, lists), list(state._cursors)
        if turn < 0:
            cursors = cursors[:-1]
        sort, limit = Sort(state.sort), PAGE + 1
        after = cursors[-1] if cursors else None
        rows = await queries.list_leads(session, tenant_id, wanted, sort=sort, after=after, limit=limit)
        if turn > 0 and len(rows) > PAGE:
            cursors.append(rows[PAGE - 1].cursor)
            rows = await queries.list_leads(session, tenant_id, wanted, sort=sort, after=cursors[-1], limit=limit)
        currency = await queries.get_currency(session, tenant_id)
    state._cursors, state.page_number = cursors, len(cursors) + 1
    state.stages = [stage_choice(row) for row in lists.stages.values()]
    state.labels = [ChoiceItem(str(row.id), row.name) for row in lists.labels.values()]
    state.members = [member_choice(row) for row in lists.members.values()]
    state.has_more, state.filtered = len(rows) > PAGE, is_filtered(state)
    items = [lead_item(row, currency) for row in rows[:PAGE]]
    if items != state.rows:
        state.rows = items
