"""Fixtures of the whole suite: a real PostgreSQL, the real migrations, a named cast.

Acme and Globex are two clients. Alice owns Acme, Bob is its agent, Charlie owns Globex and must see nothing of Acme,
Sam is the agency's staff.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

# Before anything of the portal is imported: settings are read once.
_data_dir = tempfile.TemporaryDirectory(prefix="portal-tests-")
for _name in [name for name in os.environ if name.startswith("PORTAL_") and not name.startswith("PORTAL_TEST_")]:
    del os.environ[_name]
os.environ["PORTAL_DATA_DIR"] = _data_dir.name
os.environ["PORTAL_PUBLIC_URL"] = "https://portal.example.com"
# Answers go out at once; what waits has tests of its own.
os.environ["PORTAL_UNDO_SEND_SECONDS"] = "0"

import pytest  # noqa: E402
import pytest_asyncio  # noqa: E402

from tenant_portal import database_setup, db  # noqa: E402
from tenant_portal.config import settings  # noqa: E402
from tenant_portal.embedded_postgres import EmbeddedServer  # noqa: E402
from tests import loopback_only  # noqa: E402
from tests.cast import Cast, enter_cast  # noqa: E402
from tests.databases import Databases  # noqa: E402
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: E402, F401

loopback_only.guard()
TEMPLATE = "portal_template"


@pytest.fixture
def settings_anew() -> Iterator[None]:
    """What this test sets in the environment counts, and only for it."""
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Superuser URL of a scratch server: PORTAL_TEST_DATABASE_URL, else an embedded one without durability."""
    if outside := os.environ.get("PORTAL_TEST_DATABASE_URL"):
        yield outside
        return
    with EmbeddedServer(Path(_data_dir.name), fast=True) as server:
        yield server.admin_url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a migrated database without connections, to be cloned."""
    name = f"{TEMPLATE}_{os.getpid()}"
    database_setup.prepare(database_setup.create_database(server_url, name))
    return name


@pytest.fixture(scope="session")
def databases(server_url: str, template: str) -> Iterator[Databases]:
    """Where each test gets its database from."""
    lender = Databases(server_url, template)
    yield lender
    lender.close()


@pytest.fixture
def admin_url(databases: Databases) -> Iterator[str]:
    """Superuser URL of a migrated database without rows, for this test alone."""
    yield databases.lend()
    databases.take_back()


@pytest_asyncio.fixture
async def database(admin_url: str) -> AsyncIterator[str]:
    """The login URL of this test's database; the doors of `db` lead to it."""
    url = database_setup.login_url(admin_url)
    db.use_database(url)
    yield url
    await db.close()


@pytest_asyncio.fixture
async def cast(database: str) -> Cast:
    """Acme and Globex with their people, subaccounts and channels, in this test's database."""
    return await enter_cast()
