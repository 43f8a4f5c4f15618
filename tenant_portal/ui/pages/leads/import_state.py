"""What the page of imports does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.leads import importing, queries
from tenant_portal.leads.erasing import list_erasures
from tenant_portal.models.enums import ImportState
from tenant_portal.ui import live, routes
from tenant_portal.ui.pages.leads.erasures import ErasureItem, erasure_item
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.pages.leads.items import ChoiceItem
from tenant_portal.ui.session_state import client

PROBLEMS = {
    "too-large": "The file is too large. It may have 20 MB; split it.",
    "empty": "Choose a file that is not empty.",
    "busy": "Another file is being taken in. Wait until it is done.",
}
TARGET_WORDS = {
    "number": "Phone number",
    "name": "Name",
    "value": "Value",
    "stage": "Stage",
    "owner": "Owner (name or e-mail)",
    "labels": "Labels, with commas",
    "next_step": "Next step",
    "next_step_on": "Due on",
}
STATE_WORDS = {
    ImportState.READING: ("Being read", "info"),
    ImportState.MAPPING: ("Waits for you", "warn"),
    ImportState.CHECKING: ("Being checked", "info"),
    ImportState.READY: ("Waits for you", "warn"),
    ImportState.APPLYING: ("Being imported", "info"),
    ImportState.DONE: ("Imported", "good"),
    ImportState.UNDOING: ("Being undone", "info"),
    ImportState.UNDONE: ("Undone", "neutral"),
    ImportState.FAILED: ("Failed", "bad"),
}


@dataclass(frozen=True)
class ColumnItem:
    """A column of the file: what it is to be, and what stands in it first."""

    place: int
    name: str
    target: str
    sample: str


@dataclass(frozen=True)
class ImportItem:
    """A file and how far it is; `percent` is of the reading or checking that is under way."""

    id: str = ""
    name: str = ""
    state: str = ""
    word: str = ""
    tone: str = "info"
    who: str = ""
    at: str = ""
    outcome: str = ""
    total: str = ""
    good: str = ""
    bad: int = 0
    percent: int = 0
    errors_href: str = ""
    columns: list[ColumnItem] = field(default_factory=list)


class LeadImportState(rx.State):
    """The files of leads of this client, and whom it has deleted; the file that waits for a person is `current`."""

    erasures: list[ErasureItem] = []
    imports: list[ImportItem] = []
    current: ImportItem = ImportItem()
    targets: list[ChoiceItem] = []
    is_loaded: bool = False
    notice: str = ""
    tone: str = "good"
    mapping_error: str = ""
    # What was chosen for the columns of `current` and not yet handed in.
    _chosen: dict[str, str] = {}

    @rx.event
    async def load(self) -> None:
        """The page was opened, perhaps by an upload that was refused."""
        person = await client(self)
        problem = self.router.page.params.get("problem", "")
        self.notice, self.tone = PROBLEMS.get(problem if isinstance(problem, str) else "", ""), "bad"
        self.mapping_error, self._chosen = "", {}
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, LeadImportState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def choose_target(self, place: int, target: str) -> None:
        """Say what a column is."""
        person = await client(self)
        if target in {one.value for one in self.targets}:
            self._chosen = {**self._chosen, str(int(place)): target}
        await _read(self, person)

    @rx.event
    async def check(self) -> None:
        """Have all rows looked at."""
        person = await client(self)
        mapping = [column.target for column in self.current.columns]
        await _try(
            self, person, lambda s: importing.set_mapping(s, person, parse_id(self.current.id), mapping), field=True
        )

    @rx.event
    async def remap(self) -> None:
        """Change what the columns are once more."""
        person = await client(self)
        self.current = ImportItem(**{**vars(self.current), "state": ImportState.MAPPING.value})
        self._chosen = {**self._chosen, "again": self.current.id}
        await _read(self, person)

    @rx.event
    async def confirm(self) -> None:
        """Make leads of the good rows."""
        person = await client(self)
        await _try(self, person, lambda s: importing.confirm(s, person, parse_id(self.current.id)))

    @rx.event
    async def undo(self, import_id: str) -> None:
        """Take the leads of a file away again."""
        person = await client(self)
        await _try(self, person, lambda s: importing.undo(s, person, parse_id(import_id)))

    @rx.event
    async def discard(self, import_id: str) -> None:
        """Forget a file."""
        person = await client(self)
        await _try(self, person, lambda s: importing.discard(s, person, parse_id(import_id)))

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _try(
    state: LeadImportState, person: Person, change: Callable[[Any], Awaitable[object]], *, field: bool = False
) -> None:
    state.notice = state.mapping_error = ""
    assert person.tenant_id is not None
    try:
        async with tenant_session(person.tenant_id) as session:
            await change(session)
        state._chosen = {}
    except PortalError as error:
        if field:
            state.mapping_error = error.message
        else:
            state.notice, state.tone = error.message, "bad"
    await _read(state, person)


async def _read(state: LeadImportState, person: Person) -> None:
    tenant_id = person.tenant_id
    assert tenant_id is not None
    async with tenant_session(tenant_id) as session:
        rows, erasures = await importing.list_imports(session, tenant_id), await list_erasures(session, tenant_id)
        fields = await queries.list_fields(session, tenant_id)
        current = next((row for row in rows if row.state in {ImportState.MAPPING, ImportState.READY}), None)
        samples = await importing.preview(session, tenant_id, current.id) if current else []
    own = [ChoiceItem(f"field:{one.id}", one.name) for one in fields]
    state.targets = [
        ChoiceItem("", "Leave out"),
        *(ChoiceItem(word, text) for word, text in TARGET_WORDS.items()),
        *own,
    ]
    state.imports = [_item(row) for row in rows]
    state.erasures = [erasure_item(row) for row in erasures]
    state.current = _current(state, current, samples) if current else ImportItem()


def _current(state: LeadImportState, row: Any, samples: list[list[str]]) -> ImportItem:
    item, chosen = _item(row), state._chosen
    columns = [
        ColumnItem(
            place,
            name,
            chosen.get(str(place), row.mapping[place]),
            next((cells[place] for cells in samples if place < len(cells) and cells[place]), "")[:60],
        )
        for place, name in enumerate(row.columns)
    ]
    again = chosen.get("again") == item.id
    shown = ImportState.MAPPING.value if again else item.state
    return ImportItem(**{**vars(item), "columns": columns, "state": shown})


def _item(row: Any) -> ImportItem:
    word, tone = STATE_WORDS[row.state]
    is_checked = row.state not in {ImportState.READING, ImportState.MAPPING, ImportState.CHECKING}
    return ImportItem(
        id=str(row.id),
        name=row.file_name,
        state=row.state.value,
        word=word,
        tone=tone,
        who=row.actor_name,
        at=row.created_at.isoformat(),
        outcome=row.outcome,
        total=f"{row.total:,}",
        good=f"{row.good:,}",
        bad=row.total - row.good if is_checked and row.state is not ImportState.FAILED else 0,
        percent=100 * row.checked // row.total if row.state is ImportState.CHECKING and row.total else 0,
        errors_href=routes.import_errors(row.id),
    )
