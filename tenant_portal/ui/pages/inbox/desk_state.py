"""What is done with whole threads: the open one, or all that are picked in the list."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import organise, reading
from tenant_portal.ui.pages.inbox.reading import id_of, read, session_of
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.session_state import client

Change = Callable[[Any, Person, Sequence[UUID]], Awaitable[Any]]


class DeskState(rx.State):
    """Which threads are picked. What is done with them is in the thread, so nothing is confirmed but failures."""

    picked: list[str] = []
    notice: str = ""

    @rx.event
    async def load(self) -> None:
        """Nothing is picked on a page that was opened anew."""
        await client(self)
        self.picked, self.notice = [], ""

    @rx.event
    async def close(self, conversation_id: str) -> None:
        """Close a thread."""
        await _do(self, await client(self), [conversation_id], organise.close)

    @rx.event
    async def reopen(self, conversation_id: str) -> None:
        """Open a thread again."""
        await _do(self, await client(self), [conversation_id], organise.reopen)

    @rx.event
    async def assign(self, conversation_id: str, user_id: str) -> None:
        """Give a thread to somebody of the team; to nobody for an empty id."""
        await _do(self, await client(self), [conversation_id], _assigning(user_id))

    @rx.event
    async def snooze(self, conversation_id: str, until: str) -> None:
        """Put a thread out of sight until then."""
        await _do(self, await client(self), [conversation_id], _snoozing(until))

    @rx.event
    async def mark_unread(self, conversation_id: str) -> None:
        """Leave a thread for later: it is unread until it is opened again."""
        person = await client(self)
        await _do(self, person, [conversation_id], reading.mark_unread)

    @rx.event
    async def pick(self, conversation_id: str) -> None:
        """Pick a thread, or let it go."""
        await client(self)
        others = [one for one in self.picked if one != conversation_id]
        shown = {item.id for item in (await self.get_state(InboxState)).threads}
        is_new = others == self.picked and conversation_id in shown
        self.picked = [*others, conversation_id] if is_new else others

    @rx.event
    async def pick_all(self) -> None:
        """Pick all threads that the list shows."""
        await client(self)
        self.picked = [item.id for item in (await self.get_state(InboxState)).threads]

    @rx.event
    async def pick_none(self) -> None:
        """Let all go."""
        await client(self)
        self.picked = []

    @rx.event
    async def close_picked(self) -> None:
        """Close what is picked."""
        await _do_all(self, await client(self), organise.close)

    @rx.event
    async def assign_picked(self, user_id: str) -> None:
        """Give what is picked to somebody of the team."""
        await _do_all(self, await client(self), _assigning(user_id))

    @rx.event
    async def snooze_picked(self, until: str) -> None:
        """Put what is picked out of sight until then."""
        await _do_all(self, await client(self), _snoozing(until))

    @rx.event
    async def read_picked(self) -> None:
        """What is picked has been read."""
        await _do_all(self, await client(self), reading.mark_read)

    @rx.event
    async def unread_picked(self) -> None:
        """What is picked is unread again."""
        await _do_all(self, await client(self), reading.mark_unread)

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _assigning(user_id: str) -> Change:
    async def change(session: Any, person: Person, threads: Sequence[UUID]) -> int:
        return await organise.assign(session, person, threads, id_of(user_id) if user_id else None)

    return change


def _snoozing(until: str) -> Change:
    async def change(session: Any, person: Person, threads: Sequence[UUID]) -> int:
        return await organise.snooze(session, person, threads, until, datetime.now(UTC))

    return change


async def _do_all(state: DeskState, person: Person, change: Change) -> None:
    await _do(state, person, state.picked, change)
    if not state.notice:
        state.picked = []


async def _do(state: DeskState, person: Person, picked: list[str], change: Change) -> None:
    state.notice = ""
    inbox = await state.get_state(InboxState)
    try:
        threads = [id_of(one) for one in picked]
        async with session_of(person) as session:
            await change(session, person, threads)
        # Or the page that is being left for later would read the thread at once.
        inbox._is_visible = inbox._is_visible and change is not reading.mark_unread
    except PortalError as error:
        state.notice = error.message
    await read(inbox, person)
