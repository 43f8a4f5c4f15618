"""What the list of leads does."""

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.identity.queries import Person
from tenant_portal.leads import queries
from tenant_portal.leads.queries import PAGE
from tenant_portal.models.enums import Stage
from tenant_portal.ui import live
from tenant_portal.ui.pages.leads.items import LeadItem, lead_item
from tenant_portal.ui.session_state import client

MOST_LEADS = 300
LONGEST_SEARCH = 100


class LeadsState(rx.State):
    """The leads that fit the search."""

    rows: list[LeadItem] = []
    search: str = ""
    stage: str = ""
    has_more: bool = False
    is_loaded: bool = False
    _shown: int = PAGE

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
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
        person = await client(self)
        self.search, self._shown = search[:LONGEST_SEARCH], PAGE
        await _read(self, person)

    @rx.event
    async def set_stage(self, stage: str) -> None:
        """Only leads of one stage; empty for all."""
        person = await client(self)
        self.stage, self._shown = stage if stage in list(Stage) else "", PAGE
        await _read(self, person)

    @rx.event
    async def load_more(self) -> None:
        """More leads at the end."""
        person = await client(self)
        self._shown = min(self._shown + PAGE, MOST_LEADS)
        await _read(self, person)


async def _read(state: LeadsState, person: Person) -> None:
    assert person.tenant_id is not None
    shown, stage = state._shown, Stage(state.stage) if state.stage else None
    async with tenant_session(person.tenant_id) as session:
        rows = await queries.list_leads(session, person.tenant_id, search=state.search, stage=stage, limit=shown + 1)
    state.has_more = len(rows) > shown < MOST_LEADS
    items = [lead_item(row) for row in rows[:shown]]
    if items != state.rows:
        state.rows = items
