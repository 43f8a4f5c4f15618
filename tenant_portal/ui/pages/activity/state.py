"""What the page of activity holds and does."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import reflex as rx

from tenant_portal.audit import queries
from tenant_portal.audit.queries import OTHERS, Entry, Mark, narrowing_of
from tenant_portal.audit.rules import action_words, kind_words
from tenant_portal.db import tenant_session
from tenant_portal.identity.queries import Person
from tenant_portal.identity.team import refuse_all_but_owners
from tenant_portal.ui import routes
from tenant_portal.ui.session_state import client

PAGE = 50
MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the trail."""

    id: str
    at: str
    who: str
    what: str
    about: str
    href: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to narrow by."""

    value: str
    words: str


class ActivityState(rx.State):
    """A page of the trail; filled by `load`."""

    is_loaded: bool = False
    is_owner: bool = False
    lines: list[Line] = []
    people: list[Choice] = []
    kinds: list[Choice] = []
    person: str = ""
    kind: str = ""
    has_more: bool = False
    _last_at: str = ""
    _last_id: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.person = self.kind = ""
        self.is_owner = person.role == "owner"
        if self.is_owner:
            await _read_choices(self, person)
            await _read(self, person)
        self.is_loaded = True

    @rx.event
    async def choose_person(self, person: str) -> None:
        """Only what this person did; empty for everybody."""
        owner = await client(self)
        self.person = person[:40]
        await _read(self, owner)

    @rx.event
    async def choose_kind(self, kind: str) -> None:
        """Only one kind of things; empty for all."""
        owner = await client(self)
        self.kind = kind[:60]
        await _read(self, owner)

    @rx.event
    async def load_more(self) -> None:
        """Older lines at the end."""
        owner = await client(self)
        if self._last_id:
            before = Mark(datetime.fromisoformat(self._last_at), UUID(self._last_id))
            await _read(self, owner, before)


async def _read_choices(state: ActivityState, person: Person) -> None:
    tenant_id = refuse_all_but_owners(person)
    async with tenant_session(tenant_id) as session:
        doers = await queries.list_doers(session, tenant_id)
        kinds = await queries.list_kinds(session, tenant_id)
    state.people = [*(Choice(str(one.user_id), one.name) for one in doers), Choice(OTHERS, "Agency and portal")]
    state.kinds = sorted((Choice(kind, kind_words(kind)) for kind in kinds), key=lambda choice: choice.words)


async def _read(state: ActivityState, person: Person, before: Mark | None = None) -> None:
    tenant_id = refuse_all_but_owners(person)
    narrowing = narrowing_of(state.person, state.kind)
    async with tenant_session(tenant_id) as session:
        found = await queries.latest(session, tenant_id, narrowing=narrowing, before=before, limit=PAGE + 1)
    kept = state.lines if before else []
    state.lines = [*kept, *map(_line, found[:PAGE])]
    state.has_more = len(found) > PAGE and len(state.lines) < MOST_LINES
    last = found[:PAGE][-1].mark if found else before
    state._last_at, state._last_id = (last.at.isoformat(), str(last.id)) if last else ("", "")


def _line(entry: Entry) -> Line:
    is_lead = entry.action.startswith("lead:") and _is_id(entry.subject)
    return Line(
        str(entry.id),
        entry.at.isoformat(),
        entry.actor_name or "The portal",
        action_words(entry.action),
        "Open the lead" if is_lead else entry.subject,
        routes.lead(entry.subject) if is_lead else "",
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
