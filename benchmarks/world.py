"""A durable database of its own with clients in it, and servers as processes of their own."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy as sa

from benchmarks.load import Sender
from tenant_portal import database_setup
from tenant_portal.crypto import Place, seal
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.models import Channel, Subaccount, Tenant
from tenant_portal.models.enums import ChannelKind, ChannelState, TenantState
from tenant_portal.models.ids import uuid7

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120


def fill(admin_url: str, tenants: int) -> tuple[str, list[Sender]]:
    """Migrate, and found so many clients with an SMS channel; the login URL and who they are."""
    login = database_setup.prepare(admin_url)
    founded = [(uuid7(), _sender(number)) for number in range(tenants)]
    url = admin_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table, rows in (
            (Tenant, [_tenant(tenant, number) for number, (tenant, _) in enumerate(founded)]),
            (Subaccount, [_subaccount(tenant, sender) for tenant, sender in founded]),
            (Channel, [_channel(tenant, sender) for tenant, sender in founded]),
        ):
            connection.execute(sa.insert(table), rows)
    return login, [sender for _, sender in founded]


def _sender(number: int) -> Sender:
    return Sender(f"AC{secrets.token_hex(16)}", secrets.token_hex(16), f"+1510{5550000 + number:07d}")


def _tenant(tenant: UUID, number: int) -> dict[str, Any]:
    return {"id": tenant, "name": f"Client {number}", "state": TenantState.ACTIVE}


def _subaccount(tenant: UUID, sender: Sender) -> dict[str, Any]:
    place = Place("subaccount", "auth_token_sealed", tenant, str(tenant))
    sealed = seal(sender.auth_token, place)
    return {"tenant_id": tenant, "account_sid": sender.account_sid, "auth_token_sealed": sealed}


def _channel(tenant: UUID, sender: Sender) -> dict[str, Any]:
    kind = {"kind": ChannelKind.SMS, "state": ChannelState.ACTIVE, "country": "US"}
    return {"tenant_id": tenant, "phone_number": sender.number, **kind}


def messages(admin_url: str) -> int:
    """How many messages are stored, durably or not at all."""
    with psycopg.connect(admin_url) as connection:
        return int(connection.execute("select count(*) from message").fetchone()[0])  # type: ignore[index]


def cpu_seconds(session: int) -> float:
    """Processor time so far of every process of a session (a server and its workers)."""
    return _seconds(lambda process: process.session == session)


def postgres_seconds(server: EmbeddedServer) -> float:
    """Processor time so far of a PostgreSQL server; each of its backends has a session of its own."""
    postmaster = int(server.files.pid_file.read_text().split("\n", 1)[0])
    return _seconds(lambda process: postmaster in (process.pid, process.parent))


class _Process(NamedTuple):
    pid: int
    parent: int
    session: int


def _seconds(is_meant: Callable[[_Process], bool]) -> float:
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            # Counted after the name: parent 1, session 3, user and system time 11, 12, those of ended children 13, 14.
            if is_meant(_Process(int(stat.parent.name), int(fields[1]), int(fields[3]))):
                ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], port: int, env: Mapping[str, str], folder: Path = ROOT) -> Iterator[int]:
    """The process behind this port, from when it answers until the end of the block; yields its process id."""
    process = subprocess.Popen(
        list(command), cwd=folder, env={**os.environ, **env}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        # The whole group: servers with several workers are started by a parent.
        os.killpg(process.pid, 15)
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"{process.args!r} did not answer")


def uvicorn(app: str, port: int) -> list[str]:
    """The command that serves an application with one worker."""
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), *options]


def run_once(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
    """A command to its end; SystemExit with its last words if it fails."""
    done = subprocess.run(list(command), cwd=folder, env={**os.environ, **env}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command!r} failed: {done.stderr[-2000:]}")
