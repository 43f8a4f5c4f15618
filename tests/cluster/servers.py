"""A real Redis and a real PgBouncer for the length of a test, on loopback, with nothing kept."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import psycopg
import pytest
import redis

from tenant_portal.embedded_postgres import account, cluster
from tests.running_portal import eventually

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
SERVERS_PER_POOL = 4


def needs(program: str) -> pytest.MarkDecorator:
    """Skips a test where this program is not installed; `.ci/run` installs it."""
    missing = shutil.which(program, path=PATH) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed; on Debian: apt-get install {program}")


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class RedisServer:
    """redis-server, to be stopped and started as a test likes; what it holds is gone after a stop."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For PORTAL_REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("redis-server", path=PATH)
        assert program
        options = {"port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(self.folder)}
        command = [program, *(word for name, value in options.items() for word in (f"--{name}", value))]
        with (self.folder / "redis.log").open("a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        assert eventually(self._answers), (self.folder / "redis.log").read_text()

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self, number: int = signal.SIGSTOP) -> None:
        """Let it hang without closing a connection; `pause(SIGCONT)` lets it go on."""
        assert self.process is not None
        self.process.send_signal(number)


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """A started one."""
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Pooler:
    """PgBouncer in transaction mode in front of one server."""

    port: int

    def url(self, login_url: str) -> str:
        """The same login and database, through the pooler."""
        parts = urlsplit(login_url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}", query=""))

    def server_connections(self, login_url: str, database: str) -> int:
        """How many connections to PostgreSQL it has open for this database."""
        console = urlunsplit(urlsplit(self.url(login_url))._replace(path="/pgbouncer"))
        with psycopg.connect(console, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            rows = connection.execute("show servers").fetchall()
        return sum(row[2] == database for row in rows)


@contextlib.contextmanager
def running_pooler(server_url: str, login_url: str) -> Iterator[Pooler]:
    """In front of the server at `server_url`, for the login of `login_url`.

    PgBouncer does not run as root: it takes the account of the server, whose socket nobody else may reach.
    """
    program = shutil.which("pgbouncer", path=PATH)
    assert program
    host = parse_qs(urlsplit(server_url).query).get("host", [urlsplit(server_url).hostname or ""])[0]
    home = Path(host).parent if host.startswith("/") else Path(tempfile.gettempdir())
    folder, port = Path(tempfile.mkdtemp(prefix="pooler-", dir=home)), free_port()
    chosen = account.choose(home, cluster.binaries())
    (folder / "pgbouncer.ini").write_text(_configuration(host, urlsplit(server_url).port or 5432, port, folder))
    login = urlsplit(login_url)
    (folder / "users").write_text(f'"{login.username}" "{unquote(login.password or "")}"\n')
    chosen.give(folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            chosen.command([program, "-q", str(folder / "pgbouncer.ini")]),
            cwd=folder, env=account.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        assert eventually(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield Pooler(port)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _configuration(host: str, server_port: int, port: int, folder: Path) -> str:
    lines = [
        "[databases]",
        f"* = host={host} port={server_port}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {folder / 'users'}",
        "admin_users = portal_web",
        "pool_mode = transaction",
        f"default_pool_size = {SERVERS_PER_POOL}",
        "max_client_conn = 500",
        "server_login_retry = 1",
    ]
    return "\n".join(lines)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
