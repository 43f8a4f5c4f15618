"""The files of messages and calls: which are due, and what became of fetching them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.inbox import rules
from tenant_portal.inbox.file_types import FileType
from tenant_portal.inbox.queries import MEDIA
from tenant_portal.models.enums import MediaState

BATCH = 20
WRONG_TYPE = "Files of this kind are not accepted, because they could be harmful."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch. `source_url` is Twilio's and opens with the subaccount's credentials only."""

    id: UUID
    source_url: str
    attempts: int


async def list_due(session: AsyncSession, tenant_id: UUID, limit: int) -> list[Wanted]:
    """Files whose time has come, longest waiting first."""
    waiting = MEDIA.c.state == sa.literal_column(f"'{MediaState.WAITING.value}'")
    found = sa.select(MEDIA.c.id, MEDIA.c.source_url, MEDIA.c.attempts).where(
        MEDIA.c.tenant_id == tenant_id, waiting, MEDIA.c.next_attempt_at <= sa.func.now()
    )
    rows = await session.execute(found.order_by(MEDIA.c.next_attempt_at).limit(limit))
    return [Wanted(**row) for row in rows.mappings()]


async def seconds_to_next(session: AsyncSession, tenant_id: UUID) -> float | None:
    """How long until the next file is due; None if none waits."""
    waiting = MEDIA.c.state == sa.literal_column(f"'{MediaState.WAITING.value}'")
    first = await session.scalar(
        sa.select(sa.func.min(MEDIA.c.next_attempt_at)).where(MEDIA.c.tenant_id == tenant_id, waiting)
    )
    return max(0.0, (first - datetime.now(UTC)).total_seconds()) if first else None


async def settle_stored(
    session: AsyncSession, tenant_id: UUID, media_id: UUID, *, key: str, kind: FileType, size_bytes: int
) -> None:
    """The file lies in the object store."""
    await _settle(
        session,
        tenant_id,
        media_id,
        state=MediaState.STORED,
        object_key=key,
        content_type=kind.content_type,
        size_bytes=size_bytes,
        last_error=None,
    )


async def settle_refused(session: AsyncSession, tenant_id: UUID, media_id: UUID, reason: str) -> None:
    """The file will not be kept, for good."""
    await _settle(session, tenant_id, media_id, state=MediaState.REFUSED, last_error=reason)


async def settle_failed(session: AsyncSession, tenant_id: UUID, wanted: Wanted, reason: str) -> None:
    """Not this time: try again after a growing pause, and after a day leave it to a person."""
    pause = rules.media_pause(wanted.attempts + 1)
    if pause is None:
        await _settle(session, tenant_id, wanted.id, state=MediaState.FAILED, last_error=reason)
        return
    next_attempt = datetime.now(UTC) + pause
    await _settle(session, tenant_id, wanted.id, next_attempt_at=next_attempt, last_error=reason)


async def _settle(session: AsyncSession, tenant_id: UUID, media_id: UUID, **values: object) -> None:
    row = sa.update(MEDIA).where(
        MEDIA.c.tenant_id == tenant_id, MEDIA.c.id == media_id, MEDIA.c.state == MediaState.WAITING
    )
    await session.execute(row.values(attempts=MEDIA.c.attempts + 1, **values))
