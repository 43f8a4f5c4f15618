"""The cache of accounts: right while notices come in, useful while they do not, never larger than it must be."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from tenant_portal.front_door import accounts
from tenant_portal.front_door.accounts import Accounts
from tenant_portal.front_door.line import Line
from tests.cast import Cast
from tests.webhook_client import sid


class CountingLine(Line):
    """A real line that counts its calls."""

    calls = 0

    async def call(self, query: str, parameters: tuple[object, ...] = ()) -> list[object]:  # type: ignore[override]
        self.calls += 1
        return await super().call(query, parameters)


@pytest_asyncio.fixture
async def line(database: str) -> AsyncIterator[CountingLine]:
    line = CountingLine()
    yield line
    await line.close()


@pytest_asyncio.fixture
async def cache(line: CountingLine) -> AsyncIterator[Accounts]:
    """A cache that hears of changes."""
    cache = Accounts(line)
    listening = asyncio.create_task(cache.listen())
    while not cache.is_listening:
        await asyncio.sleep(0.01)
    yield cache
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def change(admin_url: str, query: str, *values: object) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute(query.encode(), values)


async def test_an_account_is_asked_for_once(cache: Accounts, line: CountingLine, cast: Cast) -> None:
    found = await asyncio.gather(*(cache.find(cast.acme.account_sid) for _ in range(20)))
    await cache.find(cast.acme.account_sid)
    assert {account.tenant_id for account in found if account} == {cast.acme.tenant_id}
    assert line.calls == 1


async def test_an_unknown_account_is_asked_for_once(cache: Accounts, line: CountingLine, cast: Cast) -> None:
    stranger = sid("AC")
    assert [await cache.find(stranger) for _ in range(5)] == [None] * 5
    assert line.calls == 1


async def test_strangers_take_only_so_much_room(cache: Accounts, cast: Cast) -> None:
    accounts_of_ours = [cast.acme.account_sid, cast.globex.account_sid]
    for known in accounts_of_ours:
        await cache.find(known)
    original, accounts.MOST_UNKNOWN = accounts.MOST_UNKNOWN, 20
    try:
        for _ in range(100):
            await cache.find(sid("AC"))
    finally:
        accounts.MOST_UNKNOWN = original
    assert len(cache._entries) <= 20 + len(accounts_of_ours) + 1
    assert set(accounts_of_ours) <= set(cache._entries)


async def test_a_new_account_is_known_within_a_second(cache: Accounts, cast: Cast, admin_url: str) -> None:
    fresh = sid("AC")
    assert await cache.find(fresh) is None
    await change(admin_url, "update subaccount set account_sid = %s where tenant_id = %s", fresh, cast.acme.tenant_id)
    async with asyncio.timeout(1):
        while await cache.find(fresh) is None:
            await asyncio.sleep(0.01)


async def test_a_suspended_client_is_known_within_a_second(cache: Accounts, cast: Cast, admin_url: str) -> None:
    await cache.find(cast.acme.account_sid)
    await change(admin_url, "update tenant set state = 'suspended' where id = %s", cast.acme.tenant_id)
    async with asyncio.timeout(1):
        while (account := await cache.find(cast.acme.account_sid)) and account.state == "active":
            await asyncio.sleep(0.01)
    assert account is not None


async def test_a_removed_client_is_forgotten_within_a_second(cache: Accounts, cast: Cast, admin_url: str) -> None:
    await cache.find(cast.globex.account_sid)
    await change(admin_url, "delete from tenant where id = %s", cast.globex.tenant_id)
    async with asyncio.timeout(1):
        while await cache.find(cast.globex.account_sid):
            await asyncio.sleep(0.01)


async def test_a_change_of_one_client_leaves_the_other_cached(
    cache: Accounts, line: CountingLine, cast: Cast, admin_url: str
) -> None:
    for company in (cast.acme, cast.globex):
        await cache.find(company.account_sid)
    cache.drop(str(cast.acme.tenant_id))
    await cache.find(cast.globex.account_sid)
    assert line.calls == 2
    await cache.find(cast.acme.account_sid)
    assert line.calls == 3


async def test_without_notices_the_database_is_asked_each_time(line: CountingLine, cast: Cast) -> None:
    deaf = Accounts(line)
    for _ in range(3):
        assert await deaf.find(cast.acme.account_sid)
    assert line.calls == 3


async def test_a_listener_that_was_cut_off_listens_again(cache: Accounts, cast: Cast, admin_url: str) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where query in ('listen portal_accounts', 'select 1')"
    await change(admin_url, cut)
    async with asyncio.timeout(5):
        while cache.is_listening:
            await asyncio.sleep(0.01)
        while not cache.is_listening:
            await asyncio.sleep(0.01)


def test_an_account_never_shows_its_token(cast: Cast) -> None:
    account = accounts.Account(cast.acme.account_sid, cast.acme.tenant_id, "active", cast.acme.auth_token)
    assert cast.acme.auth_token not in repr(account)
