"""Three web processes and two job workers over one PostgreSQL, behind PgBouncer, one Redis and one simulated Twilio."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from tenant_portal import database_setup, db
from tenant_portal.child_process import ChildProcess
from tenant_portal.config import settings as config
from tenant_portal.twilio_gateway.signatures import sign
from tests.cast import Cast, Company, enter_cast
from tests.cluster.servers import RedisServer, running_pooler, running_redis
from tests.portal_server import ROOT, Portal, end, free_address, launch, wait_until_ready
from tests.webhook_client import FORM, address, text_message

WEB, WORKERS = 3, 2
FACTORY = "tests.ui.attack_app:create"
START_SECONDS = 120.0
KNOWN_WITHIN = 1.0
"""Seconds in which every process knows of a change."""


@dataclass(frozen=True)
class Cluster:
    """One portal in several processes. `web` have one origin and an address each, as behind a proxy."""

    web: list[Portal]
    workers: list[ChildProcess]
    redis: RedisServer
    cast: Cast
    admin_url: str
    pooled_url: str
    settings: dict[str, str]

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows, past every wall."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def post(self, web: int, company: Company, form: dict[str, str] | None = None, *, token: str = "") -> int:
        """The status with which this process answers a message, signed with the company's token or another."""
        form = form or text_message(company)
        path = address("sms", company)
        signature = sign(f"{self.web[web].origin}{path}", list(form.items()), token or company.auth_token)
        headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}
        with httpx.Client(base_url=self.web[web].address, trust_env=False, timeout=20) as http:
            return http.post(path, data=form, headers=headers).status_code

    def door(self) -> "contextlib.AbstractContextManager[None]":
        """The doors of `db` lead to this cluster's database meanwhile."""
        return _door(database_setup.login_url(self.admin_url))


@contextlib.contextmanager
def _door(url: str) -> Iterator[None]:
    db.use_database(url)
    try:
        yield
    finally:
        asyncio.run(db.close())


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it becomes true in this time, which does not count the last look itself."""
    until = time.monotonic() + seconds
    while True:
        is_in_time = time.monotonic() < until
        if condition():
            return True
        if not is_in_time:
            return False
        time.sleep(0.02)


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    """All of it running: a worker ends when its database goes away, and its supervisor starts it again."""
    assert within(START_SECONDS, lambda: all(_revived(worker) for worker in started.workers))
    return started


def _revived(worker: ChildProcess) -> bool:
    worker.revive()
    return worker.is_alive()


@pytest.fixture(scope="session")
def started(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Started once; a test that stops something starts it again."""
    folder = tmp_path_factory.mktemp("cluster")
    admin_url = _own_database(server_url, template)
    login = database_setup.login_url(admin_url)
    with _door(login):
        cast = asyncio.run(enter_cast())
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(running_redis(folder))
        pooled = stack.enter_context(running_pooler(server_url, login)).url(login)
        settings = {
            "PORTAL_REDIS_URL": redis.url,
            "PORTAL_TWILIO_BASE_URL": free_address(),
            "PORTAL_DATABASE_SESSION_URL": login,
            "PORTAL_DATA_DIR": str(_data_dir(folder)),
        }
        stack.enter_context(_twilio(settings, folder))
        web = [_launch(stack, pooled, folder, number, settings) for number in range(WEB)]
        workers = [stack.enter_context(_worker(pooled, settings)) for _ in range(WORKERS)]
        for portal in web:
            wait_until_ready(portal, START_SECONDS)
        yield Cluster(web, workers, redis, cast, admin_url, pooled, settings)


def _data_dir(folder: Path) -> Path:
    """A folder of this host's processes alone, with the keys that the cast's tokens are sealed with."""
    data_dir = folder / "data"
    data_dir.mkdir()
    keys = ",".join(f"{name}:{b64encode(key).decode()}" for name, key in config().keys.items())
    (data_dir / "secret_keys").write_text(keys)
    return data_dir


def _own_database(server_url: str, template: str) -> str:
    name = f"cluster_{template}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, template))))
        connection.execute(sql.SQL("grant connect on database {} to portal_web").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def one_more(cluster: Cluster, log: Path) -> Portal:
    """Another web process of the cluster; whoever starts it ends it."""
    settings = {"__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "false", **cluster.settings}
    origin = cluster.web[0].origin
    return launch(cluster.pooled_url, log, factory=FACTORY, origin=origin, settings=settings)


def _launch(stack: contextlib.ExitStack, login: str, folder: Path, number: int, settings: dict[str, str]) -> Portal:
    """The first process's address is the origin of all."""
    origin = settings.setdefault("PORTAL_PUBLIC_URL", free_address())
    mounted = {"__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "false", **settings}
    where = origin if number == 0 else ""
    log = folder / f"web{number}.log"
    portal = launch(login, log, factory=FACTORY, address=where, origin=origin, settings=mounted)
    stack.callback(end, portal)
    return portal


@contextlib.contextmanager
def _worker(login: str, settings: dict[str, str]) -> Iterator[ChildProcess]:
    environment = os.environ | settings | {"PORTAL_DATABASE_APP_URL": login}
    worker = ChildProcess("worker", ["tenant_portal", "worker"], environment, lambda *_: None)
    worker.start()
    try:
        yield worker
    finally:
        worker.wait(0)


@contextlib.contextmanager
def _twilio(settings: dict[str, str], folder: Path) -> Iterator[None]:
    port = settings["PORTAL_TWILIO_BASE_URL"].rpartition(":")[2]
    command = ["uvicorn", "tenant_portal.simulator.twilio_server:create", "--factory", "--port", port]
    with (folder / "twilio.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | settings, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()
