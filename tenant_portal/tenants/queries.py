"""What staff see of the tenants: states, channels and counters, from narrow columns only. Takes a staff session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.errors import BadInput, NotFound
from tenant_portal.models import Channel, Subaccount, Tenant, TenantHour, TenantTraffic, WebhookRefusal
from tenant_portal.models.enums import ChannelKind, ChannelState, TenantState

PAGE_SIZE = 25
LONG_AGO = sa.text("'epoch'::timestamptz")


class Sort(StrEnum):
    """What the overview is ordered by; numbers and times largest first."""

    NAME = "name"
    NEWEST = "newest"
    LAST_WEBHOOK = "last webhook"
    TRAFFIC = "traffic"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class ChannelBadge:
    """A channel as staff see it."""

    kind: ChannelKind
    state: ChannelState
    phone_number: str
    last_error: str | None


@dataclass(frozen=True, slots=True)
class TenantRow:
    """One line of the overview. Counters cover the last 24 hours and 30 days; failures are undelivered messages."""

    id: UUID
    name: str
    state: TenantState
    is_synthetic: bool
    created_at: datetime
    account_sid: str | None
    twilio_status: str | None
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None
    last_webhook_at: datetime | None
    in_24h: int
    out_24h: int
    in_30d: int
    out_30d: int
    failures_24h: int
    refusals_24h: int
    channels: tuple[ChannelBadge, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refused requests of one reason and kind; names of parameters of the latest, never their values."""

    reason: str
    kind: str
    count: int
    last_at: datetime
    parameter_names: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the cursor that asks for those after them (None at the end)."""

    rows: tuple[TenantRow, ...]
    next_after: tuple[Any, UUID] | None


async def overview(
    session: AsyncSession,
    *,
    search: str = "",
    sort: Sort = Sort.NAME,
    state: TenantState | None = None,
    after: tuple[Any, UUID] | None = None,
    limit: int = PAGE_SIZE,
) -> Page:
    """A page of tenants. `search` matches name, AccountSid or phone number; `after` is the previous page's cursor."""
    lines = _lines().subquery()
    value, descending = _order(lines.c, sort)
    keys = sa.select(lines.c.id, value.label("sort_value")).where(*_filters(lines.c, search, state))
    if after is not None:
        key, cursor = sa.tuple_(value, lines.c.id), sa.tuple_(*(sa.literal(part) for part in after))
        keys = keys.where(key < cursor if descending else key > cursor)
    page = keys.order_by(*_both(value, lines.c.id, descending)).limit(limit + 1).subquery("page")
    # The page is cut first: PostgreSQL leaves out what neither order nor search asks for, and reads the hours of these
    # tenants instead of everybody's.
    query = _lines().add_columns(page.c.sort_value).join(page, page.c.id == col(Tenant.id))
    found = (await session.execute(query.order_by(*_both(page.c.sort_value, page.c.id, descending)))).all()
    rows = await _with_channels(session, found[:limit])
    more = len(found) > limit
    return Page(rows, (found[limit - 1].sort_value, found[limit - 1].id) if more else None)


async def one(session: AsyncSession, tenant_id: UUID) -> TenantRow:
    """One tenant's line; NotFound."""
    lines = _lines().subquery()
    found = (await session.execute(sa.select(lines).where(lines.c.id == tenant_id))).all()
    if not found:
        raise NotFound("This client no longer exists.")
    return (await _with_channels(session, found))[0]


async def refusals(session: AsyncSession, account_sid: str) -> list[Refusal]:
    """Why requests that named this account were refused in the last 24 hours, most frequent first."""
    of = WebhookRefusal
    many, last = sa.func.sum(col(of.count)), sa.func.max(col(of.last_at))
    names = sa.func.max(col(of.parameter_names))
    query = (
        sa.select(col(of.reason), col(of.kind), many, last, names)
        .where(col(of.account_sid) == account_sid, col(of.hour) > sa.func.now() - timedelta(hours=24))
        .group_by(col(of.reason), col(of.kind))
        .order_by(many.desc())
    )
    return [Refusal(*row) for row in await session.execute(query)]


