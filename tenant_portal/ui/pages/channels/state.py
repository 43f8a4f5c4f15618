"""What the Channels page knows and does."""

from datetime import UTC, datetime
from typing import Any

import reflex as rx

from tenant_portal.channels import queries, service
from tenant_portal.channels.service import actor_of
from tenant_portal.db import announce, tenant_session
from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants.queries import tenant_state
from tenant_portal.ui import live
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.channels.cards import NumberGroup, groups_of
from tenant_portal.ui.session_state import client, form_text

TESTING = "The test is under way. It takes a few seconds."
GONE = "This channel no longer exists."


class ChannelsState(rx.State):
    """The client's channels, and what the signed-in person may do with them."""

    groups: list[NumberGroup] = []
    loaded: bool = False
    may_change: bool = False
    standing: str = "active"
    notice: str = ""
    tone: str = "info"
    asked: str = ""
    asked_title: str = ""
    asked_number: str = ""
    asked_can_release: bool = False
    asked_shared_with: str = ""
    release_number: bool = False

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self.asked = "", ""
        await _read(self, person)
        await live.join(self, person, ChannelsState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def close_notice(self) -> None:
        """Take the notice away."""
        await client(self)
        self.notice = ""

    @rx.event
    async def test(self, channel_id: str) -> None:
        """Begin a test; its result comes by live update."""
        await _change(self, TESTING, service.start_test, channel_id)

    @rx.event
    async def repeat(self, channel_id: str) -> None:
        """Do the open step again."""
        await _change(self, "", service.repeat, channel_id)

    @rx.event
    async def submit_code(self, form: dict[str, Any]) -> None:
        """Hand in WhatsApp's code."""
        code, channel_id = form_text(form, "code", 40), form_text(form, "channel_id", 40)
        await _change(self, "The code was handed in.", service.submit_code, channel_id, code)

    @rx.event
    async def ask_disconnect(self, channel_id: str) -> None:
        """Open the question before a channel is taken down."""
        await client(self)
        card = next((card for group in self.groups for card in group.cards if card.id == channel_id), None)
        if card is not None:
            self.asked, self.asked_title, self.asked_number = card.id, card.title, card.number
            self.asked_can_release, self.asked_shared_with = card.can_release, card.shared_with
        self.release_number = False

    @rx.event
    async def keep_connected(self, is_open: bool) -> None:
        """Close the question."""
        await client(self)
        if not is_open:
            self.asked = ""

    @rx.event
    async def choose_release(self, is_on: bool) -> None:
        """Whether the number is given back too."""
        await client(self)
        self.release_number = is_on

    @rx.event
    async def disconnect(self) -> None:
        """Take the channel down that was asked about."""
        done, release = "The channel is being disconnected.", self.release_number
        await _change(self, done, service.disconnect, self.asked, release_number=release)
        self.asked = ""


async def _read(state: ChannelsState, person: Person) -> None:
    actor = actor_of(person)
    async with tenant_session(actor.tenant_id) as session:
        rows = await queries.channels(session, actor.tenant_id)
        standing = await tenant_state(session, actor.tenant_id)
    state.groups = groups_of(rows, datetime.now(UTC))
    state.may_change = actor.may_change and standing is TenantState.ACTIVE
    state.standing = standing.value
    state.loaded = True


async def _change(
    state: ChannelsState, done: str, change: Any, channel_id: str, *arguments: Any, **options: Any
) -> bool:
    person = await client(state)
    actor = actor_of(person)
    try:
        async with tenant_session(actor.tenant_id) as session:
            await change(session, actor, parse_id(channel_id, GONE), *arguments, **options)
            await announce(session, actor.tenant_id)
    except PortalError as error:
        state.notice, state.tone = error.message, "bad"
        return False
    state.notice, state.tone = done, "info" if change is service.start_test else "good"
    await _read(state, person)
    return True
