"""How long the inbox's reads take as messages and threads grow, and what taking words in costs, in one run.

    python -m benchmarks.inbox [--quick] [--json FILE] [--messages 100000 1000000 ...] [--threads 50 50000]

The portal's own query functions, as in `pages.py`, over databases of 1,000 clients of Zipf's sizes for the largest
client; and over clients with 50 and 50,000 threads. Each message gets one word that all have, one that one in a hundred
has and one of its own. The clock runs while a statement is under way.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks import population, runner, world
from benchmarks.pages import Query, median
from benchmarks.population import Size
from tenant_portal import database_setup, db
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.inbox import queries as inbox
from tenant_portal.inbox import words
from tenant_portal.inbox.search import find_messages
from tenant_portal.leads import queries as leads
from tenant_portal.models.enums import ChannelKind

LIMIT_MILLISECONDS = 200
FLOOR = 60
COMMON, RARE, UNIQUE = "tomorrow", "rarely42", "single777"
WORDS = """
update message m set body = m.body || ' tomorrow rarely' || n % 100 || ' single' || n
from (select tenant_id, id, row_number() over (partition by tenant_id order by id) as n from message) as numbered
where m.tenant_id = numbered.tenant_id and m.id = numbered.id
"""
LABELS = """
insert into label (tenant_id, id, name, colour)
select tenant.id, uuidv7(), v.name, 'teal' from tenant cross join (values ('often'), ('seldom')) as v (name);
insert into lead_label (tenant_id, lead_id, label_id)
select l.tenant_id, l.id, b.id from (
    select tenant_id, id, row_number() over (partition by tenant_id order by id) as n from lead) as l
join label b on b.tenant_id = l.tenant_id and (b.name = 'often' and n % 2 = 0 or b.name = 'seldom' and n % 40 = 1);
update conversation set state = 'closed' where id in (
    select id from (select id, row_number() over (partition by tenant_id order by id) as n from conversation) as c
    where n % 3 = 0);
analyze label, lead_label, conversation;
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The points, and how often each query is repeated in each round."""

    rounds: int
    repeats: int
    clients: int
    messages: tuple[int, ...]
    threads: tuple[int, ...]


QUICK = Plan(rounds=1, repeats=2, clients=3, messages=(1_500, 3_000), threads=(60, 90))
FULL = Plan(rounds=5, repeats=20, clients=1_000, messages=(100_000, 1_000_000), threads=(50, 50_000))


@dataclass(frozen=True, slots=True)
class Point:
    """A filled database and the client that is measured in it."""

    name: str
    login: str
    tenant_id: UUID

    def measure(self, repeats: int) -> runner.Figures:
        """Median milliseconds of each read."""
        return asyncio.run(self._measure(repeats))

    async def _measure(self, repeats: int) -> runner.Figures:
        db.use_database(self.login)
        reads, figures = await self._reads(), {}
        for name, read in reads.items():
            async with db.tenant_session(self.tenant_id) as session:
                figures[name] = await median(session, read, repeats)
        await db.close()
        return figures

    async def _reads(self) -> Mapping[str, Query]:
        own = self.tenant_id
        async with db.tenant_session(own) as session:
            first = await inbox.list_threads(session, own)
            longest = await _longest(session, own)
            page = await inbox.list_messages(session, own, longest)
            labels = await _labels(session, own)
        list_ = inbox.list_threads
        return {
            "list, first page": lambda session: list_(session, own),
            "list, second page": lambda session: list_(session, own, after=first[-1].cursor),
            "list, closed": lambda session: list_(session, own, view=inbox.View.CLOSED),
            "list, one channel": lambda session: list_(session, own, channel=ChannelKind.SMS),
            "list, label of every second": lambda session: list_(session, own, label_id=labels["often"]),
            "list, label of one in forty": lambda session: list_(session, own, label_id=labels["seldom"]),
            "thread, newest page": lambda session: inbox.list_messages(session, own, longest),
            "thread, older page": lambda session: inbox.list_messages(session, own, longest, before=page[-5].id),
            "search, in every message": lambda session: find_messages(session, own, COMMON),
            "search, in one of a hundred": lambda session: find_messages(session, own, RARE),
            "search, in one message": lambda session: find_messages(session, own, UNIQUE[:-1]),
            "search, two words": lambda session: find_messages(session, own, f"{COMMON} {RARE}"),
            "search, begun word": lambda session: find_messages(session, own, "rarel"),
            "search, a number": lambda session: inbox.find_threads(session, own, own, first[0].address[-7:]),
        }


async def _longest(session: AsyncSession, tenant_id: UUID) -> UUID:
    table = inbox.CONVERSATION
    longest = table.select().with_only_columns(table.c.id).where(table.c.tenant_id == tenant_id)
    found: UUID = (await session.scalars(longest.order_by(table.c.message_count.desc()).limit(1))).one()
    return found


async def _labels(session: AsyncSession, tenant_id: UUID) -> dict[str, UUID]:
    return {row.name: row.id for row in await leads.list_labels(session, tenant_id)}


def open_point(server: EmbeddedServer, name: str, size: Size) -> tuple[Point, float]:
    """Fill a database and take its words in; microseconds of this process' waiting that each message took."""
    admin = database_setup.create_database(server.admin_url, f"portal_{name.replace(',', '').replace(' ', '_')}")
    login, _ = world.fill(admin, size.tenants)
    population.populate(admin, size)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in (WORDS, *LABELS.split(";\n")):
            if statement.strip():
                connection.execute(statement)
        connection.execute("vacuum analyze message")
        rows = connection.execute("select tenant_id from message group by 1 order by count(*) desc").fetchall()
    taken = asyncio.run(_take_in(login, [row[0] for row in rows])) / world.messages(admin) * 1e6
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("vacuum analyze message_search")
        connection.execute("checkpoint")
    print(f"filled: {name}; words taken in at {taken:.0f} \u00b5s a message", file=sys.stderr)
    return Point(name, login, rows[0][0]), taken


