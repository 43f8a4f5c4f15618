"""Everything that happened with a lead, in one order: messages, calls, notes, and what the team changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.leads.queries import CONVERSATION, MESSAGE, NOTE
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, Direction, MessageStatus

AUDIT = metadata.tables["audit_event"]
VOICEMAIL = metadata.tables["voicemail"]
PAGE = 30
Cursor = tuple[datetime, UUID]


class MomentKind(StrEnum):
    """What a moment is; an `event` is a line of the audit."""

    MESSAGE = "message"
    NOTE = "note"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `action` and `details` are those of the audit, the rest of the message or note."""

    kind: MomentKind
    id: UUID
    at: datetime
    author_name: str
    author_id: UUID | None
    text: str
    channel_kind: ChannelKind | None
    direction: Direction | None
    status: MessageStatus | None
    action: str
    details: dict[str, Any]

    @property
    def cursor(self) -> Cursor:
        """Where the page after this moment starts."""
        return self.at, self.id


async def list_moments(
    session: AsyncSession, tenant_id: UUID, lead_id: UUID, *, before: Cursor | None = None, limit: int = PAGE
) -> list[Moment]:
    """The newest moments of a lead, or those before `before`; newest first. Takes one round trip."""
    parts = [
        part.order_by(sa.literal_column("at").desc(), sa.literal_column("id").desc()).limit(limit).subquery()
        for part in (
            _after(_messages(tenant_id, lead_id), MESSAGE.c.created_at, MESSAGE.c.id, before),
            _after(_notes(tenant_id, lead_id), NOTE.c.created_at, NOTE.c.id, before),
            _after(_events(tenant_id, lead_id), AUDIT.c.at, AUDIT.c.id, before),
        )
    ]
    whole = sa.union_all(*(sa.select(part) for part in parts)).subquery()
    rows = await session.execute(sa.select(whole).order_by(whole.c.at.desc(), whole.c.id.desc()).limit(limit))
    return [Moment(**{**row, "kind": MomentKind(row["kind"])}) for row in rows.mappings()]


def _after(part: sa.Select[Any], at: Any, row_id: Any, before: Cursor | None) -> sa.Select[Any]:
    return part if before is None else part.where(sa.tuple_(at, row_id) < sa.tuple_(*before))


def _messages(tenant_id: UUID, lead_id: UUID) -> sa.Select[Any]:
    spoken = (
        sa.select(VOICEMAIL.c.transcript)
        .where(VOICEMAIL.c.tenant_id == tenant_id, VOICEMAIL.c.message_id == MESSAGE.c.id)
        .order_by(VOICEMAIL.c.id)
        .limit(1)
        .scalar_subquery()
    )
    threads = sa.select(CONVERSATION.c.id).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.lead_id == lead_id
    )
    return sa.select(
        _kind(MomentKind.MESSAGE),
        MESSAGE.c.id,
        MESSAGE.c.created_at.label("at"),
        MESSAGE.c.author_name,
        MESSAGE.c.author_id,
        sa.func.coalesce(sa.func.nullif(MESSAGE.c.body, ""), spoken, "").label("text"),
        MESSAGE.c.channel_kind,
        MESSAGE.c.direction,
        MESSAGE.c.status,
        sa.literal("").label("action"),
        MESSAGE.c.details,
    ).where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id == threads.scalar_subquery())


def _notes(tenant_id: UUID, lead_id: UUID) -> sa.Select[Any]:
    return sa.select(
        _kind(MomentKind.NOTE),
        NOTE.c.id,
        NOTE.c.created_at.label("at"),
        NOTE.c.author_name,
        NOTE.c.author_id,
        NOTE.c.body.label("text"),
        *_no_message(),
        sa.literal("").label("action"),
        sa.cast({}, AUDIT.c.details.type).label("details"),
    ).where(NOTE.c.tenant_id == tenant_id, NOTE.c.lead_id == lead_id)


def _events(tenant_id: UUID, lead_id: UUID) -> sa.Select[Any]:
    return sa.select(
        _kind(MomentKind.EVENT),
        AUDIT.c.id,
        AUDIT.c.at,
        AUDIT.c.actor_name.label("author_name"),
        AUDIT.c.actor_id.label("author_id"),
        sa.literal("").label("text"),
        *_no_message(),
        AUDIT.c.action,
        AUDIT.c.details,
    ).where(
        AUDIT.c.tenant_id == tenant_id,
        AUDIT.c.subject == str(lead_id),
        # In the words of the partial index, or it is not used.
        sa.text("action like 'lead:%'"),
    )


def _kind(kind: MomentKind) -> sa.Label[Any]:
    return sa.cast(sa.literal(kind.value), sa.Text).label("kind")


def _no_message() -> list[sa.Label[Any]]:
    return [sa.cast(sa.null(), MESSAGE.c[name].type).label(name) for name in ("channel_kind", "direction", "status")]
