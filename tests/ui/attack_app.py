"""The real web application with a few more states: what a careless page might look like."""

from typing import Any

import reflex as rx

from tenant_portal import asgi
from tenant_portal.ui import access, live
from tenant_portal.ui.access import Audience
from tenant_portal.ui.session_state import client, staff
from tests.ui.canary import SECRET


class VaultState(rx.State):
    """A client's page."""

    secret: str = ""
    ran: list[str] = []  # noqa: RUF012
    pokes: int = 0

    @rx.event
    async def load(self) -> None:
        """Shows what belongs to the client."""
        person = await client(self)
        self.secret = f"{SECRET}-{person.client}"
        await live.join(self, person, VaultState.poked)

    @rx.event
    async def poked(self) -> None:
        """What a live update calls."""
        person = await client(self)
        self.pokes += 1
        self.secret = f"{SECRET}-{person.client}-poked"

    @rx.event
    async def take_number(self, n: int, words: list[str], form: dict[str, Any]) -> None:
        """Tells which arguments came through."""
        await client(self)
        self.ran = [*self.ran, f"{type(n).__name__}-{type(words).__name__}-{type(form).__name__}"]

    @rx.event
    async def fail(self) -> None:
        """Fails with a secret in the error's text."""
        await client(self)
        raise ValueError(SECRET)


class BackOfficeState(rx.State):
    """A page of the staff, whose author forgot to check."""

    opened: str = ""

    @rx.event
    def open_books(self) -> None:
        """Shows what clients must not see."""
        self.opened = SECRET


class ForgottenState(rx.State):
    """A state nobody listed."""

    role: str = ""

    def helper_grant(self, role: str) -> None:
        """An undecorated helper: Reflex makes an event handler of it."""
        self.role = f"{SECRET}-{role}"


class CheckedStaffState(rx.State):
    """A staff page as it should be."""

    seen: str = ""

    @rx.event
    async def load(self) -> None:
        """Shows who looks."""
        self.seen = f"staff-{(await staff(self)).name}"


class PulseState(rx.State):
    """Answers always, so that a test knows when everything before it is done."""

    beats: int = 0

    @rx.event
    def beat(self) -> None:
        """One more."""
        self.beats += 1


access.AUDIENCES[PulseState] = Audience.SIGNED_IN
access.AUDIENCES[VaultState] = Audience.CLIENT
access.AUDIENCES[BackOfficeState] = Audience.STAFF
access.AUDIENCES[CheckedStaffState] = Audience.STAFF
create = asgi.create
