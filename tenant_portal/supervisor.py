"""`python -m tenant_portal run`: everything in one command, started in order, watched, stopped together."""

import asyncio
import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tenant_portal import database_setup, db, frontend_build, web_server
from tenant_portal.child_process import ChildProcess
from tenant_portal.config import settings
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.errors import PortalError, SettingsError
from tenant_portal.lifeline import die_with_parent
from tenant_portal.logs import configure_logging
from tenant_portal.seed import SignIn, sample_sign_ins, seed_if_empty

HOST = "127.0.0.1"
WATCH_SECONDS = 0.25
DATABASE_WATCH_SECONDS = 1.0
STOP_SECONDS = 8.0
PORT_PATIENCE = 4.0
"""Seconds in which the processes of a killed portal notice its end and give their ports back."""
READY = 200
HOPELESS = 4
"""Crashes of one process before the portal was ever ready."""


class Stopped(BaseException):
    """Somebody asked the portal to end; not an error."""


def supervise(port: int | None = None) -> int:
    """Run the portal until Ctrl-C, SIGTERM or SIGHUP; the exit code. PortalError says in a sentence why it cannot."""
    if port is not None:
        os.environ["PORTAL_PORT"] = str(port)
        settings.cache_clear()
    if "MAKELEVEL" in os.environ:
        # `make run` is what the user sees and kills.
        die_with_parent()
    configure_logging()
    supervisor = Supervisor(Console(highlight=False))
    with _stopped_by_signals():
        try:
            supervisor.run()
        except Stopped:
            supervisor.console.print("Stopping …", style="dim")
        finally:
            supervisor.stop()
    return 0


class Supervisor:
    """The order of things at start and end, and what happens when one of them dies."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.children: list[ChildProcess] = []
        self.server: EmbeddedServer | None = None
        self.listeners: list[socket.socket] = []
        self._begin = time.monotonic()

    def run(self) -> None:
        """Start everything, say where it is, watch it for ever."""
        self.console.print("[bold]Tenant Portal[/bold]")
        _refuse_busy_ports()
        pages = self._start_build()
        login = self._database()
        sign_ins = self._seed(login)
        self._start_twilio(login)
        self._finish_build(pages)
        self._start_web(login)
        self._wait_until_web_answers()
        # A worker's calls make Twilio call back, and nobody repeats a callback that found no web process.
        for name in _names("worker", settings().workers):
            self._start(name, ["tenant_portal", "worker"], login)
        self._done("Ready", f"after {time.monotonic() - self._begin:.1f} s")
        self._announce(sign_ins)
        self._watch()

    def stop(self) -> None:
        """Stop the processes together, then the database, which they use to the end."""
        # A second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        # First: nobody would ever answer what arrives from now on.
        for listener in self.listeners:
            listener.close()
        for child in self.children:
            child.ask_to_stop()
        until = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.wait(until)
        if self.server is not None:
            self.server.stop()

    def _database(self) -> str:
        """The login URL of web and worker, on a database that is up to date."""
        if settings().database_url:
            return self._outside_database(settings().database_url)
        if settings().login_url:
            self._done("Database", "as PORTAL_DATABASE_APP_URL says; not migrated from here")
            return settings().login_url
        self.server = EmbeddedServer(settings().data_dir)
        url = database_setup.prepare(database_setup.create_database(self.server.start()))
        self._done("Database", f"embedded PostgreSQL in {_short(self.server.files.home)}")
        return url

    def _outside_database(self, url: str) -> str:
        try:
            login = database_setup.prepare(url)
        except psycopg.OperationalError as error:
            raise SettingsError(f"PORTAL_DATABASE_URL: {str(error).splitlines()[0]}") from None
        self._done("Database", f"PostgreSQL at {urlsplit(url).hostname or 'a socket'}")
        return login

    def _seed(self, login: str) -> Sequence[SignIn]:
        db.use_database(login)
        made = asyncio.run(_seeded())
        if made:
            self._done("People", f"{len(made)} made for this first start")
        return made or sample_sign_ins()

    def _start_twilio(self, login: str) -> None:
        if (port := _simulated_port()) is not None:
            self._start("twilio", _uvicorn("tenant_portal.simulator.twilio_server:create", port), login)

    def _start_web(self, login: str) -> None:
        """A socket for each process, which outlives it."""
        for name in _names("web", settings().web_workers):
            listener = web_server.listener(HOST, settings().port)
            self.listeners.append(listener)
            listener.listen(web_server.BACKLOG)
            self._start(name, ["tenant_portal.web_server", str(listener.fileno())], login, inherits=[listener.fileno()])

    def _start_build(self) -> ChildProcess | None:
        """The longest part of a first start, beside the second longest, the database; None if nothing has changed."""
        if frontend_build.is_built(frontend_build.fingerprint()):
            return None
        build = ChildProcess("pages", ["tenant_portal.frontend_build"], os.environ, self._say)
        self.children.append(build)
        build.start()
        return build

    def _finish_build(self, build: ChildProcess | None) -> None:
        if build is None or build.process is None:
            self._done("Pages", "as built before")
            return
        self.console.print("  [dim]… building the pages, once after each change[/dim]")
        if build.process.wait():
            raise frontend_build.FrontendBuildFailed("The portal cannot start without its pages.")
        self.children.remove(build)
        self._done("Pages", "built")

    def _start(self, name: str, arguments: Sequence[str], login: str, inherits: Sequence[int] = ()) -> None:
        child = ChildProcess(name, arguments, _environment(login), self._say, inherits)
        self.children.append(child)
        child.start()

    def _wait_until_web_answers(self) -> None:
        while not is_ready(settings().port):
            self._look_after_children()
            if any(child.crashes >= HOPELESS for child in self.children):
                raise PortalError("The portal cannot start; the lines above say why.")
            time.sleep(WATCH_SECONDS / 2)

    def _announce(self, sign_ins: Sequence[SignIn]) -> None:
        self.console.print(f"\n  Open [bold cyan]{settings().origin}[/bold cyan]\n")
        if sign_ins:
            self.console.print(_sign_in_table(sign_ins))
        if settings().twilio_mode == "simulated":
            self.console.print("\n  Twilio is simulated: nothing is sent, nothing costs.", style="dim")
        self.console.print(f"  Ctrl-C stops everything; the data stay in {_short(settings().data_dir)}.\n", style="dim")

    def _watch(self) -> None:
        looked = time.monotonic()
        while True:
            self._look_after_children()
            if time.monotonic() - looked > DATABASE_WATCH_SECONDS:
                self._look_after_database()
                looked = time.monotonic()
            time.sleep(WATCH_SECONDS)

    def _look_after_children(self) -> None:
        for child in self.children:
            child.revive()

    def _look_after_database(self) -> None:
        if self.server is None or self.server.is_running():
            return
        self._say("database", "has ended, starts again")
        try:
            self.server.start()
        except (PortalError, OSError) as error:
            # A full disk refuses even the settings' file; the portal must outlive that.
            self._say("database", str(error))

    def _done(self, what: str, how: str) -> None:
        self.console.print(f"  [green]✓[/green] {what:<10}[dim]{how}[/dim]")

    def _say(self, name: str, line: str) -> None:
        self.console.print(Text.assemble((f"{name:>8} │ ", "dim"), line), soft_wrap=True)


def is_ready(port: int) -> bool:
    """Whether the web process says that it can serve."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == READY
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def _seeded() -> Sequence[SignIn] | None:
    try:
        return await seed_if_empty()
    finally:
        await db.close()


