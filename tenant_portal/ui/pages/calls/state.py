"""What the Calls page knows and does."""

from uuid import UUID

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.ui import live
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.calls.items import CallItem, call_item
from tenant_portal.ui.session_state import client
from tenant_portal.voicemail import queries, service

FILTERS = {"new": False, "handled": True, "all": None}
MOST_PAGES = 500
GONE = "This call does not exist."


class CallsState(rx.State):
    """A page of calls, the newest first."""

    calls: list[CallItem] = []
    filter: str = "new"
    open_count: int = 0
    has_older: bool = False
    has_newer: bool = False
    is_loaded: bool = False
    notice: str = ""
    # The call before which each page starts; the first page starts at the newest.
    _starts: list[str] = [""]

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self._starts = "", [""]
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, CallsState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def set_filter(self, value: str) -> None:
        """Show new calls, handled ones, or all."""
        person = await client(self)
        if value in FILTERS:
            self.filter, self._starts = value, [""]
            await _read(self, person)

    @rx.event
    async def older(self) -> None:
        """The next page."""
        person = await client(self)
        if self.has_older and len(self._starts) < MOST_PAGES:
            self._starts = [*self._starts, self.calls[-1].id]
            await _read(self, person)

    @rx.event
    async def newer(self) -> None:
        """The page before."""
        person = await client(self)
        self._starts = self._starts[:-1] or [""]
        await _read(self, person)

    @rx.event
    async def set_handled(self, call_id: str, is_handled: bool) -> None:
        """Somebody has looked after a call, or nobody has after all."""
        person = await client(self)
        self.notice = ""
        try:
            async with tenant_session(_tenant(person)) as session:
                await service.set_handled(session, person, parse_id(call_id, GONE), handled=is_handled)
        except PortalError as error:
            self.notice = error.message
        await _read(self, person)

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _read(state: CallsState, person: Person) -> None:
    start, tenant_id = state._starts[-1], _tenant(person)
    async with tenant_session(tenant_id) as session:
        rows = await queries.list_calls(
            session,
            tenant_id,
            handled=FILTERS[state.filter],
            before=UUID(start) if start else None,
            limit=queries.PAGE + 1,
        )
        state.open_count = await queries.count_open(session, tenant_id)
    items = [call_item(row) for row in rows[: queries.PAGE]]
    state.has_older, state.has_newer = len(rows) > queries.PAGE, len(state._starts) > 1
    if items != state.calls:
        state.calls = items


def _tenant(person: Person) -> UUID:
    assert person.tenant_id is not None
    return person.tenant_id
