"""What the settings of notifications hold and do. Whether a browser may notify is known to that browser alone."""

from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput
from tenant_portal.identity.queries import Person
from tenant_portal.inbox.notifying import Choice, get_choice, keep_choice
from tenant_portal.models.enums import Told
from tenant_portal.ui.session_state import client, form_text


class NotificationsState(rx.State):
    """A cache of the reader's own choice."""

    is_loaded: bool = False
    threads: str = Told.MINE.value
    shows_text: bool = True
    plays_sound: bool = True
    notice: str = ""
    error: str = ""

    @rx.event
    async def load(self) -> None:
        """The settings were opened."""
        person = await client(self)
        self.notice = self.error = ""
        await _read(self, person)

    @rx.event
    async def save(self, form: dict[str, Any]) -> None:
        """Keep what was chosen, for all browsers of this person."""
        person = await client(self)
        self.notice = self.error = ""
        try:
            choice = _choice(form)
        except BadInput as error:
            self.error = error.message
            return
        async with _session(person) as session:
            await keep_choice(session, person, choice)
        await _read(self, person)
        self.notice = "Your notifications are saved."

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _choice(form: dict[str, Any]) -> Choice:
    threads = form_text(form, "threads", 10)
    if threads not in list(Told):
        raise BadInput("Choose one of the three.", field="threads")
    is_ticked = {name: form_text(form, name, 5) == "on" for name in ("shows_text", "plays_sound")}
    return Choice(threads=Told(threads), **is_ticked)


async def _read(state: NotificationsState, person: Person) -> None:
    async with _session(person) as session:
        choice = await get_choice(session, person)
    state.threads, state.shows_text, state.plays_sound = choice.threads.value, choice.shows_text, choice.plays_sound
    state.is_loaded = True


def _session(person: Person) -> Any:
    assert person.tenant_id is not None
    return tenant_session(person.tenant_id)
