"""A whole portal that may be hurt: two web processes, a worker and a durable PostgreSQL, looked after as `run` does."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from starlette.types import Receive, Scope, Send

from tenant_portal import database_setup, db
from tenant_portal.child_process import ChildProcess
from tenant_portal.config import settings
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.errors import PortalError
from tenant_portal.models.enums import Role
from tenant_portal.schema_lint import breaches
from tenant_portal.supervisor import DATABASE_WATCH_SECONDS, WATCH_SECONDS, is_ready
from tests.cast import Company, Someone, found, hire
from tests.chaos.stream import ORIGIN
from tests.running_portal import environment, free_ports
from tests.twilio.servers import running

WEB_PROCESSES = 2
START_SECONDS, PATIENCE = 90.0, 120.0
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)
# What must hold between the rows, whatever was killed; each query finds what breaks its sentence.
INVARIANTS = {
    "a thread counts its messages": """
        select c.id from conversation c left join message m on (m.tenant_id, m.conversation_id) = (c.tenant_id, c.id)
        group by c.tenant_id, c.id having c.message_count <> count(m.id) or c.unread_count <> count(m.id)""",
    "an hour counts its messages": """
        select tenant_id from (select tenant_id, messages_in as n from tenant_hour
        union all select tenant_id, -1 from message where direction = 'in') as counted group by 1 having sum(n) <> 0""",
    "a message has the files that it says": """
        select m.id from message m left join media f on (f.tenant_id, f.message_id) = (m.tenant_id, m.id)
        group by m.tenant_id, m.id having m.media_count <> count(f.id)""",
    "every file is fetched": "select id from media where state <> 'stored' or object_key is null",
    "a job has a tenant": """
        select id from jobs.procrastinate_jobs where args ? 'tenant_id'
        and not exists (select from tenant t where t.id::text = args->>'tenant_id')""",
    "nothing of a client is in quarantine": "select id from quarantined_request",
}
UNDER_WAY = """
    select (select count(*) from media where state = 'waiting')
         + (select count(*) from jobs.procrastinate_jobs where args ? 'tenant_id' and status in ('todo', 'doing'))"""
STORED = """
    select s.account_sid, m.provider_sid from message m join subaccount s using (tenant_id)
    where m.provider_sid = any (%s)"""


class World:
    """Opened by `opened`. `web` and `worker` are revived when they die, the database too, unless they are `resting`."""

    def __init__(self, folder: Path, twilio: str, ports: Sequence[int], settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.server = EmbeddedServer(folder)
        self.lines: list[str] = []
        self.resting: list[object] = []
        self.children: list[ChildProcess] = []
        self.ports = ports
        self._given = {"PORTAL_TWILIO_BASE_URL": twilio, **settings}
        self._ended = threading.Event()

    def start(self) -> None:
        """Everything, in the order of `run`."""
        self.admin_url = database_setup.create_database(self.server.start())
        login = database_setup.prepare(self.admin_url)
        self.companies, self.reader = asyncio.run(_enter(login))
        self.web = [self._child("web", _uvicorn(port), login) for port in self.ports]
        self.wait_until_ready()
        self.worker = self._child("worker", ["tenant_portal", "worker"], login)
        threading.Thread(target=self._look_after, daemon=True).start()

    def _child(self, name: str, arguments: Sequence[str], login: str) -> ChildProcess:
        given = {
            "PORTAL_DATABASE_APP_URL": login,
            "PORTAL_PUBLIC_URL": ORIGIN,
            "PORTAL_SECRET_KEYS": _keys(),
            # Bad requests must come further than the door that is shut on whoever sends so many.
            "PORTAL_WEBHOOK_FAILURE_LINE": "100000",
            "PYTHONUNBUFFERED": "1",
            "REFLEX_TELEMETRY_ENABLED": "false",
            "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "false",
            **self._given,
        }
        child = ChildProcess(name, arguments, environment(self.folder, given), self._hear)
        child.start()
        self.children.append(child)
        return child

    def _hear(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    def _look_after(self) -> None:
        looked = 0.0
        while not self._ended.wait(WATCH_SECONDS):
            for child in self.children:
                if not self._rests(child):
                    child.revive()
            if time.monotonic() - looked > DATABASE_WATCH_SECONDS and not self._rests(self.server):
                looked = time.monotonic()
                self._look_after_database()

    def _rests(self, part: object) -> bool:
        return any(part is one for one in self.resting)

    def _look_after_database(self) -> None:
        if self.server.is_running():
            return
        try:
            self.server.start()
        except (PortalError, OSError) as error:
            self._hear("database", str(error))

    def wait_until_ready(self) -> None:
        """Until each web process says that it can serve."""
        for port in self.ports:
            self.wait_for(lambda port=port: is_ready(port), START_SECONDS)  # type: ignore[misc]

    def wait_for(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Until it is true; with what the processes have said, if it never is."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("\n".join(["It did not happen in time.", *self.lines[-60:]]))
            time.sleep(0.1)

    def settle(self) -> None:
        """Until everybody serves again, nothing lies in a spool, and the worker has nothing left to do."""
        self.wait_until_ready()
        self.wait_for(lambda: not list(self.folder.glob("spool/*.spool")))
        self.wait_for(lambda: self.ask(UNDER_WAY)[0][0] == 0)
        for child in self.children:
            child.crashes = 0

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, past every wall."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def stored(self, sids: Sequence[str]) -> list[tuple[str, str]]:
        """(account SID, message SID) of every row with one of these SIDs."""
        return [(account, sid) for account, sid in self.ask(STORED, list(sids))]

    def broken_invariants(self) -> dict[str, int]:
        """Each sentence that does not hold, with how many rows break it; breaches of the wall among them."""
        found_rows = {sentence: len(self.ask(query)) for sentence, query in INVARIANTS.items()}
        with database_setup.owner_connection(self.admin_url) as owner:
            found_rows["the wall stands"] = len(breaches(owner))
        found_rows["no spool file was set aside"] = len(list(self.folder.glob("spool/*.broken")))
        return {sentence: count for sentence, count in found_rows.items() if count}

    @contextlib.contextmanager
    def rest(self, *parts: object) -> Iterator[None]:
        """Do not revive these meanwhile."""
        self.resting = [*parts]
        try:
            yield
        finally:
            self.resting = []

    def stop(self) -> None:
        """End all of it."""
        self._ended.set()
        for child in self.children:
            child.ask_to_stop()
        until = time.monotonic() + 10
        for child in self.children:
            child.wait(until)
        self.server.stop()


def pid_of(child: ChildProcess) -> int:
    """Its process id now."""
    assert child.process
    return child.process.pid


def kill(*pids: int) -> None:
    """kill -9."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def opened(folder: Path, ports: Sequence[int] = (), **settings: str) -> Iterator[World]:
    """A running world, and a Twilio that gives a picture to whoever asks.

    It has a web process at each of `ports`, two without any; `settings` are those of all its processes.
    """
    with running(_pictures) as twilio:
        world = World(folder, twilio, ports or [free_ports() for _ in range(WEB_PROCESSES)], settings)
        try:
            world.start()
            yield world
        finally:
            world.stop()


async def _pictures(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        headers = [(b"content-type", b"image/png"), (b"content-length", str(len(PICTURE)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PICTURE})


async def _enter(login: str) -> tuple[tuple[Company, Company], Someone]:
    """Two clients, and a person of the second."""
    db.use_database(login)
    try:
        acme, globex = await found("Acme", "+14155550100"), await found("Globex", "+14155550200")
        return (acme, globex), await hire("Charlie", Role.OWNER, globex)
    finally:
        await db.close()


def _keys() -> str:
    assert settings().keys
    return (settings().data_dir / "secret_keys").read_text().strip()


def _uvicorn(port: int) -> list[str]:
    return [
        "uvicorn", "tenant_portal.asgi:create", "--factory", "--host", "127.0.0.1", "--port", str(port),
        "--no-access-log", "--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown", "3",
    ]  # fmt: skip
