"""What the page about answering calls knows and does, for one channel."""

from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.channels import queries
from tenant_portal.channels.service import actor_of
from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, NotFound, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.models.enums import ChannelKind, ChannelState
from tenant_portal.tenants.rules import clean_timezone
from tenant_portal.ui import live
from tenant_portal.ui.pages.channels.voice_items import VoiceItem, voice_item
from tenant_portal.ui.session_state import client, form_text
from tenant_portal.voicemail import hours, service
from tenant_portal.voicemail.http import forget

DAYS = tuple(f"day_{n}" for n in range(len(hours.DAYS)))
FIELDS = (
    *("greeting", "closed_greeting", "voice", "max_seconds", "timezone", "holidays", "ring_number", "ring_seconds"),
    *("text_back_text", "window_hours", "quiet_from", "quiet_until", *DAYS),
)
NO_ERRORS = dict.fromkeys(FIELDS, "")


class VoiceState(rx.State):
    """How one channel answers its calls. `errors` holds a sentence for each field, empty where it is right."""

    item: VoiceItem = VoiceItem()
    errors: dict[str, str] = NO_ERRORS
    may_change: bool = False
    is_loaded: bool = False
    is_missing: bool = False
    wants_hours: bool = False
    notice: str = ""
    tone: str = "good"

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self.errors, self.is_missing = "", NO_ERRORS, False
        await _read(self, person)
        self.wants_hours, self.is_loaded = self.item.has_hours, True
        await live.join(self, person, VoiceState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""

    @rx.event
    async def save_greeting(self, form: dict[str, Any]) -> None:
        """Change the words, the voice and the recording."""
        greeting = service.Greeting(
            text=form_text(form, "greeting"),
            closed_text=form_text(form, "closed_greeting"),
            voice=form_text(form, "voice", 40),
            max_seconds=_whole(form, "max_seconds"),
            transcribe=form_text(form, "transcribe", 5) == "on",
        )
        await _change(self, "The greeting is changed.", service.set_greeting, greeting)

    @rx.event
    async def use_written(self, occasion: str) -> None:
        """Read out the written words again instead of playing a file."""
        before = await _change(self, "The written greeting is read out again.", service.remove_file, occasion)
        await forget(before)

    @rx.event
    async def choose_hours(self, is_on: bool) -> None:
        """Show the fields for business hours, or hide them."""
        await client(self)
        self.wants_hours = is_on

    @rx.event
    async def save_hours(self, form: dict[str, Any]) -> None:
        """Change when the team is there."""
        try:
            wanted = _hours(form) if form_text(form, "has_hours", 5) == "on" else None
        except BadInput as error:
            await client(self)
            self.notice, self.errors = "", _beside(error)
            return
        await _change(self, "The hours are changed.", service.set_hours, wanted)

    @rx.event
    async def save_ringing(self, form: dict[str, Any]) -> None:
        """Change which phone rings first."""
        number, seconds = form_text(form, "ring_number", 40), _whole(form, "ring_seconds")
        only_open = form_text(form, "ring_only_open", 5) == "on"
        await _change(self, "Ringing is changed.", service.set_ringing, number, seconds, only_open=only_open)

    @rx.event
    async def save_text_back(self, form: dict[str, Any]) -> None:
        """Change what missed callers are sent."""
        text_back = service.TextBack(
            is_on=form_text(form, "text_is_on", 5) == "on",
            text=form_text(form, "text_back_text"),
            window_hours=_whole(form, "window_hours"),
            quiet_from=form_text(form, "quiet_from", 8),
            quiet_until=form_text(form, "quiet_until", 8),
        )
        await _change(self, "The text to missed callers is changed.", service.set_text_back, text_back)


def _hours(form: dict[str, Any]) -> hours.Hours:
    return hours.Hours(
        timezone=clean_timezone(form_text(form, "timezone", 64)),
        week=tuple(hours.clean_day(form_text(form, key, 200), key) for key in DAYS),
        holidays=hours.clean_holidays(form_text(form, "holidays", 4000)),
    )


def _beside(error: BadInput) -> dict[str, str]:
    return NO_ERRORS | {error.field or "": error.message}


async def _read(state: VoiceState, person: Person) -> None:
    actor = actor_of(person)
    try:
        async with tenant_session(actor.tenant_id) as session:
            row = await queries.channel(session, actor.tenant_id, _wanted(state))
        if row.kind is not ChannelKind.VOICEMAIL or row.state is ChannelState.DISCONNECTED:
            raise NotFound
    except NotFound:
        state.is_missing, state.item = True, VoiceItem()
        return
    state.item, state.may_change = voice_item(row, person.client), actor.may_change


async def _change(state: VoiceState, done: str, change: Any, *arguments: Any, **options: Any) -> Any:
    """Do it and say so; what it returned, or None with a sentence beside the field that is wrong."""
    person, result = await client(state), None
    actor = actor_of(person)
    state.errors, state.notice, state.tone = NO_ERRORS, "", "good"
    try:
        async with tenant_session(actor.tenant_id) as session:
            result = await change(session, actor, _wanted(state), *arguments, **options)
        state.notice = done
    except BadInput as error:
        state.errors = _beside(error)
    except PortalError as error:
        state.notice, state.tone = error.message, "bad"
    await _read(state, person)
    return result


def _wanted(state: VoiceState) -> UUID:
    # Whatever stands in the address bar is the reader's word: it is looked up inside their own tenant only.
    try:
        return UUID(getattr(state, "voice_channel_id", ""))
    except (ValueError, AttributeError, TypeError):
        raise NotFound("This channel no longer exists.") from None


def _whole(form: dict[str, Any], name: str) -> int:
    text = form_text(form, name, 6)
    return int(text) if text.isascii() and text.isdecimal() else 0
