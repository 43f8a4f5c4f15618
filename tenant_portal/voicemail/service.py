"""What people decide about calls: how a channel answers them, and which ones are done with.

Settings are an owner's: each function takes the Actor and refuses one who may not change channels. They stand in the
channel's `config` (see answering.py), since a call must be answered without a further query.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import object_store
from tenant_portal.audit.service import record
from tenant_portal.channels import rules as channel_rules
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import changeable
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.models import Channel, Message
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, Direction
from tenant_portal.models.ids import uuid7
from tenant_portal.voicemail import greeting_files, rules
from tenant_portal.voicemail.answering import OCCASIONS, RING_SECONDS
from tenant_portal.voicemail.hours import Hours
from tenant_portal.voicemail.voices import VOICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What callers hear, and how long they may speak. An empty `closed_text` is the same as `text`."""

    text: str
    closed_text: str
    voice: str
    max_seconds: int
    transcribe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBack:
    """The text to a missed caller: once in `window_hours`, and never between the two times of their day (`HH:MM`)."""

    is_on: bool
    text: str
    window_hours: int
    quiet_from: str
    quiet_until: str


async def set_greeting(session: AsyncSession, actor: Actor, channel_id: UUID, greeting: Greeting) -> None:
    """Change what callers hear, from the next call on; BadInput."""
    channel = await _voicemail(session, actor, channel_id)
    if greeting.voice not in VOICES:
        raise BadInput("Choose one of the voices.", field="voice")
    if greeting.max_seconds not in rules.LONGEST_MESSAGE_SECONDS:
        raise BadInput("Choose one of the lengths.", field="max_seconds")
    changes = {
        "greeting": rules.clean_greeting(greeting.text, "greeting"),
        "closed_greeting": rules.clean_greeting(greeting.closed_text, "closed_greeting", may_be_empty=True),
        "voice": greeting.voice,
        "language": VOICES[greeting.voice].language,
        "max_seconds": greeting.max_seconds,
        "transcribe": greeting.transcribe,
    }
    await _change(session, actor, channel, "greeting-changed", changes)


async def set_hours(session: AsyncSession, actor: Actor, channel_id: UUID, hours: Hours | None) -> None:
    """Change when the team is there; None for always."""
    channel = await _voicemail(session, actor, channel_id)
    await _change(session, actor, channel, "hours-changed", {"hours": hours.as_config() if hours else None})


async def set_ringing(
    session: AsyncSession, actor: Actor, channel_id: UUID, number: str, seconds: int, *, only_open: bool
) -> None:
    """Ring this phone before the greeting; an empty number rings nowhere. BadInput."""
    channel = await _voicemail(session, actor, channel_id)
    if not number.strip():
        await _change(session, actor, channel, "ringing-changed", {"ring": None})
        return
    least, most = RING_SECONDS
    if not least <= seconds <= most:
        raise BadInput(f"Let it ring for {least} to {most} seconds.", field="ring_seconds")
    phone = rules.clean_phone(number, channel.phone_number)
    # A number of one's own that answers with this very greeting would ring itself in a circle, at a price.
    own = (col(Channel.tenant_id) == actor.tenant_id, col(Channel.phone_number) == phone)
    if await session.scalar(sa.select(col(Channel.id)).where(*own).limit(1)):
        raise BadInput("This is one of your own numbers here. Enter the number of a phone.", field="ring_number")
    ring = {"number": phone, "seconds": seconds, "only_open": only_open}
    await _change(session, actor, channel, "ringing-changed", {"ring": ring})


async def set_text_back(session: AsyncSession, actor: Actor, channel_id: UUID, text_back: TextBack) -> None:
    """Change what missed callers are sent, from the next call on; BadInput."""
    channel = await _voicemail(session, actor, channel_id)
    config = rules.clean_text_back(
        is_on=text_back.is_on,
        text=text_back.text,
        window_hours=text_back.window_hours,
        quiet_from=text_back.quiet_from,
        quiet_until=text_back.quiet_until,
    )
    await _change(session, actor, channel, "text-back-changed", {"text_back": config})


async def keep_file(session: AsyncSession, actor: Actor, channel_id: UUID, occasion: str, content: bytes) -> str | None:
    """Answer with this sound (MP3, WAV) from the next call on; the key of the file before it.

    That one is to be deleted after the commit. A new file gets a new address, since Twilio keeps what it has fetched
    from an old one. BadInput, NotFound.
    """
    channel = await _voicemail(session, actor, channel_id)
    _refuse_other_occasions(occasion)
    kind = greeting_files.of_content(content)
    key = object_store.key_of(actor.tenant_id, uuid7())
    await object_store.put(key, content)
    return await _replace_file(session, actor, channel, occasion, {"key": key, "ending": kind.ending})


async def remove_file(session: AsyncSession, actor: Actor, channel_id: UUID, occasion: str) -> str | None:
    """Answer with the written greeting again; the key of the file, to be deleted after the commit."""
    channel = await _voicemail(session, actor, channel_id)
    _refuse_other_occasions(occasion)
    return await _replace_file(session, actor, channel, occasion, None)


async def set_handled(session: AsyncSession, person: Person, call_id: UUID, *, handled: bool) -> None:
    """Somebody has looked after this call, or nobody has after all; NotFound where this tenant has no such call."""
    found = sa.select(Message).where(
        col(Message.tenant_id) == person.tenant_id,
        col(Message.id) == call_id,
        col(Message.channel_kind) == ChannelKind.VOICEMAIL,
        col(Message.direction) == Direction.IN,
    )
    call = await session.scalar(found.with_for_update())
    if call is None:
        raise NotFound("This call does not exist.")
    if (call.handled_at is not None) == handled:
        return
    call.handled_at = now() if handled else None
    call.handled_by = person.user_id if handled else None
    call.handled_by_name = person.name[:120] if handled else None
    await record(session, person, "call:handled" if handled else "call:reopened", str(call_id))
    await announce(session, call.tenant_id)


async def _voicemail(session: AsyncSession, actor: Actor, channel_id: UUID) -> Channel:
    channel = await changeable(session, actor, channel_id)
    if channel.kind is not ChannelKind.VOICEMAIL:
        raise Conflict("Only voicemail answers calls.")
    return channel


async def _change(session: AsyncSession, actor: Actor, channel: Channel, what: str, changes: dict[str, object]) -> None:
    channel.config = {name: value for name, value in {**channel.config, **changes}.items() if value is not None}
    channel.changed_at = now()
    await record(session, actor, f"channel:{what}", channel_rules.display(channel.phone_number))
    await announce(session, actor.tenant_id)


async def _replace_file(
    session: AsyncSession, actor: Actor, channel: Channel, occasion: str, file: dict[str, str] | None
) -> str | None:
    files = dict(channel.config.get("files") or {})
    before = files.pop(occasion, None)
    if file:
        files[occasion] = file
    await _change(session, actor, channel, "greeting-changed", {"files": files or None})
    return before["key"] if before else None


def _refuse_other_occasions(occasion: str) -> None:
    if occasion not in OCCASIONS:
        raise NotFound("There is no such greeting.")
