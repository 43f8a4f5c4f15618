"""One portal for all tests of this folder: starting it takes longer than attacking it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tenant_portal import database_setup, db
from tests.cast import Cast, enter_cast
from tests.portal_server import Portal, running_portal


@dataclass(frozen=True)
class Stage:
    """A running portal with its people, and the database behind it as a superuser sees it."""

    portal: Portal
    cast: Cast
    admin_url: str

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Rows, past every wall."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def stage(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The cast in a database of its own, and the web process in front of it."""
    name = f"attacks_{template}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, template))))
        connection.execute(sql.SQL("grant connect on database {} to portal_web").format(sql.Identifier(name)))
    admin_url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    url = database_setup.login_url(admin_url)
    cast = asyncio.run(_enter(url))
    log: Path = tmp_path_factory.mktemp("portal") / "web.log"
    with running_portal(url, log, factory="tests.ui.attack_app:create") as portal:
        yield Stage(portal, cast, admin_url)


async def _enter(url: str) -> Cast:
    db.use_database(url)
    try:
        return await enter_cast()
    finally:
        await db.close()


@pytest.fixture
def portal(stage: Stage) -> Portal:
    """The running portal."""
    return stage.portal


@pytest.fixture
def people(stage: Stage) -> Cast:
    """Who is signed up there."""
    return stage.cast
