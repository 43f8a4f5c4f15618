"""What a webhook costs as clients and stored messages grow, in one interleaved run.

    python -m benchmarks.growth [--quick] [--json FILE] [--tenants 10 100 ...] [--messages 0 100000 ...]

Each point of the two curves is a database of its own on one durable server, with the portal's webhooks in front of it
in a process of its own; the points take turns. All clients have a subaccount, a channel and known people, and share the
load evenly. The second curve has 1,000 clients, unequal in what they have stored (`population.py`).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import load, population, runner, targets, world
from benchmarks.load import Sender
from benchmarks.population import Size
from benchmarks.targets import LEADS, ORIGIN, Target
from tenant_portal import database_setup
from tenant_portal.embedded_postgres import EmbeddedServer

BOTH = "web + PostgreSQL CPU \u00b5s"
COMPARED = ("req/s", BOTH)
COLUMNS = ("req/s", "p99 ms", "web CPU \u00b5s", "PostgreSQL CPU \u00b5s", BOTH)
# So few clients as at the first point would be beyond the soft line, and their notes would be counted as its cost.
LINES = {"PORTAL_WEBHOOK_SOFT_LINE": "1000000", "PORTAL_WEBHOOK_FLOOD_LINE": "1000000"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The points of both curves (`clients` has that of messages), and how each is warmed up and measured."""

    rounds: int
    seconds: float
    warm_up: int
    connections: int
    tenants: tuple[int, ...]
    messages: tuple[int, ...]
    clients: int

    def curves(self) -> dict[str, list[Size]]:
        """Each curve's databases; one that both have is made once."""
        return {
            "tenants": [Size(count, 0, LEADS) for count in self.tenants],
            "messages": [Size(self.clients, count, LEADS) for count in self.messages],
        }


QUICK = Plan(rounds=1, seconds=1, warm_up=50, connections=4, tenants=(2,), messages=(0, 500), clients=2)
FULL = Plan(
    rounds=5, seconds=3, warm_up=10_000, connections=64, tenants=(10, 100, 1_000, 10_000),
    messages=(0, 100_000, 1_000_000, 5_000_000), clients=1_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """A database with the portal in front of it."""

    size: Size
    target: Target
    senders: list[Sender]
    filled: int

    def warm_up(self, messages: int) -> None:
        """One message of every client, so that each account is known to the process; then so many of any."""
        first = [next(load.requests([sender], ORIGIN, 1, LEADS)) for sender in self.senders]
        load.send_all(self.target.port, [*first, *load.requests(self.senders, ORIGIN, messages, LEADS)])

    def measure(self, plan: Plan) -> runner.Figures:
        """One run, with the processor time of both sides together."""
        figures = dict(self.target.measure(self.senders, plan.connections, plan.seconds))
        return figures | {BOTH: figures["web CPU \u00b5s"] + figures["PostgreSQL CPU \u00b5s"]}

    def check(self, rounds: list[runner.Figures], plan: Plan) -> None:
        """SystemExit unless all that was answered is stored."""
        most = targets.supply(plan.connections, plan.seconds)
        wanted = sum(min(figures["answered"], most) for figures in rounds)
        if world.messages(self.target.admin_url) - self.filled < wanted:
            raise SystemExit(f"{self.target.name}: fewer messages are stored than were answered")


def name_of(size: Size) -> str:
    """What a point is called in the results."""
    return f"{size.tenants:,} tenants, {size.messages:,} messages"


def open_point(stack: ExitStack, server: EmbeddedServer, size: Size) -> Point:
    """Fill a database of this size and start the portal over it."""
    admin = database_setup.create_database(server.admin_url, f"portal_{size.tenants}_{size.messages}")
    login, senders = world.fill(admin, size.tenants)
    filled = population.populate(admin, size)
    print(f"filled: {name_of(size)}", file=sys.stderr)
    target = stack.enter_context(targets.portal(server, admin, login, name_of(size), LINES))
    return Point(size, target, senders, filled)


def benchmark(plan: Plan) -> dict[str, object]:
    """Every figure, and each curve's ratios to its first point."""
    with tempfile.TemporaryDirectory(prefix="portal-growth-") as folder, ExitStack() as stack:
        os.environ["PORTAL_DATA_DIR"] = folder
        server = stack.enter_context(EmbeddedServer(Path(folder) / "server"))
        sizes = dict.fromkeys(size for sizes in plan.curves().values() for size in sizes)
        points = [open_point(stack, server, size) for size in sizes]
        for point in points:
            point.warm_up(plan.warm_up)
        figures = runner.interleaved(
            [runner.Contender(point.target.name, lambda point=point: point.measure(plan)) for point in points],  # type: ignore[misc]
            plan.rounds,
            lambda line: print(line, file=sys.stderr),
        )
        for point in points:
            point.check(list(figures[point.target.name]), plan)
        stored = {point.target.name: [point.filled, world.messages(point.target.admin_url)] for point in points}
    middle = runner.medians(figures)
    curves = {name: _curve(middle, list(map(name_of, sizes))) for name, sizes in plan.curves().items()}
    about = {"rounds": plan.rounds, "seconds": plan.seconds, "connections": plan.connections}
    return about | {"curves": curves, "stored before and after": stored, "all": figures}


def _curve(middle: Mapping[str, Mapping[str, float]], names: list[str]) -> dict[str, Any]:
    own = {name: middle[name] for name in names}
    ratios = {f"{key} \u00f7 first": runner.ratios(own, names[0], key) for key in COMPARED}
    shown = {name: {**own[name], **{key: ratios[key][name] for key in ratios}} for name in names}
    print(f"\n{runner.table(shown, [*COLUMNS, *ratios])}\n", file=sys.stderr)
    return {"medians": own, "ratios to the first": ratios}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="seconds; checks the harness, not the speed")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--tenants", type=int, nargs="+")
    parser.add_argument("--messages", type=int, nargs="+")
    parser.add_argument("--connections", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    chosen = parser.parse_args()
    base = QUICK if chosen.quick else FULL
    plan = Plan(
        chosen.rounds or base.rounds,
        chosen.seconds or base.seconds,
        base.warm_up,
        chosen.connections or base.connections,
        tuple(chosen.tenants or base.tenants),
        base.messages if chosen.messages is None else tuple(chosen.messages),
        base.clients,
    )
    runner.give(benchmark(plan), chosen.json)


if __name__ == "__main__":
    main()
