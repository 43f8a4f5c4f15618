"""What the page of stages, labels and fields does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.leads import queries, setup
from tenant_portal.leads.rules import MAX_CHOICES, MAX_WORD
from tenant_portal.ui import live
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.pages.leads.items import ChoiceItem, LabelItem, label_item
from tenant_portal.ui.session_state import client, form_text

KIND_WORDS = {"open": "Open", "won": "Counts as won", "lost": "Counts as lost"}
FIELD_WORDS = {"text": "Text", "number": "Number", "date": "Date", "choice": "Choice"}
LONGEST_CHOICES = MAX_CHOICES * (MAX_WORD + 2)


@dataclass(frozen=True)
class StageItem:
    """A stage, and how many leads stand in it."""

    id: str
    name: str
    colour: str
    kind: str
    kind_word: str
    count: int
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class OwnFieldItem:
    """A field of the client's own; `choices` has one a line."""

    id: str
    name: str
    kind: str
    kind_word: str
    choices: str


class LeadSetupState(rx.State):
    """Stages, labels, fields and currency. `editing` is the id of what is being changed, `new-stage` and the like."""

    stages: list[StageItem] = []
    labels: list[LabelItem] = []
    fields: list[OwnFieldItem] = []
    currency: str = "USD"
    is_loaded: bool = False
    notice: str = ""
    tone: str = "good"
    editing: str = ""
    name_error: str = ""
    choices_error: str = ""
    new_kind: str = "text"
    doomed: str = ""
    doomed_name: str = ""
    doomed_count: int = 0
    goals: list[ChoiceItem] = []

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        _close(self)
        self.notice = ""
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, LeadSetupState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def open_form(self, what: str) -> None:
        """Open the form of a thing by its id, or of a new one by `new-stage`, `new-label`, `new-field`."""
        await client(self)
        _close(self)
        known = {one.id for one in (*self.stages, *self.labels, *self.fields)} | {"new-stage", "new-label", "new-field"}
        self.editing = what if what in known else ""

    @rx.event
    async def close_form(self) -> None:
        """Leave it as it was."""
        await client(self)
        _close(self)

    @rx.event
    async def save_stage(self, form: dict[str, Any]) -> None:
        """Add or change a stage."""
        person, of = await client(self), self.editing
        words = [form_text(form, name, MAX_WORD + 1) for name in ("name", "colour", "kind")]
        if of == "new-stage":
            await _try(self, person, lambda s: setup.add_stage(s, person, *words))
        else:
            await _try(self, person, lambda s: setup.change_stage(s, person, parse_id(of), *words))

    @rx.event
    async def shift_stage(self, stage_id: str, by: int) -> None:
        """Move a stage forward or back."""
        person = await client(self)
        await _try(self, person, lambda s: setup.shift_stage(s, person, parse_id(stage_id), int(by)))

    @rx.event
    async def ask_delete_stage(self, stage_id: str) -> None:
        """Ask before a stage is deleted, and where its leads go."""
        await client(self)
        _close(self)
        stage = next((one for one in self.stages if one.id == stage_id), None)
        if stage is not None:
            self.doomed, self.doomed_name, self.doomed_count = stage.id, stage.name, stage.count
            self.goals = [ChoiceItem(one.id, one.name) for one in self.stages if one.id != stage.id]

    @rx.event
    async def delete_stage(self, form: dict[str, Any]) -> None:
        """Delete the stage that was asked about."""
        person, of, goal = await client(self), self.doomed, form_text(form, "goal", 40)
        to = parse_id(goal) if goal else None
        await _try(self, person, lambda s: setup.delete_stage(s, person, parse_id(of), to), "The stage is deleted.")
        _close(self)

    @rx.event
    async def keep_stage(self, is_open: bool) -> None:
        """Do not delete it after all."""
        await client(self)
        if not is_open:
            _close(self)

    @rx.event
    async def save_label(self, form: dict[str, Any]) -> None:
        """Add or change a label."""
        person, of = await client(self), self.editing
        words = [form_text(form, name, MAX_WORD + 1) for name in ("name", "colour")]
        if of == "new-label":
            await _try(self, person, lambda s: setup.add_label(s, person, *words))
        else:
            await _try(self, person, lambda s: setup.change_label(s, person, parse_id(of), *words))

    @rx.event
    async def delete_label(self, label_id: str) -> None:
        """Delete a label."""
        person = await client(self)
        await _try(self, person, lambda s: setup.delete_label(s, person, parse_id(label_id)), "The label is deleted.")

    @rx.event
    async def choose_kind(self, kind: str) -> None:
        """What a new field is to hold."""
        await client(self)
        self.new_kind = kind if kind in FIELD_WORDS else "text"

    @rx.event
    async def save_field(self, form: dict[str, Any]) -> None:
        """Add or change a field."""
        person, of = await client(self), self.editing
        name, choices = form_text(form, "name", MAX_WORD + 1), form_text(form, "choices", LONGEST_CHOICES)
        if of == "new-field":
            await _try(self, person, lambda s: setup.add_field(s, person, name, self.new_kind, choices))
        else:
            await _try(self, person, lambda s: setup.change_field(s, person, parse_id(of), name, choices))

    @rx.event
    async def delete_field(self, field_id: str) -> None:
        """Delete a field with what leads hold in it."""
        person = await client(self)
        await _try(self, person, lambda s: setup.delete_field(s, person, parse_id(field_id)), "The field is deleted.")

    @rx.event
    async def set_currency(self, code: str) -> None:
        """The currency of all values."""
        person = await client(self)
        await _try(self, person, lambda s: setup.set_currency(s, person, code), "The currency is changed.")

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _close(state: LeadSetupState) -> None:
    state.editing = state.name_error = state.choices_error = state.doomed = ""
    state.new_kind = "text"


async def _try(
    state: LeadSetupState, person: Person, change: Callable[[Any], Awaitable[object]], done: str = ""
) -> None:
    state.notice = state.name_error = state.choices_error = ""
    assert person.tenant_id is not None
    try:
        async with tenant_session(person.tenant_id) as session:
            await change(session)
    except PortalError as error:
        field = error.field if isinstance(error, BadInput) else ""
        if field in {"name", "choices"}:
            setattr(state, f"{field}_error", error.message)
        else:
            state.notice, state.tone = error.message, "bad"
        return
    _close(state)
    state.notice, state.tone = done, "good"
    await _read(state, person)


async def _read(state: LeadSetupState, person: Person) -> None:
    tenant_id = person.tenant_id
    assert tenant_id is not None
    async with tenant_session(tenant_id) as session:
        stages = await queries.list_stages(session, tenant_id)
        counts = await queries.count_by_stage(session, tenant_id)
        labels, fields = await queries.list_labels(session, tenant_id), await queries.list_fields(session, tenant_id)
        state.currency = await queries.get_currency(session, tenant_id)
    state.stages = [
        StageItem(
            id=str(row.id),
            name=row.name,
            colour=row.colour.value,
            kind=row.kind.value,
            kind_word=KIND_WORDS[row.kind.value],
            count=counts.get(row.id, 0),
            is_first=row is stages[0],
            is_last=row is stages[-1],
        )
        for row in stages
    ]
    state.labels = [label_item(row) for row in labels]
    state.fields = [
        OwnFieldItem(str(row.id), row.name, row.kind.value, FIELD_WORDS[row.kind.value], "\n".join(row.choices))
        for row in fields
    ]
