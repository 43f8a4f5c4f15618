"""Reading leads for pages. Leads that were merged into another are shown nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.errors import NotFound
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, Colour, FieldKind, StageKind

LEAD = metadata.tables["lead"]
STAGE = metadata.tables["lead_stage"]
LABEL = metadata.tables["label"]
LEAD_LABEL = metadata.tables["lead_label"]
FIELD = metadata.tables["lead_field"]
NOTE = metadata.tables["lead_note"]
CONVERSATION = metadata.tables["conversation"]
MESSAGE = metadata.tables["message"]
USER = metadata.tables["portal_user"]
TENANT = metadata.tables["tenant"]
PAGE = 30

Cursor = tuple[Any, UUID]


class Sort(StrEnum):
    """The orders of the list; each is made complete by the id."""

    NEWEST = "newest"
    NAME = "name"
    VALUE = "value"
    DUE = "due"


class Due(StrEnum):
    """When the next step of a lead is to be done. Days are those of UTC."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    NONE = "none"


class Source(StrEnum):
    """How a lead came: over a channel, by an advertisement, or entered by the team."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    VOICEMAIL = "voicemail"
    AD = "ad"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which leads are wanted; an empty one wants all that are not blocked. `unowned` goes before `owner_id`."""

    search: str = ""
    stage_id: UUID | None = None
    owner_id: UUID | None = None
    unowned: bool = False
    label_id: UUID | None = None
    source: Source | None = None
    due: Due | None = None
    blocked: bool = False


ALL = Filter()


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage of the tenant."""

    id: UUID
    name: str
    colour: Colour
    kind: StageKind


@dataclass(frozen=True, slots=True)
class StageSum:
    """How many leads stand in a stage, and what they are worth together."""

    count: int = 0
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label of the tenant."""

    id: UUID
    name: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of the tenant's own; `choices` is empty unless it is a choice."""

    id: UUID
    name: str
    kind: FieldKind
    choices: list[str]


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead. `last_message_at` is None where nothing was ever exchanged; `fields` maps field ids to text.

    `sort_key` is what the list it came in was ordered by.
    """

    id: UUID
    address: str
    name: str
    profile_name: str
    place: str
    stage_id: UUID
    stage_name: str
    stage_colour: Colour
    stage_kind: StageKind
    source: ChannelKind | None
    referral: dict[str, Any] | None
    value: Decimal | None
    owner_id: UUID | None
    owner_name: str
    next_step: str
    next_step_on: date | None
    fields: dict[str, Any]
    opted_out_at: datetime | None
    blocked_at: datetime | None
    created_at: datetime
    conversation_id: UUID | None
    last_message_at: datetime | None
    sort_key: Any = None
    labels: tuple[LabelRow, ...] = ()

    @property
    def cursor(self) -> Cursor:
        """Where the page after this row starts, in the order of its list."""
        return self.sort_key, self.id


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
    wanted: Filter = ALL,
    *,
    sort: Sort = Sort.NEWEST,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> list[LeadRow]:
    """A page of leads. The order of the newest, whole or in one stage, is read off an index; the others sort."""
    key, descending = _sort_key(sort)
    order = (key.desc(), LEAD.c.id.desc()) if descending else (key, LEAD.c.id)
    found = sa.select(*LEAD.c, key.label("sort_key")).where(LEAD.c.tenant_id == tenant_id, *_conditions(wanted))
    if after is not None:
        # With its type named: PostgreSQL takes a bare parameter in a row comparison for text.
        here, there = sa.tuple_(key, LEAD.c.id), sa.tuple_(sa.cast(after[0], key.type), sa.cast(after[1], sa.Uuid))
        found = found.where(here < there if descending else here > there)
    page = found.order_by(*order).limit(limit).subquery("page")
    rows = (await session.execute(_with_others(page, descending=descending))).mappings()
    return await _with_labels(session, tenant_id, [LeadRow(**row) for row in rows])


async def get_lead(session: AsyncSession, tenant_id: UUID, lead_id: UUID) -> LeadRow:
    """One lead; NotFound if this tenant has none of this id, or it was merged into another."""
    found = sa.select(*LEAD.c, LEAD.c.created_at.label("sort_key")).where(
        LEAD.c.tenant_id == tenant_id, LEAD.c.id == lead_id, LEAD.c.merged_into.is_(None)
    )
    row = (await session.execute(_with_others(found.subquery("page"), descending=True))).mappings().first()
    if row is None:
        raise NotFound("This lead does not exist.")
    return (await _with_labels(session, tenant_id, [LeadRow(**row)]))[0]


async def list_stages(session: AsyncSession, tenant_id: UUID) -> list[StageRow]:
    """All stages in their order."""
    found = sa.select(*(STAGE.c[name] for name in StageRow.__annotations__)).where(STAGE.c.tenant_id == tenant_id)
    rows = await session.execute(found.order_by(STAGE.c.position, STAGE.c.id))
    return [StageRow(**row) for row in rows.mappings()]


async def list_labels(session: AsyncSession, tenant_id: UUID) -> list[LabelRow]:
    """All labels by name."""
    found = sa.select(*(LABEL.c[name] for name in LabelRow.__annotations__)).where(LABEL.c.tenant_id == tenant_id)
    rows = await session.execute(found.order_by(sa.func.lower(LABEL.c.name)))
    return [LabelRow(**row) for row in rows.mappings()]


async def list_fields(session: AsyncSession, tenant_id: UUID) -> list[FieldRow]:
    """The tenant's own fields in their order."""
    found = sa.select(*(FIELD.c[name] for name in FieldRow.__annotations__)).where(FIELD.c.tenant_id == tenant_id)
    rows = await session.execute(found.order_by(FIELD.c.position, FIELD.c.id))
    return [FieldRow(**row) for row in rows.mappings()]


