"""Whether the pages' state can be reached: asked of a real Redis that goes away, hangs, fills up and comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis

from tenant_portal.ui.event_gate import on_exception
from tenant_portal.ui.state_store import ANSWER_SECONDS, PROBE_SECONDS, StateStore
from tests.cluster.servers import RedisServer, needs, running_redis

pytestmark = needs("redis-server")
PATIENCE = 2 * (ANSWER_SECONDS + PROBE_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests of this file."""
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest_asyncio.fixture
async def watched(server: RedisServer) -> AsyncIterator[tuple[StateStore, list[int]]]:
    """A store that is watched, and one entry for each loss."""
    losses: list[int] = []

    async def lost() -> None:
        losses.append(1)

    store = StateStore(server.url)
    assert not store.is_there
    async with store.watching(lost):
        await until(lambda: store.is_there)
        yield store, losses


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_loss_is_told_once_and_the_return_is_seen(
    watched: tuple[StateStore, list[int]], server: RedisServer
) -> None:
    store, losses = watched
    server.stop()
    await until(lambda: not store.is_there)
    await asyncio.sleep(2 * PROBE_SECONDS)
    assert losses == [1]
    server.start()
    await until(lambda: store.is_there)


async def test_one_that_hangs_counts_as_lost(watched: tuple[StateStore, list[int]], server: RedisServer) -> None:
    store, losses = watched
    server.pause()
    await until(lambda: losses == [1])
    server.pause(signal.SIGCONT)
    await until(lambda: store.is_there)


async def test_one_that_takes_no_writes_counts_as_lost(
    watched: tuple[StateStore, list[int]], server: RedisServer
) -> None:
    store, losses = watched
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)
        await until(lambda: losses == [1])
        client.config_set("maxmemory", 0)
    await until(lambda: store.is_there)


async def test_without_redis_the_state_is_always_there(tmp_path: Path) -> None:
    store = StateStore("")

    async def lost() -> None:
        raise AssertionError

    async with store.watching(lost):
        assert store.is_there


def test_a_failed_page_does_not_ask_for_the_state_again() -> None:
    assert on_exception(redis.ConnectionError("gone")) is None
