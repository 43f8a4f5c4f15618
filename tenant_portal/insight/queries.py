"""A client's figures, from its rows at the time of asking."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.errors import PortalError
from tenant_portal.insight.rules import Period
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind
from tenant_portal.models.ids import earliest_id

TENANT = metadata.tables["tenant"]
LONGEST_SECONDS = 10.0
# Ids are made when a message comes, and stored a little later: a day covers what a spool has kept.
MARGIN = timedelta(days=1)
RANGE = "tenant_id = :tenant and id >= :low and id < :high and created_at >= :start and created_at < :end"


def _statement(words: str) -> sa.TextClause:
    """SQL in which RANGE stands for the rows of the client in the period, of the table before it."""
    return sa.text(words.replace("RANGE", RANGE))


TRAFFIC = _statement(
    "select (created_at at time zone :zone)::date as day, channel_kind, direction, count(*) as messages,"
    " count(*) filter (where status in ('delivered', 'read')) as delivered,"
    " count(*) filter (where status in ('undelivered', 'failed')) as failed"
    " from message where RANGE and channel_kind <> 'voicemail' group by 1, 2, 3"
)
AUTHORS = _statement(
    "select author_id as id, max(author_name) as name, count(*) as value"
    " from message where RANGE and direction = 'out' and author_id is not null group by 1"
)
# Of each thread only where the direction turns: the first message that waits, and the first answer of a person to it.
RESPONSES = _statement("""
select channel_kind, author_id, grouping(channel_kind, author_id) as level, count(*) as answers,
       percentile_cont(0.5) within group (order by seconds) as median,
       percentile_cont(0.9) within group (order by seconds) as slow
from (select channel_kind, author_id, direction,
             extract(epoch from created_at - lag(created_at) over thread)::float8 as seconds
      from (select conversation_id, id, created_at, direction, channel_kind, author_id,
                   lag(direction) over (partition by conversation_id order by id) as previous
            from message
            where RANGE and channel_kind <> 'voicemail' and (direction = 'in' or author_id is not null)) as talk
      where previous is distinct from direction
      window thread as (partition by conversation_id order by id)) as turn
where direction = 'out' and seconds is not null
group by grouping sets ((), (channel_kind), (author_id))
""")
# A thread is open since its first message, or since it was last opened again.
CLOSED = _statement("""
select actor_id, max(actor_name) as name, grouping(actor_id) as level, count(*) as threads,
       percentile_cont(0.5) within group (order by seconds) as median,
       percentile_cont(0.9) within group (order by seconds) as slow
from (select e.actor_id, e.actor_name, extract(epoch from e.created_at - coalesce(
             (select max(r.created_at) from thread_event r
              where r.tenant_id = :tenant and r.conversation_id = e.conversation_id and r.kind = 'reopened'
                and r.id < e.id), c.created_at))::float8 as seconds
      from (select * from thread_event where RANGE and kind = 'closed') as e
      join conversation c on c.tenant_id = :tenant and c.id = e.conversation_id) as closing
group by grouping sets ((), (actor_id))
""")
CALLS = _statement("""
select count(*) as calls, count(*) filter (where is_missed) as missed,
       count(*) filter (where is_missed and is_returned) as returned
from (select not details ? 'answered_seconds' as is_missed, handled_by is not null or exists (
             select from message o where o.tenant_id = :tenant and o.conversation_id = call.conversation_id
               and o.id > call.id and o.direction = 'out' and o.author_id is not null) as is_returned
      from message as call where RANGE and channel_kind = 'voicemail' and direction = 'in') as found
""")
HANDLERS = _statement(
    "select handled_by as id, max(handled_by_name) as name, count(*) as value from message"
    " where RANGE and channel_kind = 'voicemail' and direction = 'in' and handled_by is not null group by 1"
)
OPT_OUTS = _statement(
    "select (select count(distinct conversation_id) from thread_event where RANGE and kind = 'opted-out') as people,"
    " (select count(distinct conversation_id) from message where RANGE and direction = 'out') as written_to"
)
STAGES = sa.text("""
select s.name, s.colour, count(l.id) as leads,
       count(l.id) filter (where l.created_at >= :start and l.created_at < :end) as fresh
from lead_stage s left join lead l on l.tenant_id = :tenant and l.stage_id = s.id and l.merged_into is null
where s.tenant_id = :tenant group by s.id, s.name, s.colour, s.position order by s.position, s.id
""")
NEW_LEADS = sa.text(
    "select count(*) from lead where tenant_id = :tenant and created_at >= :start and created_at < :end"
    " and merged_into is null"
)


class FiguresUnavailable(PortalError):
    """The database did not answer, or not in time."""

    def __init__(self) -> None:
        super().__init__("The figures could not be read just now. Try again, or choose fewer days.", permanent=False)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: seconds of the middle one and of nine in ten; None where it never happened."""

    count: int = 0
    median: float | None = None
    slow: float | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages of one day and channel, without calls."""

    day: date
    channel_kind: ChannelKind
    direction: str
    messages: int
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """What one of the team did."""

    name: str
    sent: int = 0
    response: Spread = Spread()
    closed: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class StageFigures:
    """How many leads stand in a stage now; `fresh` are those whose first contact was in the period."""

    name: str
    colour: str
    leads: int
    fresh: int


@dataclass(frozen=True, slots=True)
class Totals:
    """One period in figures."""

    messages_in: int
    messages_out: int
    delivered: int
    failed: int
    response: Spread
    closing: Spread
    calls: int
    missed: int
    returned: int
    opted_out: int
    written_to: int
    new_leads: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the page shows of a period, and the totals of the one before."""

    period: Period
    totals: Totals
    before: Totals
    traffic: tuple[Traffic, ...]
    response_of: Mapping[ChannelKind, Spread]
    people: tuple[PersonFigures, ...]
    stages: tuple[StageFigures, ...]