async def get_currency(session: AsyncSession, tenant_id: UUID) -> str:
    """The ISO 4217 code in which this tenant's values stand."""
    found = await session.scalar(sa.select(TENANT.c.currency).where(TENANT.c.id == tenant_id))
    if found is None:
        raise NotFound
    return str(found)


async def sums_by_stage(session: AsyncSession, tenant_id: UUID, wanted: Filter = ALL) -> dict[UUID, StageSum]:
    """How many of the wanted leads stand in each stage; a stage without any is missing. Reads all of them."""
    worth = sa.func.coalesce(sa.func.sum(LEAD.c.value), 0)
    found = sa.select(LEAD.c.stage_id, sa.func.count(), worth).where(
        LEAD.c.tenant_id == tenant_id, *_conditions(replace(wanted, stage_id=None))
    )
    rows = await session.execute(found.group_by(LEAD.c.stage_id))
    return {stage_id: StageSum(count, value) for stage_id, count, value in rows}


async def count_by_stage(session: AsyncSession, tenant_id: UUID) -> dict[UUID, int]:
    """How many leads stand in each stage, blocked and merged ones as well: all that hold on to it."""
    found = sa.select(LEAD.c.stage_id, sa.func.count()).where(LEAD.c.tenant_id == tenant_id)
    return {row.stage_id: row[1] for row in await session.execute(found.group_by(LEAD.c.stage_id))}


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
    found = sa.select(sa.func.count()).where(
        LEAD.c.tenant_id == tenant_id, LEAD.c.created_at >= since, LEAD.c.merged_into.is_(None)
    )
    return (await session.scalar(found)) or 0


def _sort_key(sort: Sort) -> tuple[sa.ColumnElement[Any], bool]:
    """What a list is ordered by, and whether the largest comes first."""
    if sort is Sort.NAME:
        named = (sa.func.nullif(LEAD.c.name, ""), sa.func.nullif(LEAD.c.profile_name, ""), LEAD.c.address)
        return sa.func.lower(sa.func.coalesce(*named), type_=sa.Text()), False
    if sort is Sort.VALUE:
        return sa.func.coalesce(LEAD.c.value, -1, type_=sa.Numeric()), True
    if sort is Sort.DUE:
        # A day after all others, which Python's dates can hold, so that it can be a cursor as well.
        return sa.func.coalesce(LEAD.c.next_step_on, sa.cast("9999-12-31", sa.Date), type_=sa.Date()), False
    return LEAD.c.created_at, True


