"""Quiet hours of the company: the panel on the settings page and what it does. Owners set them, everybody sees them."""

from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.tenants import quiet_hours as setting
from tenant_portal.ui import live, routes
from tenant_portal.ui.components import button, notice_area, panel, text_input
from tenant_portal.ui.session_state import SessionState, client, form_text

USUAL = ("21:00", "08:00")
NO_ERRORS = {"quiet_from": "", "quiet_until": ""}


class QuietHoursState(rx.State):
    """The quiet hours, and the form that sets them. `round` begins a new form."""

    start: str = USUAL[0]
    end: str = USUAL[1]
    timezone: str = "UTC"
    are_on: bool = False
    wants: bool = False
    notice: str = ""
    tone: str = "good"
    errors: dict[str, str] = NO_ERRORS
    round: int = 0

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self.errors = "", dict(NO_ERRORS)
        await _read(self, person)
        await live.join(self, person, QuietHoursState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def choose(self, wants: bool) -> None:
        """Show the times, or not."""
        await client(self)
        self.wants = wants

    @rx.event
    async def save(self, form: dict[str, Any]) -> None:
        """Set them, or turn them off. What was typed stays where something is wrong."""
        person = await client(self)
        assert person.tenant_id is not None
        start, end = (form_text(form, name, 64) for name in ("quiet_from", "quiet_until"))
        self.notice, self.errors = "", dict(NO_ERRORS)
        try:
            async with tenant_session(person.tenant_id) as session:
                await setting.save(session, person, is_on=self.wants, start=start, end=end)
        except PortalError as error:
            if isinstance(error, BadInput) and error.field in self.errors:
                self.errors = {**self.errors, error.field: error.message}
            else:
                self.notice, self.tone = error.message, "bad"
            return
        self.notice, self.tone = "Saved.", "good"
        await _read(self, person)

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _read(state: QuietHoursState, person: Person) -> None:
    assert person.tenant_id is not None
    async with tenant_session(person.tenant_id) as session:
        found = await setting.read(session, person.tenant_id)
    start, end = (found.start, found.end) if found.are_on else USUAL
    shown = (start, end, found.timezone, found.are_on)
    # News about something else must not take away what is being typed.
    if state.round and shown == (state.start, state.end, state.timezone, state.are_on):
        return
    state.start, state.end, state.timezone, state.are_on = shown
    state.wants, state.round = found.are_on, state.round + 1


def quiet_hours() -> rx.Component:
    """The panel."""
    state = QuietHoursState
    said = rx.cond(state.are_on, "From " + state.start + " to " + state.end + ".", "There are none.")
    return panel(
        notice_area(state.notice, state.tone, state.close_notice),
        rx.cond(SessionState.is_owner, _form(), rx.el.p(said, margin="0")),
        title="Quiet hours",
        note="A message to somebody for whom it is night waits for the morning, unless its writer sends it now.",
    )


def _form() -> rx.Component:
    state = QuietHoursState
    tick = rx.el.label(
        rx.el.input(type="checkbox", name="is_on", default_checked=state.are_on, on_change=state.choose),
        rx.el.span("Keep quiet hours, by the clock of each person"),
        class_name="check",
    )
    return rx.el.form(
        tick,
        rx.cond(state.wants, _times()),
        rx.el.div(button("Save quiet hours", type="submit")),
        on_submit=state.save,
        key=state.round.to_string(),
        class_name="stack",
    )


def _times() -> rx.Component:
    state = QuietHoursState
    return rx.el.div(
        rx.el.div(
            text_input("From", "quiet_from", type="time", error=state.errors["quiet_from"], default_value=state.start),
            text_input("Until", "quiet_until", type="time", error=state.errors["quiet_until"], default_value=state.end),
            class_name="grid",
        ),
        rx.el.p(
            "Where a number does not say in which country or state it is, they count by the time in ",
            state.timezone,
            ". An owner sets it under ",
            rx.link("Insight", href=routes.INSIGHT, underline="always"),
            ".",
            class_name="field-hint",
            margin="0",
        ),
        class_name="stack",
    )
