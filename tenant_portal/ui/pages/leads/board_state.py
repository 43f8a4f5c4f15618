"""What the board of leads does."""

from dataclasses import dataclass, field, replace
from uuid import UUID

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.leads import queries, service
from tenant_portal.leads.queries import Due, LeadRow, Source, StageRow, StageSum
from tenant_portal.leads.rules import format_money
from tenant_portal.ui import live
from tenant_portal.ui.pages.leads.filters import LONGEST_SEARCH, Lists, is_filtered, known, read_filter
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.pages.leads.items import ChoiceItem, LeadItem, lead_item, member_choice
from tenant_portal.ui.session_state import client

COLUMN_PAGE = 20
# Further down a list is quicker than a board.
MOST_CARDS = 200


@dataclass(frozen=True)
class ColumnItem:
    """A stage with its first leads; `count` and `value` are of all that fit the filter."""

    id: str
    name: str
    colour: str
    count: str
    value: str
    has_more: bool = False
    cards: list[LeadItem] = field(default_factory=list)


class BoardState(rx.State):
    """The leads that fit the filter, by stage."""

    columns: list[ColumnItem] = []
    search: str = ""
    stage_id: str = ""
    owner_id: str = ""
    label_id: str = ""
    source: str = ""
    due: str = ""
    blocked: bool = False
    labels: list[ChoiceItem] = []
    members: list[ChoiceItem] = []
    is_loaded: bool = False
    filtered: bool = False
    notice: str = ""
    # How many cards a column shows, by the stage's id.
    _shown: dict[str, int] = {}

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self._shown = "", {}
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, BoardState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def find(self, search: str) -> None:
        """Only leads whose name or number holds these words."""
        person = await client(self)
        self.search = search[:LONGEST_SEARCH]
        await _read(self, person)

    @rx.event
    async def set_owner(self, owner_id: str) -> None:
        """Only leads of one person, or of nobody; empty for all."""
        person = await client(self)
        self.owner_id = owner_id
        await _read(self, person)

    @rx.event
    async def set_label(self, label_id: str) -> None:
        """Only leads with one label; empty for all."""
        person = await client(self)
        self.label_id = label_id
        await _read(self, person)

    @rx.event
    async def set_source(self, source: str) -> None:
        """Only leads that came one way; empty for all."""
        person = await client(self)
        self.source = known(source, Source)
        await _read(self, person)

    @rx.event
    async def set_due(self, due: str) -> None:
        """Only leads whose next step is due then; empty for all."""
        person = await client(self)
        self.due = known(due, Due)
        await _read(self, person)

    @rx.event
    async def move(self, lead_id: str, stage_id: str) -> None:
        """A card was put down in another column."""
        person = await client(self)
        self.notice = ""
        assert person.tenant_id is not None
        try:
            async with tenant_session(person.tenant_id) as session:
                await service.set_stage(session, person, parse_id(lead_id), parse_id(stage_id))
        except PortalError as error:
            self.notice = error.message
        await _read(self, person)

    @rx.event
    async def show_more(self, stage_id: str) -> None:
        """More cards in one column."""
        person = await client(self)
        if stage_id in {column.id for column in self.columns}:
            self._shown = {**self._shown, stage_id: min(_shown(self, stage_id) + COLUMN_PAGE, MOST_CARDS)}
        await _read(self, person)

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _shown(state: BoardState, stage_id: str) -> int:
    return state._shown.get(stage_id, COLUMN_PAGE)


async def _read(state: BoardState, person: Person) -> None:
    tenant_id = person.tenant_id
    assert tenant_id is not None
    cards: dict[UUID, list[LeadRow]] = {}
    async with tenant_session(tenant_id) as session:
        stages = await queries.list_stages(session, tenant_id)
        labels, members = await queries.list_labels(session, tenant_id), await list_members(session, tenant_id)
        wanted = read_filter(state, Lists(stages, labels, members))
        sums = await queries.sums_by_stage(session, tenant_id, wanted)
        currency = await queries.get_currency(session, tenant_id)
        for stage in stages:
            if stage.id in sums:
                inside, limit = replace(wanted, stage_id=stage.id), _shown(state, str(stage.id))
                cards[stage.id] = await queries.list_leads(session, tenant_id, inside, limit=limit)
    state.labels = [ChoiceItem(str(row.id), row.name) for row in labels]
    state.members = [member_choice(row) for row in members]
    state.filtered = is_filtered(state)
    columns = [_column(stage, sums.get(stage.id, StageSum()), cards.get(stage.id, []), currency) for stage in stages]
    if columns != state.columns:
        state.columns = columns


def _column(stage: StageRow, total: StageSum, rows: list[LeadRow], currency: str) -> ColumnItem:
    return ColumnItem(
        id=str(stage.id),
        name=stage.name,
        colour=stage.colour.value,
        count=f"{total.count:,}",
        value=format_money(total.value, currency) if total.value else "",
        has_more=len(rows) < min(total.count, MOST_CARDS),
        cards=[lead_item(row, currency) for row in rows],
    )
