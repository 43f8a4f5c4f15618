"""Durable webhooks per second and their latency, against floors and peers, in one interleaved run.

    python -m benchmarks.front_door [--quick] [--json FILE] [--peers FOLDER] [--connections 1 8 64]

The portal runs as it does in production (signature, row-level security, counters, NOTIFY, metrics; one process), on a
durable PostgreSQL of its own. After every run its database must hold what was answered.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks import load, runner, world
from benchmarks.load import Sender
from tenant_portal import database_setup
from tenant_portal.embedded_postgres import EmbeddedServer

ORIGIN = "https://portal.example.com"
PORTION = "portal \u00f7 it"
COLUMNS = (PORTION, "req/s", "p50 ms", "p99 ms", "web CPU \u00b5s")
PORTAL, FLOOR = "portal", "floor: bare Starlette form"
PEERS = {"peer_next": "Next.js + Prisma", "peer_fastapi": "FastAPI + SQLModel"}
# Above what any contender reaches, so that no message is sent twice in a run.
MOST_PER_SECOND = 12_000
LEADS = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often. `tenants` share the load evenly."""

    rounds: int
    seconds: float
    warm_up: float
    tenants: int
    connections: tuple[int, ...]


QUICK = Plan(rounds=1, seconds=1, warm_up=0.2, tenants=3, connections=(4,))
FULL = Plan(rounds=5, seconds=5, warm_up=2, tenants=50, connections=(1, 8, 64))


@dataclass(frozen=True, slots=True)
class Target:
    """A running contender. `admin_url` is set where stored messages can be counted."""

    name: str
    port: int
    session: int
    admin_url: str = ""

    def warm_up(self, senders: list[Sender], seconds: float) -> None:
        """Until it answers at all (a cold start takes some of them seconds), then a little more."""
        messages = list(load.requests(senders, ORIGIN, 5_000, LEADS))
        while not load.run(self.port, messages, 8, 1).answered:
            continue
        load.run(self.port, messages, 8, seconds)

    def measure(self, senders: list[Sender], connections: int, seconds: float) -> runner.Figures:
        """One run; fails where an answer was no success, or was given for something that is not there."""
        wanted = int(min(MOST_PER_SECOND, 1_500 * connections) * max(1, seconds)) + 100
        messages = list(load.requests(senders, ORIGIN, wanted, LEADS))
        before = world.messages(self.admin_url) if self.admin_url else 0
        spent = world.cpu_seconds(self.session)
        outcome = load.run(self.port, messages, connections, seconds)
        spent = world.cpu_seconds(self.session) - spent
        if outcome.errors >= outcome.answered or (outcome.errors and self.name == PORTAL):
            raise SystemExit(f"{self.name}: {outcome.errors} of {outcome.answered} answers were no success")
        if self.admin_url and world.messages(self.admin_url) - before < min(outcome.answered, wanted):
            raise SystemExit(f"{self.name}: fewer messages are stored than were answered")
        return {
            # A peer that loses a race with itself answers 503: only what it took counts.
            "req/s": outcome.per_second * (1 - outcome.errors / max(1, outcome.answered)),
            "p50 ms": outcome.p50_ms,
            "p99 ms": outcome.p99_ms,
            "web CPU \u00b5s": spent / max(1, outcome.answered) * 1e6,
        }


@contextmanager
def targets(plan: Plan, peers: Path | None, folder: Path) -> Iterator[tuple[list[Target], list[Sender]]]:
    """All contenders, running."""
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(folder / "server"))
        admin = database_setup.create_database(server.admin_url)
        login, senders = world.fill(admin, plan.tenants)
        env = {
            "PORTAL_DATABASE_APP_URL": login,
            "PORTAL_DATA_DIR": os.environ["PORTAL_DATA_DIR"],
            "PORTAL_PUBLIC_URL": ORIGIN,
        }
        running = []
        for name, app, url in (
            (PORTAL, "tenant_portal.webhook_routes:webhook_app", admin),
            (FLOOR, "benchmarks.floor:app", ""),
        ):
            port = world.free_port()
            session = stack.enter_context(world.serving(world.uvicorn(app, port), port, env))
            running.append(Target(name, port, session, url))
        for peer, name in PEERS.items():
            if peers and (peers / peer / "run.sh").exists():
                port, session = _start_peer(stack, peers / peer, folder, server.admin_url, senders)
                running.append(Target(name, port, session))
        yield running, senders


def _start_peer(stack: ExitStack, source: Path, folder: Path, admin_url: str, senders: list[Sender]) -> tuple[int, int]:
    """Seed a peer's own database and start two workers of it; it builds itself where it stands, or in a copy."""
    home = source if os.access(source, os.W_OK) else _copy(source, folder / source.name)
    tenants = folder / "tenants.tsv"
    tenants.write_text("".join(f"x\t{sender.account_sid}\t{sender.auth_token}\n" for sender in senders))
    database_setup.create_database(admin_url, source.name)
    parts, port = urlsplit(admin_url), world.free_port()
    host = parse_qs(parts.query)["host"][0]
    url = f"postgresql+psycopg://{parts.username}:{parts.password}@/{source.name}?host={host}"
    env = {"DATABASE_URL": url, "PGHOST": host, "PGUSER": parts.username or "", "PGPASSWORD": parts.password or ""}
    env |= {"PGDATABASE": source.name, "PORT": str(port), "WORKERS": "2", "PEER_MODE": "full", "PUBLIC_URL": ORIGIN}
    world.run_once(["bash", "./run.sh"], home, env | {"SEED": str(tenants)})
    return port, stack.enter_context(world.serving(["bash", "./run.sh"], port, env, home))


def _copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    return target


def benchmark(plan: Plan, peers: Path | None) -> dict[str, object]:
    """Every figure and ratio, by number of connections."""
    results: dict[str, object] = {"rounds": plan.rounds, "seconds": plan.seconds, "tenants": plan.tenants}
    with tempfile.TemporaryDirectory(prefix="portal-benchmark-") as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        with targets(plan, peers, Path(folder)) as (running, senders):
            for target in running:
                target.warm_up(senders, plan.warm_up)
            for connections in plan.connections:
                results[f"{connections} connections"] = _one(plan, running, senders, connections)
    return results


def _one(plan: Plan, running: list[Target], senders: list[Sender], connections: int) -> dict[str, object]:
    contenders = [
        runner.Contender(target.name, lambda target=target: target.measure(senders, connections, plan.seconds))  # type: ignore[misc]
        for target in running
    ]
    figures = runner.interleaved(
        contenders, plan.rounds, lambda line: print(f"{connections:>3} conn  {line}", file=sys.stderr)
    )
    middle = runner.medians(figures)
    for values in middle.values():
        values[PORTION] = middle[PORTAL]["req/s"] / values["req/s"]
    print(f"\n{connections} connections\n{runner.table(middle, COLUMNS)}\n", file=sys.stderr)
    return {"medians": middle, "all": figures}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes; checks the harness, not the speed"
    )
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--peers", type=Path, help="folder with peer_next and peer_fastapi")
    parser.add_argument("--connections", type=int, nargs="+")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    chosen = parser.parse_args()
    base = QUICK if chosen.quick else FULL
    plan = Plan(
        chosen.rounds or base.rounds,
        chosen.seconds or base.seconds,
        base.warm_up,
        base.tenants,
        tuple(chosen.connections or base.connections),
    )
    text = runner.report(benchmark(plan, chosen.peers))
    if chosen.json:
        chosen.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
