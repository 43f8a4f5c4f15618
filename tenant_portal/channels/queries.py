"""What the Channels page reads. Takes a tenant session."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.errors import NotFound
from tenant_portal.models import Channel, Message
from tenant_portal.models.enums import ChannelKind, ChannelState, Direction

CODE = re.compile(r"(?<!\d)(\d{3})[- ]?(\d{3})(?!\d)")


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel with everything the page shows. Times are UTC; `monthly_price` is like `1.15 USD`, empty if unknown."""

    id: UUID
    kind: ChannelKind
    state: ChannelState
    phone_number: str
    country: str
    number_sid: str | None
    sender_sid: str | None
    sender_status: str | None
    monthly_price: str
    error_code: int | None
    last_error: str | None
    config: dict[str, Any]
    created_at: datetime
    changed_at: datetime
    last_webhook_at: datetime | None
    next_attempt_at: datetime | None
    test_started_at: datetime | None
    test_passed_at: datetime | None
    test_result: str | None
    test_report: dict[str, Any] | None
    disconnected_at: datetime | None


NAMES = tuple(ChannelRow.__dataclass_fields__)
COLUMNS = [col(getattr(Channel, name)) for name in NAMES]


async def channels(session: AsyncSession, tenant_id: UUID) -> list[ChannelRow]:
    """The tenant's channels, oldest first; also those that are still being taken down."""
    query = sa.select(*COLUMNS).where(
        col(Channel.tenant_id) == tenant_id,
        sa.or_(col(Channel.state) != ChannelState.DISCONNECTED, col(Channel.disconnected_at).is_(None)),
    )
    return [ChannelRow(*row) for row in await session.execute(query.order_by(col(Channel.id)))]


async def channel(session: AsyncSession, tenant_id: UUID, channel_id: UUID) -> ChannelRow:
    """One channel; NotFound, also for another tenant's."""
    query = sa.select(*COLUMNS).where(col(Channel.tenant_id) == tenant_id, col(Channel.id) == channel_id)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("This channel no longer exists.")
    return ChannelRow(*row)


async def kinds_on(session: AsyncSession, tenant_id: UUID, phone_number: str) -> frozenset[ChannelKind]:
    """Which channels a number carries or is about to carry."""
    query = sa.select(col(Channel.kind)).where(
        col(Channel.tenant_id) == tenant_id,
        col(Channel.phone_number) == phone_number,
        col(Channel.state) != ChannelState.DISCONNECTED,
    )
    return frozenset(await session.scalars(query))


async def other_texting_number(session: AsyncSession, tenant_id: UUID, phone_number: str) -> str | None:
    """Another number of the tenant that can send a text message to this one."""
    query = sa.select(col(Channel.phone_number)).where(
        col(Channel.tenant_id) == tenant_id,
        col(Channel.kind) == ChannelKind.SMS,
        col(Channel.state) == ChannelState.ACTIVE,
        col(Channel.phone_number) != phone_number,
    )
    return await session.scalar(query.order_by(col(Channel.id)).limit(1))


async def arrived_code(session: AsyncSession, tenant_id: UUID, phone_number: str, since: datetime) -> str | None:
    """WhatsApp's verification code, if it came as a text to a number whose messages the portal receives."""
    query = (
        sa.select(col(Message.body))
        .where(
            col(Message.tenant_id) == tenant_id,
            col(Message.direction) == Direction.IN,
            col(Message.channel_kind) == ChannelKind.SMS,
            col(Message.our_number) == phone_number,
            col(Message.created_at) >= since,
            col(Message.body).icontains("WhatsApp"),
        )
        .order_by(col(Message.id).desc())
        .limit(5)
    )
    found: Sequence[str] = (await session.scalars(query)).all()
    codes = (CODE.search(body) for body in found)
    return next(("".join(code.groups()) for code in codes if code), None)