def _names(kind: str, count: int) -> list[str]:
    return [kind] if count == 1 else [f"{kind} {number}" for number in range(1, count + 1)]


def _uvicorn(factory: str, port: int) -> list[str]:
    return [
        "uvicorn", factory, "--factory", "--host", HOST, "--port", str(port), "--no-access-log",
        "--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown", "3",
    ]  # fmt: skip


def _environment(login: str) -> dict[str, str]:
    """The processes sign in without any right of an administrator, and do not know his address."""
    environment = {name: value for name, value in os.environ.items() if name != "PORTAL_DATABASE_URL"}
    return environment | {
        "PORTAL_DATABASE_APP_URL": login,
        "PORTAL_DATA_DIR": str(settings().data_dir.absolute()),
        "PYTHONUNBUFFERED": "1",
    }


def _simulated_port() -> int | None:
    """Port of the simulated Twilio, if this portal has to start it."""
    if settings().twilio_mode == "live" or settings().twilio_base_url:
        return None
    return settings().port + 1


def _refuse_busy_ports() -> None:
    ports = {settings().port: "PORTAL_PORT"}
    if (port := _simulated_port()) is not None:
        ports[port] = "PORTAL_PORT + 1, for the simulated Twilio"
    end = time.monotonic() + PORT_PATIENCE
    for port, meaning in ports.items():
        while not _is_free(port):
            if time.monotonic() > end:
                raise SettingsError(
                    f"Port {port} ({meaning}) is in use by another program: stop it, or choose another, "
                    f"such as `make run PORT={settings().port + 100}`."
                )
            time.sleep(WATCH_SECONDS)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _sign_in_table(sign_ins: Sequence[SignIn]) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 2), header_style="dim")
    for title in ("Sign in as", "Password", "Who"):
        table.add_column(title, no_wrap=True)
    for person in sign_ins:
        who = f"{person.role} of {person.client}" if person.client else person.role
        table.add_row(person.email, person.password, who)
    return table


def _short(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the portal from wherever it is in its start."""

    def stop(*_: object) -> None:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
