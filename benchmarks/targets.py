"""What webhooks are sent to: a running server, its processor time, and its database where it is the portal."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import load, runner, world
from benchmarks.load import Sender
from tenant_portal.embedded_postgres import EmbeddedServer

ORIGIN = "https://portal.example.com"
PORTAL = "portal"
# Above what any contender reaches, so that no message is sent twice in a run.
MOST_PER_SECOND = 12_000
LEADS = 40


@dataclass(frozen=True, slots=True)
class Target:
    """A running contender. `admin_url` and `server` are set for the portal, from which nothing but 200 will do."""

    name: str
    port: int
    session: int
    admin_url: str = ""
    server: EmbeddedServer | None = None

    def warm_up(self, senders: list[Sender], seconds: float) -> None:
        """Until it answers at all (a cold start takes some of them seconds), then a little more."""
        messages = list(load.requests(senders, ORIGIN, 5_000, LEADS))
        while not load.run(self.port, messages, 8, 1).answered:
            continue
        load.run(self.port, messages, 8, seconds)

    def measure(self, senders: list[Sender], connections: int, seconds: float) -> runner.Figures:
        """One run; fails where an answer was no success. Processor time is per answer."""
        messages = list(load.requests(senders, ORIGIN, supply(connections, seconds), LEADS))
        web, postgres = self._spent()
        outcome = load.run(self.port, messages, connections, seconds)
        web, postgres = (now - before for now, before in zip(self._spent(), (web, postgres), strict=True))
        if outcome.errors >= outcome.answered or (outcome.errors and self.admin_url):
            raise SystemExit(f"{self.name}: {outcome.errors} of {outcome.answered} answers were no success")
        figures = {
            # A peer that loses a race with itself answers 503: only what it took counts.
            "req/s": outcome.per_second * (1 - outcome.errors / max(1, outcome.answered)),
            "p50 ms": outcome.p50_ms,
            "p99 ms": outcome.p99_ms,
            "web CPU \u00b5s": web / max(1, outcome.answered) * 1e6,
            "answered": outcome.answered,
        }
        return figures | ({"PostgreSQL CPU \u00b5s": postgres / max(1, outcome.answered) * 1e6} if self.server else {})

    def _spent(self) -> tuple[float, float]:
        return world.cpu_seconds(self.session), world.postgres_seconds(self.server) if self.server else 0.0


def supply(connections: int, seconds: float) -> int:
    """How many messages a run is given; what is answered beyond them are repeats."""
    return int(min(MOST_PER_SECOND, 1_500 * connections) * max(1, seconds)) + 100


@contextmanager
def portal(
    server: EmbeddedServer, admin_url: str, login: str, name: str = PORTAL, env: Mapping[str, str] | None = None
) -> Iterator[Target]:
    """The portal's webhooks in one process over this database; `env` are further settings."""
    port = world.free_port()
    settings = {
        "PORTAL_DATABASE_APP_URL": login,
        "PORTAL_DATA_DIR": os.environ["PORTAL_DATA_DIR"],
        "PORTAL_PUBLIC_URL": ORIGIN,
    }
    command = world.uvicorn("tenant_portal.webhook_routes:webhook_app", port)
    with world.serving(command, port, settings | dict(env or {})) as session:
        yield Target(name, port, session, admin_url, server)
