"""A tenant's traffic in figures, from counters and indexes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.inbox.queries import CONVERSATION, MESSAGE, VOICEMAIL
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, ConversationState, RecordingState

HOUR = metadata.tables["tenant_hour"]


@dataclass(frozen=True, slots=True)
class Activity:
    """Traffic of a tenant since a moment."""

    messages_in: int
    messages_out: int
    failures: int
    calls: int
    voicemails: int


async def activity(session: AsyncSession, tenant_id: UUID, since: datetime) -> Activity:
    """What came and went since then; whole hours (UTC) for messages."""
    counted = (sa.func.coalesce(sa.func.sum(HOUR.c[name]), 0) for name in ("messages_in", "messages_out", "failures"))
    hours = sa.select(*counted).where(HOUR.c.tenant_id == tenant_id, HOUR.c.hour >= since)
    messages_in, messages_out, failures = (await session.execute(hours)).one()
    calls = sa.select(sa.func.count()).where(
        MESSAGE.c.tenant_id == tenant_id,
        MESSAGE.c.channel_kind == ChannelKind.VOICEMAIL,
        MESSAGE.c.created_at >= since,
        MESSAGE.c.conversation_id.in_(_recent_threads(tenant_id, since)),
    )
    recordings = sa.select(sa.func.count()).where(
        VOICEMAIL.c.tenant_id == tenant_id,
        VOICEMAIL.c.created_at >= since,
        VOICEMAIL.c.recording_state == RecordingState.COMPLETED,
    )
    return Activity(
        messages_in,
        messages_out,
        failures,
        calls=(await session.scalar(calls)) or 0,
        voicemails=(await session.scalar(recordings)) or 0,
    )


def _recent_threads(tenant_id: UUID, since: datetime) -> sa.Select[tuple[UUID]]:
    # Leads the count through an index to the few threads that moved, instead of all messages of the tenant.
    return sa.select(CONVERSATION.c.id).where(
        CONVERSATION.c.tenant_id == tenant_id,
        CONVERSATION.c.state.in_(list(ConversationState)),
        CONVERSATION.c.last_channel.in_(list(ChannelKind)),
        CONVERSATION.c.last_message_at >= since,
    )
