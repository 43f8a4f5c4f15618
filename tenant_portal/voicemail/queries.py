"""What pages show of voicemails."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.models import Media, Voicemail
from tenant_portal.models.base import now
from tenant_portal.models.enums import MediaState, RecordingState, TranscriptState
from tenant_portal.voicemail.rules import transcript_state


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
