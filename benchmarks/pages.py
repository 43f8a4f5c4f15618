"""How long the queries behind the pages take as stored messages grow, in one interleaved run.

    python -m benchmarks.pages [--quick] [--json FILE] [--messages 100000 1000000 ...]

The portal's own query functions through their own doors, over databases of 1,000 clients side by side on one durable
server (`population.py`), for the largest and the median client. The clock runs while a statement is under way, from
this process' side. Every client has a full page of everything, so that the same number of rows is compared.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks import population, runner, world
from benchmarks.load import FIRST_LEAD, LEAD_NUMBER
from benchmarks.population import Size
from tenant_portal import database_setup, db
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.inbox import queries as inbox
from tenant_portal.leads import queries as leads
from tenant_portal.tenants import queries as tenants

AIM = 1.5
# psycopg prepares a statement the sixth time, PostgreSQL settles on a plan five times later.
WARM_UP = 12
# Twice a page and some, so that a whole page is left below the middle of the smallest client's list.
LEADS = 80

Query = Callable[[AsyncSession], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """The points, and how often each query is repeated in each round."""

    rounds: int
    repeats: int
    clients: int
    messages: tuple[int, ...]


QUICK = Plan(rounds=1, repeats=2, clients=4, messages=(400, 2_000))
FULL = Plan(rounds=7, repeats=30, clients=1_000, messages=(100_000, 1_000_000, 5_000_000))


@dataclass(frozen=True, slots=True)
class Person:
    """A client whose pages are read: where the middle of its list is, and its longest thread."""

    tenant_id: UUID
    middle: leads.Cursor
    thread: UUID

    def pages(self) -> dict[str, Query]:
        """Every query of this client's pages by name."""
        own = self.tenant_id
        return {
            "inbox, first page": lambda session: inbox.list_threads(session, own),
            "inbox, page in the middle": lambda session: inbox.list_threads(session, own, after=self.middle),
            "thread, newest page": lambda session: inbox.list_messages(session, own, self.thread),
            "leads, first page": lambda session: leads.list_leads(session, own),
        }


OF_STAFF: Mapping[str, Query] = {
    "tenants by name": tenants.overview,
    "tenants by traffic": lambda session: tenants.overview(session, sort=tenants.Sort.TRAFFIC),
}


@dataclass(frozen=True, slots=True)
class Point:
    """A filled database."""

    name: str
    login: str
    people: Mapping[str, UUID]

    def measure(self, repeats: int) -> runner.Figures:
        """Median milliseconds of each query."""
        return asyncio.run(self._measure(repeats))

    async def _measure(self, repeats: int) -> runner.Figures:
        db.use_database(self.login)
        figures: dict[str, float] = {}
        for who, tenant_id in self.people.items():
            person = await _person(tenant_id)
            for name, query in person.pages().items():
                async with db.tenant_session(tenant_id) as session:
                    figures[f"{name}, {who}"] = await median(session, query, repeats)
        for name, query in OF_STAFF.items():
            async with db.staff_session() as session:
                figures[name] = await median(session, query, repeats)
        await db.close()
        return figures


async def _person(tenant_id: UUID) -> Person:
    async with db.tenant_session(tenant_id) as session:
        threads = await inbox.list_threads(session, tenant_id, limit=sys.maxsize)
        longest = await leads.list_leads(session, tenant_id, leads.Filter(search=LEAD_NUMBER.format(FIRST_LEAD)))
    thread = longest[0].conversation_id
    assert thread is not None
    return Person(tenant_id, threads[len(threads) // 2].cursor, thread)


async def median(session: AsyncSession, query: Query, repeats: int) -> float:
    """Median milliseconds of the statements of a query, after enough calls that plans are settled."""
    for _ in range(WARM_UP):
        rows = await query(session)
    if not rows:
        raise SystemExit("A page is empty: nothing would be measured.")
    samples = []
    with _clock() as spent:
        for _ in range(repeats):
            spent.clear()
            await query(session)
            samples.append(sum(spent) * 1000)
    return statistics.median(samples)


@contextmanager
def _clock() -> Iterator[list[float]]:
    """Seconds of each statement that is sent in this block."""
    spent: list[float] = []
    begun = [0.0]

    def before(*_: object) -> None:
        begun[0] = time.perf_counter()

    def after(*_: object) -> None:
        spent.append(time.perf_counter() - begun[0])

    engine = db.engine().sync_engine
    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
    yield spent
    sa.event.remove(engine, "before_cursor_execute", before)
    sa.event.remove(engine, "after_cursor_execute", after)


def open_point(server: EmbeddedServer, size: Size) -> Point:
    """Fill a database of this size; its largest and its median client."""
    admin = database_setup.create_database(server.admin_url, f"portal_{size.messages}")
    login, _ = world.fill(admin, size.tenants)
    population.populate(admin, size)
    asyncio.run(_sum_traffic(login))
    print(f"filled: {size.messages:,} messages", file=sys.stderr)
    with psycopg.connect(admin) as connection:
        by_size = connection.execute("select tenant_id from message group by 1 order by count(*) desc").fetchall()
    people = {"largest client": by_size[0][0], "median client": by_size[len(by_size) // 2][0]}
    return Point(f"{size.messages:,}", login, people)


async def _sum_traffic(login: str) -> None:
    # What the worker does once an hour.
    db.use_database(login)
    async with db.staff_session() as session:
        await tenants.sum_traffic(session)
    await db.close()


def benchmark(plan: Plan) -> dict[str, object]:
    """Every figure, and each query's ratio to the first point."""
    with tempfile.TemporaryDirectory(prefix="portal-pages-") as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        with EmbeddedServer(Path(folder) / "server") as server:
            sizes = [Size(plan.clients, count, LEADS, inbox.MESSAGES_PAGE) for count in plan.messages]
            points = [open_point(server, size) for size in sizes]
            figures = runner.interleaved(
                [runner.Contender(point.name, lambda point=point: point.measure(plan.repeats)) for point in points],  # type: ignore[misc]
                plan.rounds,
                lambda line: print(line, file=sys.stderr),
            )
    middle = runner.medians(figures)
    first = points[0].name
    ratios = {page: runner.ratios(middle, first, page) for page in middle[first]}
    columns = {f"{name} \u00f7 {first}": name for name in middle if name != first}
    shown = {
        page: {name: middle[name][page] for name in middle} | {title: ratios[page][columns[title]] for title in columns}
        for page in ratios
    }
    print(f"\nms\n{runner.table(shown, [*middle, *columns])}\n", file=sys.stderr)
    above = [page for page in ratios if max(ratios[page].values()) > AIM]
    about = {"rounds": plan.rounds, "repeats": plan.repeats, "tenants": plan.clients}
    return about | {"medians, ms": middle, "ratios to the first": ratios, f"above {AIM}": above, "all": figures}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="seconds; checks the harness, not the speed")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--messages", type=int, nargs="+")
    parser.add_argument("--rounds", type=int)
    chosen = parser.parse_args()
    base = QUICK if chosen.quick else FULL
    messages = tuple(chosen.messages or base.messages)
    runner.give(benchmark(Plan(chosen.rounds or base.rounds, base.repeats, base.clients, messages)), chosen.json)


if __name__ == "__main__":
    main()
