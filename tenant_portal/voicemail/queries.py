"""What pages show of calls and voicemails."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.inbox.queries import CONVERSATION, LEAD, MESSAGE
from tenant_portal.models import Media, Voicemail, metadata
from tenant_portal.models.base import now
from tenant_portal.models.conversation import INCOMING_CALL
from tenant_portal.models.enums import MediaState, RecordingState, TextBackState, TranscriptState
from tenant_portal.voicemail.rules import transcript_state

TEXT_BACK = metadata.tables["text_back"]
PAGE = 20
# More calls nobody has looked after than anybody reads off a badge.
OPEN_CAP = 100


@dataclass(frozen=True, slots=True)
class VoicemailRow:
    """One recording of a call. `media_id` is what the media route serves once `media_state` is `stored`."""

    id: UUID
    message_id: UUID
    recording_state: RecordingState
    duration_seconds: int | None
    media_id: UUID | None
    media_state: MediaState | None
    transcript_state: TranscriptState
    transcript: str
    created_at: datetime

    @property
    def is_playable(self) -> bool:
        """Whether there is something to hear."""
        return self.media_state is MediaState.STORED


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with its lead and recordings. `details` is described in models/conversation.py."""

    id: UUID
    conversation_id: UUID
    lead_id: UUID
    our_number: str
    details: dict[str, Any]
    created_at: datetime
    handled_at: datetime | None
    handled_by_name: str | None
    address: str
    name: str
    profile_name: str
    text_state: TextBackState | None
    text_reason: str | None
    text_due_at: datetime | None
    recordings: tuple[VoicemailRow, ...] = ()


async def list_calls(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    handled: bool | None = None,
    before: UUID | None = None,
    limit: int = PAGE,
) -> list[CallRow]:
    """The newest calls, or those before the call `before`; only handled ones or only others where that is said."""
    page = sa.select(MESSAGE).where(MESSAGE.c.tenant_id == tenant_id, sa.text(INCOMING_CALL))
    if handled is not None:
        page = page.where(MESSAGE.c.handled_at.is_not(None) if handled else MESSAGE.c.handled_at.is_(None))
    if before is not None:
        page = page.where(MESSAGE.c.id < before)
    cut = page.order_by(MESSAGE.c.id.desc()).limit(limit).subquery("page")
    rows = (await session.execute(_with_lead(cut, tenant_id))).mappings().all()
    found = await of_messages(session, tenant_id, [row["id"] for row in rows])
    return [CallRow(**row, recordings=tuple(found.get(row["id"], ()))) for row in rows]


async def count_open(session: AsyncSession, tenant_id: UUID) -> int:
    """How many calls nobody has looked after, at most OPEN_CAP."""
    found = sa.select(sa.literal(1)).where(
        MESSAGE.c.tenant_id == tenant_id, sa.text(INCOMING_CALL), MESSAGE.c.handled_at.is_(None)
    )
    capped = found.select_from(MESSAGE).limit(OPEN_CAP).subquery()
    return (await session.scalar(sa.select(sa.func.count()).select_from(capped))) or 0


async def of_messages(
    session: AsyncSession, tenant_id: UUID, message_ids: Collection[UUID]
) -> dict[UUID, list[VoicemailRow]]:
    """The recordings of each call among these messages, in the order they were made; calls without one are left out."""
    if not message_ids:
        return {}
    statement = (
        select(Voicemail, col(Media.state))
        .outerjoin(Media, and_(col(Media.tenant_id) == Voicemail.tenant_id, col(Media.id) == Voicemail.media_id))
        .where(col(Voicemail.tenant_id) == tenant_id, col(Voicemail.message_id).in_(message_ids))
        .order_by(col(Voicemail.created_at), col(Voicemail.id))
    )
    found: dict[UUID, list[VoicemailRow]] = {}
    for voicemail, media_state in await session.execute(statement):
        found.setdefault(voicemail.message_id, []).append(_row(voicemail, media_state))
    return found


def _with_lead(page: sa.Subquery, tenant_id: UUID) -> sa.Select[Any]:
    names = ("id", "conversation_id", "our_number", "details", "created_at", "handled_at", "handled_by_name")
    return (
        sa.select(
            *(page.c[name] for name in names),
            LEAD.c.id.label("lead_id"),
            *(LEAD.c[name] for name in ("address", "name", "profile_name")),
            TEXT_BACK.c.state.label("text_state"),
            TEXT_BACK.c.reason.label("text_reason"),
            TEXT_BACK.c.due_at.label("text_due_at"),
        )
        .select_from(page)
        .join(CONVERSATION, and_(CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.id == page.c.conversation_id))
        .join(LEAD, and_(LEAD.c.tenant_id == tenant_id, LEAD.c.id == CONVERSATION.c.lead_id))
        .outerjoin(TEXT_BACK, and_(TEXT_BACK.c.tenant_id == tenant_id, TEXT_BACK.c.message_id == page.c.id))
        .order_by(page.c.id.desc())
    )


def _row(voicemail: Voicemail, media_state: MediaState | None) -> VoicemailRow:
    return VoicemailRow(
        id=voicemail.id,
        message_id=voicemail.message_id,
        recording_state=voicemail.recording_state,
        duration_seconds=voicemail.duration_seconds,
        media_id=voicemail.media_id,
        media_state=media_state,
        transcript_state=transcript_state(voicemail.transcript_state, voicemail.created_at, now()),
        transcript=voicemail.transcript or "",
        created_at=voicemail.created_at,
    )
