"""The filter above the list and the board: what a browser says, read with suspicion, and how it looks."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import reflex as rx

from tenant_portal.identity.queries import Member
from tenant_portal.leads.queries import Due, Filter, LabelRow, Source, StageRow
from tenant_portal.ui.components import field
from tenant_portal.ui.pages.leads.items import ChoiceItem

SEARCH_MILLISECONDS = 200
LONGEST_SEARCH = 100
NOBODY = "nobody"
Word = TypeVar("Word", bound=StrEnum)
SOURCES = (
    ("", "Any source"),
    ("sms", "SMS"),
    ("whatsapp", "WhatsApp"),
    ("voicemail", "Voicemail"),
    ("ad", "Advertisement"),
    ("team", "Entered by your team"),
)
DUES = (
    ("", "Any time"),
    ("overdue", "Overdue"),
    ("today", "Today"),
    ("week", "Next seven days"),
    ("none", "No next step"),
)


class Lists:
    """What a tenant has to choose from."""

    def __init__(self, stages: Sequence[StageRow], labels: Sequence[LabelRow], members: Sequence[Member]) -> None:
        self.stages = {str(row.id): row for row in stages}
        self.labels = {str(row.id): row for row in labels}
        self.members = {str(row.user_id): row for row in members}


def read_filter(state: Any, lists: Lists) -> Filter:
    """The filter of a state with the vars of `FilterVars`; what is not there any more counts as not chosen."""
    state.stage_id = state.stage_id if state.stage_id in lists.stages else ""
    state.label_id = state.label_id if state.label_id in lists.labels else ""
    state.owner_id = state.owner_id if state.owner_id in lists.members or state.owner_id == NOBODY else ""
    return Filter(
        search=state.search,
        stage_id=_uuid(state.stage_id),
        owner_id=_uuid(state.owner_id) if state.owner_id != NOBODY else None,
        unowned=state.owner_id == NOBODY,
        label_id=_uuid(state.label_id),
        source=_word(Source, state.source),
        due=_word(Due, state.due),
        blocked=state.blocked,
    )


def known(word: str, of: type[StrEnum]) -> str:
    """The word, or "" where it is none of these."""
    return word if word in list(of) else ""


def is_filtered(state: Any) -> bool:
    """Whether anything but the search is chosen, or searched for."""
    chosen = (state.search, state.stage_id, state.owner_id, state.label_id, state.source, state.due)
    return any(chosen) or state.blocked


def _uuid(text: str) -> UUID | None:
    return UUID(text) if text else None


def _word(of: type[Word], text: str) -> Word | None:
    return of(text) if text else None


def search_box(state: Any) -> rx.Component:
    """Looks while one types."""
    box = rx.el.input(
        type="search",
        id="lead-search",
        name="search",
        placeholder="Name or number",
        default_value=state.search,
        auto_complete="off",
        on_change=state.find.debounce(SEARCH_MILLISECONDS),
        class_name="input",
    )
    return rx.el.div(field("Search", box, name="lead-search"), class_name="lead-filter-search")


def choice(label: str, name: str, value: Any, on_change: Any, *options: Any) -> rx.Component:
    """A choice list whose `options` may be an rx.foreach."""
    select = rx.el.select(*options, id=name, name=name, class_name="select", value=value, on_change=on_change)
    return field(label, select, name=name)


def option(item: rx.Var[ChoiceItem]) -> rx.Component:
    """An entry of such a list."""
    return rx.el.option(item.words, value=item.value)


def words(pairs: Sequence[tuple[str, str]]) -> list[rx.Component]:
    """Entries that never change."""
    return [rx.el.option(text, value=value) for value, text in pairs]


def filter_bar(state: Any, *more: rx.Component) -> rx.Component:
    """Search and choices; `more` goes after the search."""
    return rx.el.div(
        search_box(state),
        *more,
        choice(
            "Owner",
            "lead-owner",
            state.owner_id,
            state.set_owner,
            rx.el.option("Everybody", value=""),
            rx.el.option("Nobody", value=NOBODY),
            rx.foreach(state.members, option),
        ),
        choice(
            "Label",
            "lead-label",
            state.label_id,
            state.set_label,
            rx.el.option("Any label", value=""),
            rx.foreach(state.labels, option),
        ),
        choice("Source", "lead-source", state.source, state.set_source, *words(SOURCES)),
        choice("Next step", "lead-due", state.due, state.set_due, *words(DUES)),
        class_name="lead-filter",
        role="search",
    )
