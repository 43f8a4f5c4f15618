"""Reading leads for pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.errors import NotFound
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, Stage

LEAD = metadata.tables["lead"]
NOTE = metadata.tables["lead_note"]
CONVERSATION = metadata.tables["conversation"]
MESSAGE = metadata.tables["message"]
PAGE = 30

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead in a list. `last_message_at` is None where nothing was ever exchanged."""

    id: UUID
    address: str
    name: str
    profile_name: str
    place: str
    stage: Stage
    source: ChannelKind
    opted_out_at: datetime | None
    created_at: datetime
    conversation_id: UUID | None
    last_message_at: datetime | None

    @property
    def cursor(self) -> Cursor:
        """Where the page after this row starts."""
        return self.created_at, self.id


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note about a lead."""

    id: UUID
    author_id: UUID | None
    author_name: str
    body: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """How often a lead and the team met on one kind of channel, and when last."""

    channel_kind: ChannelKind
    messages: int
    last_at: datetime


async def list_leads(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    search: str = "",
    stage: Stage | None = None,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> list[LeadRow]:
    """Newest leads first. `search` looks into names and numbers, whatever their case and spacing."""
    found = sa.select(LEAD).where(LEAD.c.tenant_id == tenant_id, *_conditions(search, stage))
    if after is not None:
        found = found.where(sa.tuple_(LEAD.c.created_at, LEAD.c.id) < sa.tuple_(*after))
    page = found.order_by(LEAD.c.created_at.desc(), LEAD.c.id.desc()).limit(limit).subquery("page")
    return [LeadRow(**row) for row in (await session.execute(_with_thread(page))).mappings()]


async def get_lead(session: AsyncSession, tenant_id: UUID, lead_id: UUID) -> LeadRow:
    """One lead; NotFound if this tenant has none of this id."""
    found = sa.select(LEAD).where(LEAD.c.tenant_id == tenant_id, LEAD.c.id == lead_id).subquery("page")
    row = (await session.execute(_with_thread(found))).mappings().first()
    if row is None:
        raise NotFound("This lead does not exist.")
    return LeadRow(**row)


async def list_notes(session: AsyncSession, tenant_id: UUID, lead_id: UUID, *, limit: int = 100) -> list[NoteRow]:
    """Newest notes first."""
    columns = [NOTE.c[name] for name in ("id", "author_id", "author_name", "body", "created_at")]
    found = sa.select(*columns).where(NOTE.c.tenant_id == tenant_id, NOTE.c.lead_id == lead_id)
    rows = await session.execute(found.order_by(NOTE.c.id.desc()).limit(limit))
    return [NoteRow(**row) for row in rows.mappings()]


async def channels_used(session: AsyncSession, tenant_id: UUID, conversation_id: UUID) -> list[ChannelUse]:
    """The channels of this thread, the latest first."""
    last_at = sa.func.max(MESSAGE.c.created_at).label("last_at")
    found = (
        sa.select(MESSAGE.c.channel_kind, sa.func.count().label("messages"), last_at)
        .where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id == conversation_id)
        .group_by(MESSAGE.c.channel_kind)
        .order_by(last_at.desc())
    )
    return [ChannelUse(**row) for row in (await session.execute(found)).mappings()]


async def count_new_leads(session: AsyncSession, tenant_id: UUID, since: datetime) -> int:
    """How many leads came in since then."""
    found = sa.select(sa.func.count()).where(LEAD.c.tenant_id == tenant_id, LEAD.c.created_at >= since)
    return (await session.scalar(found)) or 0


def _with_thread(page: sa.Subquery) -> sa.Select[tuple[object, ...]]:
    # The page is cut first, and each of its rows looks up its thread. In a plain join PostgreSQL reads all threads of
    # the tenant: behind the policy it takes every tenant for one of usual size.
    thread = (
        sa.select(CONVERSATION.c.id, CONVERSATION.c.last_message_at)
        .where(CONVERSATION.c.tenant_id == page.c.tenant_id, CONVERSATION.c.lead_id == page.c.id)
        .limit(1)
        .lateral("thread")
    )
    columns = [column for column in page.c if column.name != "tenant_id"]
    return (
        sa.select(*columns, thread.c.id.label("conversation_id"), thread.c.last_message_at)
        .select_from(page.outerjoin(thread, sa.true()))
        .order_by(page.c.created_at.desc(), page.c.id.desc())
    )


def _conditions(search: str, stage: Stage | None) -> Sequence[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if stage is not None:
        conditions.append(LEAD.c.stage == stage)
    words = search.strip()
    if words:
        names = [column.icontains(words, autoescape=True) for column in (LEAD.c.name, LEAD.c.profile_name)]
        conditions.append(sa.or_(*names, *_number_condition(words)))
    return conditions


def _number_condition(words: str) -> list[sa.ColumnElement[bool]]:
    # A number may be typed as it is printed, with blanks and brackets, or without its plus.
    digits = "".join(letter for letter in words if letter.isdigit())
    if digits and not any(letter.isalpha() for letter in words):
        return [LEAD.c.address.contains(digits, autoescape=True)]
    return [LEAD.c.address.icontains(words, autoescape=True)]
