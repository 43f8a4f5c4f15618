"""What goes wrong: each fault hurts a running world and heals it again, and fails where it did not hurt."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic import command
from tenant_portal import database_setup
from tenant_portal.child_process import ChildProcess
from tenant_portal.embedded_postgres.layout import is_held
from tests.chaos.world import World, kill, pid_of
from tests.cluster.servers import RedisServer
from tests.running_portal import is_gone

FROZEN_SECONDS = 10.0
METRICS_TOKEN = "the-token-of-the-metrics-in-the-long-suite"
RESTART_SECONDS = 20.0
MIGRATIONS, MIGRATION_TRIES = 3, 20
BACKENDS = "select pid from pg_stat_activity where application_name = 'portal_front_door' limit 1"
IN_HAND = "select count(*) from jobs.procrastinate_jobs where status = 'doing' and args ? 'tenant_id'"
REVISION = """
from alembic import op

revision, down_revision = "chaos", {head!r}


def upgrade() -> None:
    op.execute("alter table message add column chaos text")
    op.execute("create index ix_message_chaos on message (tenant_id, chaos)")


def downgrade() -> None:
    op.execute("alter table message drop column chaos")
"""

Fault = Callable[[World], None]


def one_web_process_killed(world: World) -> None:
    """kill -9; the other one takes over, and the supervisor starts a new one."""
    _kill(world, world.web[0])


def every_web_process_killed(world: World) -> None:
    """kill -9 of both at once: nobody answers until they are started again."""
    _kill(world, *world.web)


def worker_killed(world: World) -> None:
    """kill -9 of the job worker while it has a job in hand."""
    world.wait_for(lambda: world.ask(IN_HAND)[0][0] > 0)
    _kill(world, world.worker)


def backend_killed(world: World) -> None:
    """kill -9 of one server process of PostgreSQL, which makes it restart all of them."""
    (pid,) = (row[0] for row in world.ask(BACKENDS))
    kill(pid)
    world.wait_for(lambda: is_gone(pid))


def postmaster_killed(world: World) -> None:
    """kill -9 of PostgreSQL's parent process."""
    pid = _postmaster(world)
    kill(pid)
    world.wait_for(lambda: is_gone(pid) and world.server.is_running())


def all_of_postgresql_killed(world: World) -> None:
    """kill -9 of every process of PostgreSQL and of its keeper."""
    pids = _processes(world)
    kill(*pids)
    world.wait_for(lambda: all(map(is_gone, pids)) and world.server.is_running())


def database_frozen(world: World) -> None:
    """SIGSTOP for ten seconds: connections stay open, and nobody answers."""
    with _frozen(_processes(world)):
        time.sleep(FROZEN_SECONDS)


def database_gone(world: World, seconds: float) -> None:
    """An orderly stop, and nobody there for so long."""
    with _stopped_database(world):
        time.sleep(seconds)


def web_process_killed_while_the_database_is_gone(world: World) -> None:
    """What it has spooled is for another process to bring in; it comes back only with the database."""
    with _stopped_database(world):
        world.wait_for(lambda: bool(list(world.folder.glob("spool/*.spool"))))
        _kill(world, world.web[0])
        time.sleep(2)


def every_web_process_restarted(world: World) -> None:
    """SIGTERM to both, and a new start when they have ended."""
    _restart(world, *world.web)


def web_processes_restarted_one_by_one(world: World) -> None:
    """SIGTERM to the second only when the first is back."""
    for child in world.web:
        _restart(world, child)
        world.wait_until_ready()


def redis_gone(world: World, redis: RedisServer) -> None:
    """kill -9 of Redis, and nobody there for ten seconds; every process has seen it before it comes back."""
    redis.stop()
    world.wait_for(lambda: not any(_reaches_redis(port) for port in world.ports))
    time.sleep(FROZEN_SECONDS)
    redis.start()
    world.wait_for(lambda: all(_reaches_redis(port) for port in world.ports))


def _reaches_redis(port: int) -> bool:
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    figures = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers, timeout=10).raise_for_status()
    return "portal_state_store_up 1.0" in figures.text


def migrated(world: World) -> None:
    """A real revision up and down again, a few times, by Alembic as at a new version."""
    versions = world.folder / "versions"
    versions.mkdir(exist_ok=True)
    with database_setup.owner_connection(world.admin_url) as owner:
        config = _config_with_one_more(owner, versions)
        for _ in range(MIGRATIONS):
            _again_while_locked(owner, lambda: command.upgrade(config, "chaos"))
            assert "chaos" in {column["name"] for column in sa.inspect(owner).get_columns("message")}
            _again_while_locked(owner, lambda: command.downgrade(config, "-1"))


def disk_full(world: World) -> None:
    """Not one block left for database, spool and logs; `world` must have a disk of its own."""
    ballast = world.folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            _fill(file.fileno())
            end = time.monotonic() + 8
            while time.monotonic() < end:
                # What a recycled file gives back is taken at once.
                _fill(file.fileno())
                time.sleep(0.05)
    finally:
        ballast.unlink()


def _kill(world: World, *children: ChildProcess) -> None:
    pids = [pid_of(child) for child in children]
    kill(*pids)
    world.wait_for(lambda: all(map(is_gone, pids)))


def _postmaster(world: World) -> int:
    return int(world.server.files.pid_file.read_text().split()[0])


def _processes(world: World) -> list[int]:
    """The keeper first, so that it sees nothing; the postmaster before its children, so that no new ones come."""
    pid = _postmaster(world)
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [keeper, pid, *map(int, children)]


@contextmanager
def _frozen(pids: Sequence[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def _stopped_database(world: World) -> Iterator[None]:
    with world.rest(world.server):
        world.server.stop()
        assert not is_held(world.server.files.lock_file("server"))
        yield
    world.wait_for(world.server.is_running)


def _restart(world: World, *children: ChildProcess) -> None:
    with world.rest(*children):
        for child in children:
            child.ask_to_stop()
        until = time.monotonic() + RESTART_SECONDS
        for child in children:
            child.wait(until)
            assert child.process
            assert child.process.returncode in {0, -signal.SIGTERM}, "it had to be killed"
    # They are started where all are revived: a child lives only as long as the thread that started it.
    world.wait_for(lambda: all(child.is_alive() for child in children))


def _config_with_one_more(owner: sa.Connection, versions: Path) -> Config:
    config = database_setup.alembic_config(owner)
    head = ScriptDirectory.from_config(config).get_current_head()
    (versions / "chaos.py").write_text(REVISION.format(head=head))
    own = database_setup.ROOT / "alembic" / "versions"
    config.set_main_option("version_locations", os.pathsep.join(map(str, (own, versions))))
    return config


def _again_while_locked(owner: sa.Connection, migrate: Callable[[], None]) -> None:
    """As an operator would: a migration that did not get its locks within their time limit is run again."""
    for _ in range(MIGRATION_TRIES):
        try:
            migrate()
            owner.commit()
            return
        except sa.exc.OperationalError as error:
            owner.rollback()
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            time.sleep(0.2)
    raise AssertionError("the migration never got its locks")


def _fill(handle: int) -> None:
    for size in (1 << 20, 1 << 12):
        try:
            while os.write(handle, bytes(size)) == size:
                continue
        except OSError:
            continue