async def timezone_of(session: AsyncSession, tenant_id: UUID) -> str:
    """The zone by whose calendar the client counts its days (IANA)."""
    return str(await session.scalar(sa.select(TENANT.c.timezone).where(TENANT.c.id == tenant_id)))


async def figures(session: AsyncSession, tenant_id: UUID, period: Period) -> Figures:
    """All figures of the period; FiguresUnavailable after LONGEST_SECONDS for one of them."""
    values, earlier = _values(tenant_id, period), _values(tenant_id, period.before())
    async with _in_time(session):
        traffic = await _traffic(session, values)
        responses = list((await session.execute(RESPONSES, values)).mappings())
        closings = list((await session.execute(CLOSED, values)).mappings())
        return Figures(
            period,
            await _totals(session, values, traffic, responses, closings),
            await _totals_alone(session, earlier),
            traffic,
            {ChannelKind(row["channel_kind"]): _spread(row, "answers") for row in responses if row["level"] == 1},
            await _people(session, values, responses, closings),
            tuple(StageFigures(**row) for row in (await session.execute(STAGES, values)).mappings()),
        )


@asynccontextmanager
async def _in_time(session: AsyncSession) -> AsyncIterator[None]:
    try:
        await session.execute(sa.text(f"set local statement_timeout = {round(1000 * LONGEST_SECONDS)}"))
        yield
    except DBAPIError as error:
        raise FiguresUnavailable from error


async def _traffic(session: AsyncSession, values: dict[str, Any]) -> tuple[Traffic, ...]:
    rows = (await session.execute(TRAFFIC, values)).mappings()
    return tuple(Traffic(**row | {"channel_kind": ChannelKind(row["channel_kind"])}) for row in map(dict, rows))


async def _totals_alone(session: AsyncSession, values: dict[str, Any]) -> Totals:
    traffic = await _traffic(session, values)
    responses = list((await session.execute(RESPONSES, values)).mappings())
    return await _totals(session, values, traffic, responses, list((await session.execute(CLOSED, values)).mappings()))


async def _totals(
    session: AsyncSession,
    values: dict[str, Any],
    traffic: tuple[Traffic, ...],
    responses: list[sa.RowMapping],
    closings: list[sa.RowMapping],
) -> Totals:
    calls = (await session.execute(CALLS, values)).mappings().one()
    people, written_to = (await session.execute(OPT_OUTS, values)).one()
    sent = [row for row in traffic if row.direction == "out"]
    return Totals(
        messages_in=sum(row.messages for row in traffic if row.direction == "in"),
        messages_out=sum(row.messages for row in sent),
        delivered=sum(row.delivered for row in sent),
        failed=sum(row.failed for row in sent),
        response=next((_spread(row, "answers") for row in responses if row["level"] == 3), Spread()),
        closing=next((_spread(row, "threads") for row in closings if row["level"] == 1), Spread()),
        **calls,
        opted_out=people,
        written_to=written_to,
        new_leads=(await session.scalar(NEW_LEADS, values)) or 0,
    )


async def _people(
    session: AsyncSession, values: dict[str, Any], responses: list[sa.RowMapping], closings: list[sa.RowMapping]
) -> tuple[PersonFigures, ...]:
    sent = {row.id: row for row in await session.execute(AUTHORS, values)}
    calls = {row.id: row for row in await session.execute(HANDLERS, values)}
    closed = {row["actor_id"]: row for row in closings if row["level"] == 0 and row["actor_id"] is not None}
    answered = {row["author_id"]: _spread(row, "answers") for row in responses if row["level"] == 2}
    names = {key: row["name"] for key, row in closed.items()}
    names |= {key: row.name for key, row in (calls | sent).items()}
    found = [
        PersonFigures(
            name=name,
            sent=sent[key].value if key in sent else 0,
            response=answered.get(key, Spread()),
            closed=closed[key]["threads"] if key in closed else 0,
            calls=calls[key].value if key in calls else 0,
        )
        for key, name in names.items()
    ]
    return tuple(sorted(found, key=lambda person: (-person.sent, person.name)))


def _spread(row: sa.RowMapping, count: str) -> Spread:
    return Spread(row[count], row["median"], row["slow"])


def _values(tenant_id: UUID, period: Period) -> dict[str, Any]:
    start, end = period.start, period.end
    bounds = {"low": earliest_id(start - MARGIN), "high": earliest_id(end + MARGIN), "start": start, "end": end}
    return bounds | {"tenant": tenant_id, "zone": period.timezone}