async def counts(session: AsyncSession) -> dict[TenantState, int]:
    """How many tenants are in each state."""
    found = await session.execute(sa.select(col(Tenant.state), sa.func.count()).group_by(col(Tenant.state)))
    return {TenantState(state): count for state, count in found}


async def find(session: AsyncSession, text: str) -> UUID:
    """The tenant with this id or exact name; NotFound, BadInput where several have the name."""
    wanted = sa.or_(sa.cast(col(Tenant.id), sa.String) == text, sa.func.lower(col(Tenant.name)) == text.lower())
    found = (await session.scalars(sa.select(col(Tenant.id)).where(wanted).limit(2))).all()
    if not found:
        raise NotFound(f"There is no client called {text}.")
    if len(found) > 1:
        raise BadInput(f"Several clients are called {text}: please give the id.")
    return found[0]


async def tenant_ids(session: AsyncSession) -> Sequence[UUID]:
    """All tenants, oldest first."""
    return (await session.scalars(sa.select(col(Tenant.id)).order_by(col(Tenant.id)))).all()


async def tenant_state(session: AsyncSession, tenant_id: UUID) -> TenantState:
    """Whether the tenant may send and change things (`active`); NotFound. Takes a tenant or staff session."""
    state = await session.scalar(sa.select(col(Tenant.state)).where(col(Tenant.id) == tenant_id))
    if state is None:
        raise NotFound("This client no longer exists.")
    return TenantState(state)


async def tenant_name(session: AsyncSession, tenant_id: UUID) -> str:
    """The client's name; NotFound."""
    name = await session.scalar(sa.select(col(Tenant.name)).where(col(Tenant.id) == tenant_id))
    if name is None:
        raise NotFound("This client no longer exists.")
    return name


def _lines() -> sa.Select[Any]:
    hours, channels, refused = _hours(), _channels(), _refusals()
    return (
        sa.select(
            *(col(getattr(Tenant, name)) for name in ("id", "name", "state", "is_synthetic", "created_at")),
            *(
                col(getattr(Subaccount, name))
                for name in ("account_sid", "twilio_status", "attempts", "last_error", "next_attempt_at")
            ),
            sa.func.greatest(
                hours.c.last_webhook_at, col(TenantTraffic.last_webhook_at), channels.c.last_webhook_at
            ).label("last_webhook_at"),
            *((_or_none(hours.c[name]) + _or_none(getattr(TenantTraffic, name))).label(name) for name in _COUNTERS),
            sa.func.coalesce(refused.c.refusals_24h, 0).label("refusals_24h"),
            channels.c.numbers,
        )
        .join_from(Tenant, Subaccount, col(Subaccount.tenant_id) == col(Tenant.id))
        .join(TenantTraffic, col(TenantTraffic.tenant_id) == col(Tenant.id), isouter=True)
        .join(hours, sa.true(), isouter=True)
        .join(channels, sa.true(), isouter=True)
        .join(refused, sa.true(), isouter=True)
    )


def _or_none(counter: Any) -> sa.ColumnElement[int]:
    return sa.func.coalesce(counter, 0)


def _counters(end: Any) -> dict[str, sa.ColumnElement[Any]]:
    """Sums of hours before `end`. Whole hours: the first one of a window is counted in full."""
    day = col(TenantHour.hour) > end - timedelta(hours=24)
    return {
        "in_24h": sa.func.sum(col(TenantHour.messages_in)).filter(day),
        "out_24h": sa.func.sum(col(TenantHour.messages_out)).filter(day),
        "failures_24h": sa.func.sum(col(TenantHour.failures)).filter(day),
        "in_30d": sa.func.sum(col(TenantHour.messages_in)),
        "out_30d": sa.func.sum(col(TenantHour.messages_out)),
        "last_webhook_at": sa.func.max(col(TenantHour.last_webhook_at)),
    }


_COUNTERS = ("in_24h", "out_24h", "in_30d", "out_30d", "failures_24h")


def _hours() -> sa.FromClause:
    """The hours that `tenant_traffic` does not hold yet."""
    month = sa.func.now() - timedelta(days=30)
    return (
        sa.select(*(value.label(name) for name, value in _counters(sa.func.now()).items()))
        .where(
            col(TenantHour.tenant_id) == col(Tenant.id),
            col(TenantHour.hour) > month,
            col(TenantHour.hour) >= sa.func.coalesce(col(TenantTraffic.until), month),
        )
        .correlate(Tenant, TenantTraffic)
        .lateral("hours")
    )


