"""Channels as people change them: each function writes an intent into a row and wakes the job that carries it out.

Every one takes the Actor and refuses one who may not change channels; another tenant's channel does not exist.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import job_queue
from tenant_portal.audit.service import record
from tenant_portal.channels import rules
from tenant_portal.channels.rules import Actor
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.models import Channel
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState, Role, TenantState
from tenant_portal.models.ids import uuid7
from tenant_portal.tenants.queries import tenant_name, tenant_state

ADVANCE = "channels.advance"
TEST = "channels.test"
CONNECT_SAMPLE = "channels.connect_sample"
# Text messages first: WhatsApp's verification code may then arrive in the portal itself.
ORDER = (ChannelKind.SMS, ChannelKind.VOICEMAIL, ChannelKind.WHATSAPP)
UNDER_WAY = frozenset({ChannelState.BUYING, ChannelState.REGISTERING, ChannelState.VERIFYING, ChannelState.CONFIGURING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which channels to connect on which number.

    `number_sid` names a number the client has at Twilio already; `own_number` is a phone from elsewhere, for WhatsApp
    only. Neither means: buy it. `monthly_price` is like `1.15 USD`.
    """

    kinds: frozenset[ChannelKind]
    phone_number: str
    country: str = ""
    number_sid: str | None = None
    own_number: bool = False
    sms: bool = False
    voice: bool = False
    monthly_price: str = ""
    display_name: str = ""
    waba_id: str = ""
    verification_method: str = "sms"


def actor_of(person: Person) -> Actor:
    """The signed-in client user as the one who asks; NotAllowed for staff, who have no channels."""
    if person.tenant_id is None:
        raise NotAllowed
    return Actor(person.tenant_id, person.user_id, person.name, person.role is Role.OWNER)


def operator(tenant_id: UUID) -> Actor:
    """The agency at the command line, for one tenant."""
    return Actor(tenant_id, None, "Agency", may_change=True)


async def connect(session: AsyncSession, actor: Actor, wish: Wish) -> list[UUID]:
    """Ask for channels on a number; their ids in the order they are set up. BadInput, Conflict, NotAllowed."""
    await _require_change(session, actor)
    phone_number = rules.e164(wish.phone_number)
    _refuse_unfit(wish)
    client = await tenant_name(session, actor.tenant_id)
    made = [await _insert(session, actor, wish, kind, phone_number, client) for kind in ORDER if kind in wish.kinds]
    await job_queue.wake(session, ADVANCE, actor.tenant_id)
    return made


def _refuse_unfit(wish: Wish) -> None:
    if wish.own_number:
        if wish.kinds != {ChannelKind.WHATSAPP}:
            raise BadInput("A phone number from elsewhere can only be used for WhatsApp.", field="kinds")
    else:
        rules.refuse_unfit(wish.kinds, sms=wish.sms, voice=wish.voice)
    if ChannelKind.WHATSAPP in wish.kinds:
        rules.clean_display_name(wish.display_name)
        if wish.verification_method not in ("sms", "voice"):
            raise BadInput("The code can come by text or by call.", field="verification_method")


async def _insert(
    session: AsyncSession, actor: Actor, wish: Wish, kind: ChannelKind, phone_number: str, client: str
) -> UUID:
    facts = rules.Facts(kind, wish.number_sid, None, None, wish.own_number)
    moment = now()
    row = Channel(
        id=uuid7(),
        tenant_id=actor.tenant_id,
        kind=kind,
        state=rules.state_of(facts),
        phone_number=phone_number,
        country=wish.country,
        number_sid=wish.number_sid,
        monthly_price=wish.monthly_price,
        config=_config(wish, kind, client),
        created_by=actor.user_id,
        created_at=moment,
        changed_at=moment,
        next_attempt_at=moment,
    )
    statement = insert(Channel).values(row.model_dump()).on_conflict_do_nothing().returning(col(Channel.id))
    # The unique index decides, since two browsers may ask at the same moment.
    if (await session.execute(statement)).scalar() is None:
        raise Conflict(f"{rules.display(phone_number)} is already connected for this channel.")
    await record(session, actor, "channel:requested", f"{kind.value} {rules.display(phone_number)}")
    return row.id


