"""Behind PgBouncer in transaction mode: a handful of server connections carry everybody, and nobody gets another's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text

from tenant_portal import database_setup, db
from tenant_portal.config import settings
from tenant_portal.identity import service, sessions
from tenant_portal.identity.service import Device
from tenant_portal.inbox import queries
from tenant_portal.job_queue import connector, open_app
from tenant_portal.tenants import service as tenants
from tenant_portal.webhook_routes import lifespan, webhook_app
from tests.cast import PASSWORD, Cast, Company, enter_cast
from tests.cluster.servers import SERVERS_PER_POOL, Pooler, needs, running_pooler
from tests.threads import receive
from tests.webhook_client import Portal, text_message

pytestmark = [needs("pgbouncer"), pytest.mark.database]
CLIENTS, ROUNDS = 24, 10


@pytest.fixture(scope="module")
def pooler(server_url: str, template: str) -> Iterator[Pooler]:
    """One for all tests of this file."""
    with running_pooler(server_url, database_setup.login_url(server_url)) as running:
        yield running


@pytest_asyncio.fixture
async def database(admin_url: str, pooler: Pooler, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """This test's database through the pooler; LISTEN and jobs go past it."""
    login = database_setup.login_url(admin_url)
    monkeypatch.setenv("PORTAL_DATABASE_SESSION_URL", login)
    monkeypatch.setenv("PORTAL_DATABASE_POOL_SIZE", str(CLIENTS))
    settings.cache_clear()
    db.use_database(pooler.url(login))
    yield login
    await db.close()
    monkeypatch.undo()
    settings.cache_clear()


@pytest_asyncio.fixture
async def cast(database: str) -> Cast:
    """Everybody, written through the pooler."""
    return await enter_cast()


async def test_two_tenants_interleaved_never_meet(cast: Cast, pooler: Pooler, database: str) -> None:
    async def read(company: Company, number: int) -> list[bool]:
        await receive(company, lead=f"+1415555{number:04}", body=f"of {company.name}")
        return [await _sees_only_its_own(company) for _ in range(ROUNDS)]

    found = await asyncio.gather(
        *(read(company, number) for number in range(CLIENTS // 2) for company in (cast.acme, cast.globex))
    )
    assert [all(seen) for seen in found] == [True] * CLIENTS
    servers = pooler.server_connections(database, urlsplit(database).path[1:])
    assert 0 < servers <= SERVERS_PER_POOL


async def _sees_only_its_own(company: Company) -> bool:
    async with db.tenant_session(company.tenant_id) as session:
        # No filter: whatever the transaction before left behind on this server would show.
        bodies = set((await session.execute(text("select body from message"))).scalars())
        listed = await queries.list_threads(session, company.tenant_id)
    return bodies == {f"of {company.name}"} and len(listed) > 0


async def test_outside_a_door_there_is_still_nothing(cast: Cast) -> None:
    await receive(cast.acme)
    async with db.engine().connect() as connection:
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute(text("select body from public.message"))


async def test_a_statement_ends_in_time(database: str) -> None:
    async with db.identity_session() as session:
        assert await session.scalar(text("show statement_timeout")) == database_setup.STATEMENT_TIMEOUT


async def test_with_prepared_statements_it_would_break(database: str, pooler: Pooler) -> None:
    async def ask(number: int) -> None:
        async with await psycopg.AsyncConnection.connect(pooler.url(database), prepare_threshold=0) as connection:
            for _ in range(ROUNDS):
                await connection.execute(f"select {number}".encode())
                await connection.commit()

    outcomes = await asyncio.gather(*map(ask, range(CLIENTS)), return_exceptions=True)
    faults = {type(outcome) for outcome in outcomes if outcome is not None}
    assert faults & {psycopg.errors.DuplicatePreparedStatement, psycopg.errors.InvalidSqlStatementName}


@pytest_asyncio.fixture
async def portal(cast: Cast, admin_url: str) -> AsyncIterator[Portal]:
    """An open front door whose calls go through the pooler."""
    async with lifespan() as door:
        transport = httpx.ASGITransport(webhook_app, client=("203.0.113.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.1") as http:
            yield Portal(http, door, admin_url)


async def test_webhooks_of_two_tenants_are_stored_at_their_own(portal: Portal, cast: Cast) -> None:
    companies = [(cast.acme, cast.globex)[number % 2] for number in range(80)]
    answers = await asyncio.gather(
        *(portal.post("sms", company, text_message(company, Body=company.name)) for company in companies)
    )
    assert {answer.status_code for answer in answers} == {200}
    stored = await portal.rows("select tenant_id, body, count(*) as n from message group by 1, 2 order by 2")
    assert [(row["tenant_id"], row["body"], row["n"]) for row in stored] == [
        (cast.acme.tenant_id, "Acme", 40),
        (cast.globex.tenant_id, "Globex", 40),
    ]


async def test_a_suspension_is_heard_past_the_pooler(portal: Portal, cast: Cast) -> None:
    assert (await portal.post("sms", cast.acme, text_message(cast.acme))).status_code == 200
    async with db.staff_session() as session:
        await tenants.suspend(session, cast.acme.tenant_id)
    async with asyncio.timeout(1):
        while (await portal.post("sms", cast.acme, text_message(cast.acme))).status_code != 403:
            await asyncio.sleep(0.02)
    assert (await portal.post("sms", cast.globex, text_message(cast.globex))).status_code == 200


async def test_sign_in_goes_through_it(cast: Cast) -> None:
    now = datetime.now(UTC)
    async with db.identity_session() as session:
        who = await service.candidate(session, cast.alice.email, "203.0.113.7", now)
    async with db.identity_session() as session:
        token = await service.settle(session, who, PASSWORD, Device("203.0.113.7", "test"), now)
    async with db.identity_session() as session:
        person = await sessions.resume(session, token, now)
    assert person is not None
    assert person.tenant_id == cast.acme.tenant_id


async def test_the_job_queue_keeps_its_session(database: str) -> None:
    async with open_app(connector()) as app:
        found = await app.connector.execute_query_one_async("select current_setting('role') as role")
    assert found == {"role": "portal_jobs"}


async def test_an_unknown_tenant_gets_nothing(cast: Cast) -> None:
    await receive(cast.acme)
    async with db.tenant_session(UUID(int=0)) as session:
        assert (await session.execute(text("select count(*) from message"))).scalar() == 0