async def sum_traffic(session: AsyncSession) -> None:
    """Sum up what the overview shows of the hours that are over. A staff session; a month's hours are read once."""
    until = sa.func.date_trunc("hour", sa.func.now(), "UTC")
    sums = {
        name: value if name == "last_webhook_at" else _or_none(value)
        for name, value in _counters(until).items()
    }
    of_month = sa.and_(
        col(TenantHour.tenant_id) == col(Tenant.id),
        col(TenantHour.hour) > until - timedelta(days=30),
        col(TenantHour.hour) < until,
    )
    query = (
        sa.select(col(Tenant.id), until, *sums.values())
        .join_from(Tenant, TenantHour, of_month, isouter=True)
        .group_by(col(Tenant.id))
        .order_by(col(Tenant.id))
    )
    insert = postgresql.insert(TenantTraffic).from_select(["tenant_id", "until", *sums], query)
    changes = {name: insert.excluded[name] for name in ("until", *sums)}
    await session.execute(insert.on_conflict_do_update(index_elements=["tenant_id"], set_=changes))


def _channels() -> sa.FromClause:
    return (
        sa.select(
            sa.func.max(col(Channel.last_webhook_at)).label("last_webhook_at"),
            sa.func.string_agg(col(Channel.phone_number), " ").label("numbers"),
        )
        .where(col(Channel.tenant_id) == col(Tenant.id), col(Channel.state) != ChannelState.DISCONNECTED)
        .correlate(Tenant)
        .lateral("channels")
    )


def _refusals() -> sa.FromClause:
    return (
        sa.select(sa.func.sum(col(WebhookRefusal.count)).label("refusals_24h"))
        .where(
            col(WebhookRefusal.account_sid) == col(Subaccount.account_sid),
            col(WebhookRefusal.hour) > sa.func.now() - timedelta(hours=24),
        )
        .correlate(Subaccount)
        .lateral("refused")
    )


def _order(columns: Any, sort: Sort) -> tuple[Any, bool]:
    values: dict[Sort, tuple[Any, bool]] = {
        Sort.NAME: (sa.func.lower(columns.name), False),
        Sort.NEWEST: (columns.created_at, True),
        Sort.LAST_WEBHOOK: (sa.func.coalesce(columns.last_webhook_at, LONG_AGO), True),
        Sort.TRAFFIC: (columns.in_30d + columns.out_30d, True),
        Sort.FAILURES: (columns.failures_24h + columns.refusals_24h, True),
    }
    return values[sort]


def _both(value: Any, key: Any, descending: bool) -> list[Any]:
    return [sa.desc(part) if descending else sa.asc(part) for part in (value, key)]


def _filters(columns: Any, search: str, state: TenantState | None) -> list[Any]:
    filters = []
    if words := search.strip():
        digits = "".join(filter(str.isdigit, words))
        matches = [columns.name.icontains(words, autoescape=True), columns.account_sid == words]
        if len(digits) >= 3:
            matches.append(columns.numbers.contains(digits))
        filters.append(sa.or_(*matches))
    if state is not None:
        filters.append(columns.state == state)
    return filters


async def _with_channels(session: AsyncSession, lines: Sequence[Any]) -> tuple[TenantRow, ...]:
    badges: dict[UUID, list[ChannelBadge]] = {line.id: [] for line in lines}
    names = ("tenant_id", "kind", "state", "phone_number", "last_error")
    found = await session.execute(
        sa.select(*(col(getattr(Channel, name)) for name in names))
        .where(col(Channel.tenant_id).in_(badges), col(Channel.state) != ChannelState.DISCONNECTED)
        .order_by(col(Channel.id))
    )
    for tenant_id, *badge in found:
        badges[tenant_id].append(ChannelBadge(*badge))
    return tuple(_row(line, tuple(badges[line.id])) for line in lines)


def _row(line: Any, channels: tuple[ChannelBadge, ...]) -> TenantRow:
    names = [name for name in TenantRow.__dataclass_fields__ if name != "channels"]
    return TenantRow(**{name: getattr(line, name) for name in names}, channels=channels)