def _config(wish: Wish, kind: ChannelKind, client: str) -> dict[str, object]:
    config: dict[str, object] = {"sms": wish.sms, "voice": wish.voice}
    if kind is ChannelKind.VOICEMAIL:
        config |= {"greeting": rules.default_greeting(client), "language": "en-US", "max_seconds": 120}
        config |= {"transcribe": True}
    if kind is ChannelKind.WHATSAPP:
        config |= {"display_name": rules.clean_display_name(wish.display_name), "waba_id": wish.waba_id.strip()}
        config |= {"verification_method": wish.verification_method, "own_number": wish.own_number}
    return config


async def repeat(session: AsyncSession, actor: Actor, channel_id: UUID) -> None:
    """Do the channel's open step again now; of an active channel, set it up at Twilio again."""
    channel = await changeable(session, actor, channel_id)
    if channel.state is not ChannelState.DISCONNECTED:
        channel.state = rules.state_of(facts_of(channel))
    elif channel.disconnected_at is not None:
        raise Conflict("This channel is already disconnected.")
    channel.last_error, channel.error_code = None, None
    await _due_now(session, channel)


async def submit_code(session: AsyncSession, actor: Actor, channel_id: UUID, code: str) -> None:
    """Hand in the verification code of a WhatsApp number; Conflict where none is asked for."""
    channel = await changeable(session, actor, channel_id)
    if channel.kind is not ChannelKind.WHATSAPP or channel.state is not ChannelState.VERIFYING:
        raise Conflict("WhatsApp does not ask for a code at the moment.")
    channel.config = {**channel.config, "verification_code": rules.clean_code(code)}
    channel.last_error, channel.error_code = None, None
    await _due_now(session, channel)


async def start_test(session: AsyncSession, actor: Actor, channel_id: UUID) -> None:
    """Begin a test of an active channel; its job writes `test_report`."""
    channel = await changeable(session, actor, channel_id)
    if channel.state is not ChannelState.ACTIVE:
        raise Conflict("Only a channel that is connected can be tested.")
    channel.test_token, channel.test_started_at = rules.new_test_token(), now()
    channel.test_passed_at, channel.test_result, channel.test_report = None, None, None
    await job_queue.wake(session, TEST, channel.tenant_id)


async def disconnect(session: AsyncSession, actor: Actor, channel_id: UUID, *, release_number: bool) -> None:
    """Take a channel down; its history stays. The number is given back only on request, and if nothing uses it."""
    channel = await changeable(session, actor, channel_id)
    if channel.state is ChannelState.DISCONNECTED:
        raise Conflict("This channel is already disconnected.")
    channel.state = ChannelState.DISCONNECTED
    channel.config = {**channel.config, "release_number": release_number}
    channel.last_error, channel.error_code = None, None
    await _due_now(session, channel)
    await record(session, actor, "channel:disconnected", f"{channel.kind.value} {rules.display(channel.phone_number)}")


def facts_of(channel: Channel) -> rules.Facts:
    """What the next step follows from."""
    own = bool(channel.config.get("own_number"))
    return rules.Facts(channel.kind, channel.number_sid, channel.sender_sid, channel.sender_status, own)


async def _due_now(session: AsyncSession, channel: Channel) -> None:
    moment: datetime = now()
    channel.attempts, channel.changed_at, channel.next_attempt_at = 0, moment, moment
    await job_queue.wake(session, ADVANCE, channel.tenant_id)


async def changeable(session: AsyncSession, actor: Actor, channel_id: UUID) -> Channel:
    """The channel, locked, for somebody who may change it; NotFound, NotAllowed, Conflict."""
    await _require_change(session, actor)
    query = sa.select(Channel).where(col(Channel.tenant_id) == actor.tenant_id, col(Channel.id) == channel_id)
    channel = await session.scalar(query.with_for_update())
    if channel is None:
        raise NotFound("This channel no longer exists.")
    return channel


async def _require_change(session: AsyncSession, actor: Actor) -> None:
    if not actor.may_change:
        raise NotAllowed("Only an owner can change channels.")
    state = await tenant_state(session, actor.tenant_id)
    if state is TenantState.PROVISIONING:
        raise Conflict("The connection to Twilio is still being set up. Please try again in a minute.")
    if state is not TenantState.ACTIVE:
        raise Conflict("This account is suspended. Please contact your agency.")
