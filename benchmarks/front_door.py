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

from benchmarks import runner, world
from benchmarks.load import Sender
from benchmarks.targets import ORIGIN, PORTAL, Target, portal, supply
from tenant_portal import database_setup
from tenant_portal.embedded_postgres import EmbeddedServer

PORTION = "portal \u00f7 it"
COLUMNS = (PORTION, "req/s", "p50 ms", "p99 ms", "web CPU \u00b5s")
FLOOR = "floor: bare Starlette form"
PEERS = {"peer_next": "Next.js + Prisma", "peer_fastapi": "FastAPI + SQLModel"}


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


@contextmanager
def targets(plan: Plan, peers: Path | None, folder: Path) -> Iterator[tuple[list[Target], list[Sender]]]:
    """All contenders, running."""
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(folder / "server"))
        admin = database_setup.create_database(server.admin_url)
        login, senders = world.fill(admin, plan.tenants)
        running = [stack.enter_context(portal(server, admin, login))]
        port = world.free_port()
        session = stack.enter_context(world.serving(world.uvicorn("benchmarks.floor:app", port), port, {}))
        running.append(Target(FLOOR, port, session))
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
        runner.Contender(target.name, lambda target=target: _counted(target, senders, connections, plan.seconds))  # type: ignore[misc]
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


def _counted(target: Target, senders: list[Sender], connections: int, seconds: float) -> runner.Figures:
    before = world.messages(target.admin_url) if target.admin_url else 0
    figures = target.measure(senders, connections, seconds)
    wanted = min(figures["answered"], supply(connections, seconds))
    if target.admin_url and world.messages(target.admin_url) - before < wanted:
        raise SystemExit(f"{target.name}: fewer messages are stored than were answered")
    return figures


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
    runner.give(benchmark(plan, chosen.peers), chosen.json)


if __name__ == "__main__":
    main()