def _with_others(page: sa.Subquery, *, descending: bool) -> sa.Select[tuple[Any, ...]]:
    # The page is cut first, and each of its rows looks up its thread. In a plain join PostgreSQL reads all threads of
    # the tenant: behind the policy it takes every tenant for one of usual size.
    thread = (
        sa.select(CONVERSATION.c.id, CONVERSATION.c.last_message_at, CONVERSATION.c.message_count)
        .where(CONVERSATION.c.tenant_id == page.c.tenant_id, CONVERSATION.c.lead_id == page.c.id)
        .limit(1)
        .lateral("thread")
    )
    stages = sa.and_(STAGE.c.tenant_id == page.c.tenant_id, STAGE.c.id == page.c.stage_id)
    owners = sa.and_(USER.c.tenant_id == page.c.tenant_id, USER.c.id == page.c.owner_id)
    left_out = {"tenant_id", "stage", "merged_into"}
    order = (page.c.sort_key.desc(), page.c.id.desc()) if descending else (page.c.sort_key, page.c.id)
    return (
        sa.select(
            *(column for column in page.c if column.name not in left_out),
            STAGE.c.name.label("stage_name"),
            STAGE.c.colour.label("stage_colour"),
            STAGE.c.kind.label("stage_kind"),
            sa.func.coalesce(USER.c.name, "").label("owner_name"),
            thread.c.id.label("conversation_id"),
            sa.case((thread.c.message_count > 0, thread.c.last_message_at)).label("last_message_at"),
        )
        .select_from(page.join(STAGE, stages).outerjoin(USER, owners).outerjoin(thread, sa.true()))
        .order_by(*order)
    )


async def labels_of(
    session: AsyncSession, tenant_id: UUID, lead_ids: Sequence[UUID]
) -> dict[UUID, tuple[LabelRow, ...]]:
    """The labels of each of these leads that has any, by name."""
    if not lead_ids:
        return {}
    found = (
        sa.select(LEAD_LABEL.c.lead_id, *(LABEL.c[name] for name in LabelRow.__annotations__))
        .join(LABEL, sa.and_(LABEL.c.tenant_id == LEAD_LABEL.c.tenant_id, LABEL.c.id == LEAD_LABEL.c.label_id))
        .where(LEAD_LABEL.c.tenant_id == tenant_id, LEAD_LABEL.c.lead_id.in_(lead_ids))
        .order_by(sa.func.lower(LABEL.c.name))
    )
    labels: dict[UUID, list[LabelRow]] = {}
    for lead_id, *label in await session.execute(found):
        labels.setdefault(lead_id, []).append(LabelRow(*label))
    return {lead_id: tuple(rows) for lead_id, rows in labels.items()}


async def _with_labels(session: AsyncSession, tenant_id: UUID, rows: list[LeadRow]) -> list[LeadRow]:
    labels = await labels_of(session, tenant_id, [row.id for row in rows])
    return [replace(row, labels=labels.get(row.id, ())) for row in rows]


def _conditions(wanted: Filter) -> Sequence[sa.ColumnElement[bool]]:
    blocked = LEAD.c.blocked_at.is_not(None) if wanted.blocked else LEAD.c.blocked_at.is_(None)
    conditions: list[sa.ColumnElement[bool]] = [LEAD.c.merged_into.is_(None), blocked]
    if wanted.stage_id is not None:
        conditions.append(LEAD.c.stage_id == wanted.stage_id)
    if wanted.unowned:
        conditions.append(LEAD.c.owner_id.is_(None))
    elif wanted.owner_id is not None:
        conditions.append(LEAD.c.owner_id == wanted.owner_id)
    if wanted.label_id is not None:
        conditions.append(_has_label(wanted.label_id))
    if wanted.source is not None:
        conditions.append(_came_by(wanted.source))
    if wanted.due is not None:
        conditions.append(_is_due(wanted.due))
    words = wanted.search.strip()
    if words:
        names = [column.icontains(words, autoescape=True) for column in (LEAD.c.name, LEAD.c.profile_name)]
        conditions.append(sa.or_(*names, *_number_condition(words)))
    return conditions


def _has_label(label_id: UUID) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        LEAD_LABEL.c.tenant_id == LEAD.c.tenant_id,
        LEAD_LABEL.c.lead_id == LEAD.c.id,
        LEAD_LABEL.c.label_id == label_id,
    )


def _came_by(source: Source) -> sa.ColumnElement[bool]:
    if source is Source.AD:
        return LEAD.c.referral.is_not(None)
    if source is Source.TEAM:
        return LEAD.c.source.is_(None)
    return LEAD.c.source == ChannelKind(source.value)


def _is_due(due: Due) -> sa.ColumnElement[bool]:
    day = LEAD.c.next_step_on
    if due is Due.NONE:
        return day.is_(None)
    today = sa.func.current_date()
    if due is Due.OVERDUE:
        return day < today
    return day == today if due is Due.TODAY else day.between(today, today + 6)


def _number_condition(words: str) -> list[sa.ColumnElement[bool]]:
    # A number may be typed as it is printed, with blanks and brackets, or without its plus.
    digits = "".join(letter for letter in words if letter.isdigit())
    if digits and not any(letter.isalpha() for letter in words):
        return [LEAD.c.address.contains(digits, autoescape=True)]
    return [LEAD.c.address.icontains(words, autoescape=True)]