async def _take_in(login: str, tenants: list[UUID]) -> float:
    db.use_database(login)
    begun = time.perf_counter()
    for tenant_id in tenants:
        await words.take_in(tenant_id, seconds=sys.maxsize)
    spent = time.perf_counter() - begun
    await db.close()
    return spent


def benchmark(plan: Plan) -> dict[str, object]:
    """Every figure, and each read's ratio to the first point of its kind."""
    with tempfile.TemporaryDirectory(prefix="portal-inbox-") as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        with EmbeddedServer(Path(folder) / "server") as server:
            by_messages = [(f"{n:,}", Size(plan.clients, n, FLOOR, FLOOR)) for n in plan.messages]
            # Four messages to a thread on the average, of one client.
            by_threads = [(f"{n:,} threads", Size(1, n * 4, n, FLOOR)) for n in plan.threads]
            filled = [open_point(server, name, size) for name, size in (*by_messages, *by_threads)]
            contenders = [_contender(point, plan.repeats) for point, _ in filled]
            figures = runner.interleaved(contenders, plan.rounds, lambda line: print(line, file=sys.stderr))
    middle = runner.medians(figures)
    groups = [[name for name, _ in group] for group in (by_messages, by_threads)]
    _show(middle, groups)
    searches = [value for reads in middle.values() for read, value in reads.items() if read.startswith("search")]
    return {
        "rounds": plan.rounds,
        "repeats": plan.repeats,
        "tenants": plan.clients,
        "medians, ms": middle,
        "slowest search, ms": max(searches),
        f"within {LIMIT_MILLISECONDS} ms": max(searches) <= LIMIT_MILLISECONDS,
        "words taken in, \u00b5s a message": {point.name: taken for point, taken in filled},
        "all": figures,
    }


def _contender(point: Point, repeats: int) -> runner.Contender:
    return runner.Contender(point.name, lambda: point.measure(repeats))


def _show(middle: Mapping[str, Mapping[str, float]], groups: list[list[str]]) -> None:
    for names in filter(None, groups):
        shown = {
            read: {name: middle[name][read] for name in names}
            | {f"{name} \u00f7 {names[0]}": middle[name][read] / middle[names[0]][read] for name in names[1:]}
            for read in middle[names[0]]
        }
        print(f"\nms\n{runner.table(shown, list(next(iter(shown.values()))))}\n", file=sys.stderr)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="seconds; checks the harness, not the speed")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--messages", type=int, nargs="+", help="also 5000000, which takes some ten minutes to fill")
    parser.add_argument("--threads", type=int, nargs="*")
    parser.add_argument("--rounds", type=int)
    chosen = parser.parse_args()
    base = QUICK if chosen.quick else FULL
    messages = tuple(chosen.messages or base.messages)
    threads = base.threads if chosen.threads is None else tuple(chosen.threads)
    plan = Plan(chosen.rounds or base.rounds, base.repeats, base.clients, messages, threads)
    runner.give(benchmark(plan), chosen.json)


if __name__ == "__main__":
    main()
