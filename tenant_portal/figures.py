"""Figures that only the database knows: whose work waits, whose requests are refused, whose channel fell silent.

Read every READ_SECONDS by the worker through the narrowest doors, `portal_jobs` and `portal_staff`: ids, states, counts
and times. A series for each tenant would be thousands: only the MOST worst are told, by id and never by name.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tenant_portal import db, tasks
from tenant_portal.config import settings
from tenant_portal.front_door.metrics import told

READ_SECONDS = 15.0
MOST = 20
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric: the query gives its labels' values in their order, and then its value."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    query: str


SUSPENDED = "select id from tenant where state <> 'active'"
# A row that waits for its time waits for nobody. What a suspended client left behind waits for the client.
LAG = Figure(
    "portal_queue_lag_seconds",
    f"How long the oldest work that is due has waited, of the {MOST} tenants that wait longest.",
    ("tenant_id", "task"),
    """
    select tenant_id::text, task, extract(epoch from now() - min(due))::float8 from (
        select tenant_id, 'inbox.send_outbox' as task, coalesce(next_attempt_at, status_at) as due from message
        where direction = 'out' and status in ('queued', 'sending', 'unknown') and status = 'queued'
        union all select tenant_id, 'inbox.fetch_media', next_attempt_at from media where state = 'waiting'
        union all select tenant_id, 'channels.advance', next_attempt_at from channel
        union all select tenant_id, 'tenants.provision', next_attempt_at from subaccount
        union all select tenant_id, 'mail.send', next_attempt_at from outgoing_email where state = 'waiting'
    ) as work where due <= now() and tenant_id <> all (:others) group by 1, 2 order by 3 desc limit :most
    """,
)
JOBS = Figure(
    "portal_queue_jobs",
    "Jobs in the queue; failed ones stay until somebody looks.",
    ("task", "status"),
    "select task_name, status::text, count(*) from jobs.procrastinate_jobs group by 1, 2",
)
STAFF_FIGURES = (
    Figure("portal_tenants", "Tenants by state.", ("state",), "select state, count(*) from tenant group by 1"),
    Figure(
        "portal_quarantined_requests",
        "Requests in quarantine that nobody has settled.",
        ("reason",),
        "select reason, count(*) from quarantined_request where state = 'held' group by 1",
    ),
    Figure(
        "portal_given_up_tenants",
        "Tenants with work that was given up and that nobody has started again.",
        ("task",),
        "select task, count(*) from jobs.given_up() group by 1",
    ),
    Figure(
        "portal_tenant_refusals",
        f"Refused requests of known accounts in this hour and the one before, the {MOST} largest counts.",
        ("tenant_id", "reason"),
        """
        select s.tenant_id::text, r.reason, sum(r.count) from webhook_refusal r
        join subaccount s on s.account_sid = r.account_sid
        where r.hour >= date_trunc('hour', now(), 'UTC') - interval '1 hour'
        group by 1, 2 order by 3 desc limit :most
        """,
    ),
    Figure(
        "portal_channel_silent_seconds",
        f"Since the last webhook of active channels that were busy (50 messages in their last day) and have been silent"
        f" for 6 hours to 3 days, the {MOST} longest.",
        ("tenant_id", "channel"),
        """
        select c.tenant_id::text, c.kind, extract(epoch from now() - c.last_webhook_at)::float8 from channel c
        join tenant t on t.id = c.tenant_id and t.state = 'active'
        where c.state = 'active' and c.last_webhook_at between now() - interval '3 days' and now() - interval '6 hours'
          and (select sum(h.messages_in) from tenant_hour h where h.tenant_id = c.tenant_id
               and h.hour between c.last_webhook_at - interval '1 day' and c.last_webhook_at) >= 50
        order by 3 desc limit :most
        """,
    ),
)
FIGURES = (LAG, JOBS, *STAFF_FIGURES)
READ_AT = ("portal_figures_timestamp_seconds", "When the figures of the database were read, as Unix time.")


class DatabaseFigures(Collector):
    """Tells what was read last. While the database cannot be asked it tells nothing, rather than what was true once."""

    def __init__(self) -> None:
        self._rows: dict[str, Sequence[Sequence[Any]]] = {}
        self._read_at = 0.0

    def describe(self) -> Iterable[Metric]:
        """Names and meanings, without a value."""
        return [*(_family(figure, ()) for figure in FIGURES), GaugeMetricFamily(*READ_AT)]

    def collect(self) -> Iterator[Metric]:
        """The figures as they were read last."""
        rows = self._rows
        for figure in FIGURES:
            yield _family(figure, rows.get(figure.name, ()))
        yield GaugeMetricFamily(*READ_AT, value=self._read_at)

    async def read(self) -> None:
        """Ask the database. SQLAlchemyError, OSError: it is away, and the old figures are forgotten."""
        self._rows = {}
        rows: dict[str, Sequence[Sequence[Any]]] = {}
        async with db.staff_session() as session:
            others = list(await session.scalars(text(SUSPENDED)))
            for figure in STAFF_FIGURES:
                limit = {"most": MOST} if ":most" in figure.query else {}
                rows[figure.name] = (await session.execute(text(figure.query), limit)).all()
        async with db.job_queue_session() as session:
            rows[LAG.name] = (await session.execute(text(LAG.query), {"most": MOST, "others": others})).all()
            rows[JOBS.name] = (await session.execute(text(JOBS.query))).all()
        self._rows, self._read_at = rows, time.time()

    async def read_for_ever(self) -> None:
        """To be run as a task."""
        while True:
            try:
                await self.read()
            except (SQLAlchemyError, psycopg.Error, OSError):
                log.warning("the figures of the database could not be read", exc_info=True)
            await asyncio.sleep(READ_SECONDS)


@asynccontextmanager
async def kept_fresh() -> AsyncIterator[None]:
    """Part of this process's /metrics as long as this is open; not read at all where nobody could ask for them."""
    if not settings().metrics_address:
        yield
        return
    figures = DatabaseFigures()
    reading = asyncio.create_task(figures.read_for_ever())
    try:
        with told(figures):
            yield
    finally:
        await tasks.end(reading)


def _family(figure: Figure, rows: Iterable[Sequence[Any]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(figure.name, figure.meaning, labels=figure.labels)
    for *labels, value in rows:
        family.add_metric([str(label) for label in labels], float(value))
    return family
