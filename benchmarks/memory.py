"""Memory of the portal's web process over a million webhooks.

    python -m benchmarks.memory [--quick] [--json FILE] [--webhooks 1000000]

The portal's webhooks alone in one process, on a durable PostgreSQL of its own. Signed messages are made in portions and
sent once, over 64 connections; after each portion the process' resident memory is noted (RSS, and PSS: what it shares
with others counted in part). A run fails if the portal answers anything but 200, or has stored fewer than it was sent.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, runner, targets, world
from benchmarks.load import Sender
from benchmarks.targets import LEADS, ORIGIN, Target
from tenant_portal import database_setup
from tenant_portal.embedded_postgres import EmbeddedServer

FIGURES = ("RSS MB", "PSS MB")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many webhooks, and after how many of them memory is looked at."""

    webhooks: int
    portion: int
    tenants: int
    connections: int


QUICK = Plan(webhooks=1_500, portion=500, tenants=3, connections=4)
FULL = Plan(webhooks=1_000_000, portion=50_000, tenants=50, connections=64)


def sample(target: Target, sent: int) -> dict[str, float]:
    """Memory now, after so many webhooks."""
    lines = Path(f"/proc/{target.session}/smaps_rollup").read_text().splitlines()
    kilobytes = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
    return {"webhooks": sent} | {f"{name.upper()} MB": kilobytes[name] / 1024 for name in ("Rss", "Pss")}


def send_portion(target: Target, senders: list[Sender], plan: Plan) -> None:
    """The next messages, each with its own SID; SystemExit unless each is taken."""
    messages = list(load.requests(senders, ORIGIN, plan.portion, LEADS))
    load.send_all(target.port, messages, plan.connections)


def benchmark(plan: Plan) -> dict[str, object]:
    """Every sample, and the first, highest and last of each figure."""
    with tempfile.TemporaryDirectory(prefix="portal-memory-") as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        with EmbeddedServer(Path(folder) / "server") as server:
            admin = database_setup.create_database(server.admin_url)
            login, senders = world.fill(admin, plan.tenants)
            with targets.portal(server, admin, login) as target:
                samples = [sample(target, 0)]
                for sent in range(plan.portion, plan.webhooks + 1, plan.portion):
                    send_portion(target, senders, plan)
                    samples.append(sample(target, sent))
                    print(", ".join(f"{key} {value:,.1f}" for key, value in samples[-1].items()), file=sys.stderr)
            if world.messages(admin) < samples[-1]["webhooks"]:
                raise SystemExit("fewer messages are stored than were answered")
    return {"tenants": plan.tenants, "connections": plan.connections, "memory": summary(samples), "samples": samples}


def summary(samples: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Before any webhook, after the first portion, at the highest and at the end; the end over the first portion."""
    found = {}
    for figure in FIGURES:
        values = [one[figure] for one in samples]
        found[figure] = {"idle": values[0], "first": values[1], "highest": max(values), "last": values[-1]}
        found[figure]["last \u00f7 first"] = round(values[-1] / values[1], 3)
    print(f"\n{runner.table(found, list(found[FIGURES[0]]))}\n", file=sys.stderr)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="seconds; checks the harness only")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--webhooks", type=int)
    chosen = parser.parse_args()
    base = QUICK if chosen.quick else FULL
    plan = Plan(chosen.webhooks or base.webhooks, base.portion, base.tenants, base.connections)
    runner.give(benchmark(plan), chosen.json)


if __name__ == "__main__":
    main()
