"""What the page of figures holds and does."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.insight import queries, rules, service
from tenant_portal.insight.queries import Figures, FiguresUnavailable
from tenant_portal.insight.rules import OWN
from tenant_portal.ui import live, routes
from tenant_portal.ui.pages.insight import items
from tenant_portal.ui.pages.insight.items import ChannelLine, PersonLine, StageLine, Tile
from tenant_portal.ui.session_state import client, form_text

USUAL = "30"


class InsightState(rx.State):
    """The figures of one period; filled by `load`. Not live: figures that jump while they are read tell nothing."""

    is_loaded: bool = False
    trouble: str = ""
    days: str = USUAL
    first: str = ""
    last: str = ""
    first_error: str = ""
    last_error: str = ""
    timezone: str = "UTC"
    timezone_error: str = ""
    may_change: bool = False
    compared: str = ""
    summary: str = ""
    is_empty: bool = False
    tiles: list[Tile] = []
    bars: list[dict[str, Any]] = []
    channels: list[ChannelLine] = []
    people: list[PersonLine] = []
    stages: list[StageLine] = []
    export_href: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened, or its figures are asked for again."""
        person = await client(self)
        self.may_change = person.role == "owner"
        self.timezone_error = ""
        await live.join(self, person)
        await _read(self, person)

    @rx.event
    async def choose_days(self, days: str) -> None:
        """The last 7, 30 or 90 days; `own` shows the two dates."""
        person = await client(self)
        self.first_error = self.last_error = ""
        self.days = days if days in rules.USUAL_DAYS or days == OWN else USUAL
        if self.days != OWN:
            await _read(self, person)

    @rx.event
    async def choose_own(self, form: dict[str, Any]) -> None:
        """From one date to another."""
        person = await client(self)
        first, last = form_text(form, "first", 10), form_text(form, "last", 10)
        self.first_error = self.last_error = ""
        try:
            rules.own_period(first, last, self.timezone)
        except BadInput as error:
            self.first_error = error.message if error.field == "first" else ""
            self.last_error = error.message if error.field == "last" else ""
            return
        self.days, self.first, self.last = OWN, first, last
        await _read(self, person)

    @rx.event
    async def set_timezone(self, zone: str) -> None:
        """Count days by another calendar, for everybody of the client."""
        person = await client(self)
        self.timezone_error = ""
        try:
            async with tenant_session(_tenant(person)) as session:
                await service.set_timezone(session, person, zone)
        except PortalError as error:
            self.timezone_error = error.message
            return
        await _read(self, person)


async def _read(state: InsightState, person: Person) -> None:
    tenant_id = _tenant(person)
    state.trouble = ""
    try:
        async with tenant_session(tenant_id) as session:
            state.timezone = await queries.timezone_of(session, tenant_id)
            period = rules.chosen(state.days, state.first, state.last, datetime.now(UTC), state.timezone)
            found = await queries.figures(session, tenant_id, period)
    except FiguresUnavailable as error:
        state.trouble = error.message
    else:
        _show(state, found)
    state.is_loaded = True


def _show(state: InsightState, found: Figures) -> None:
    period, before, totals = found.period, found.period.before(), found.totals
    state.first, state.last = period.first.isoformat(), period.last.isoformat()
    state.export_href = f"{routes.INSIGHT_EXPORT}?days={OWN}&first={state.first}&last={state.last}"
    state.compared = f"Compared with the {before.days} days from {_words(before.first)} to {_words(before.last)}."
    state.summary = (
        f"Messages from {_words(period.first)} to {_words(period.last)}:"
        f" {totals.messages_in} in, {totals.messages_out} out."
    )
    state.is_empty = not (found.traffic or totals.calls or any(stage.leads for stage in found.stages))
    state.tiles, state.bars = items.tiles(totals, found.before), items.bars(found)
    state.channels, state.people = items.channels(found), list(items.people(found))
    state.stages = items.stages(found)


def _words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _tenant(person: Person) -> UUID:
    assert person.tenant_id is not None
    return person.tenant_id
