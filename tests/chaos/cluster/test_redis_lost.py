"""Redis goes away: pages say so and come back by themselves; sign-in and webhooks notice nothing."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.cluster.conftest import START_SECONDS, WEB, Cluster, one_more, within
from tests.chaos.cluster.test_processes import VAULT, arrives, opened
from tests.cluster.servers import needs
from tests.portal_server import Portal, end, name_of, open_tab, wait_until_ready

pytestmark = [pytest.mark.chaos, needs("redis-server"), needs("pgbouncer"), pytest.mark.timeout(300)]
NOTICED_WITHIN = 3.0
ANSWERED_WITHIN = 5.0
"""Seconds for an answer that does not need Redis; on a quiet machine some milliseconds."""


@pytest.fixture
def redis_lost(cluster: Cluster) -> Iterator[None]:
    """It is started again whatever the test does, and every process has seen it."""
    yield
    cluster.redis.stop()
    cluster.redis.start()
    assert within(10, lambda: all(_pages_are_there(web) for web in cluster.web))


def _pages_are_there(web: Portal) -> bool:
    with web.http() as http:
        return "portal_state_store_up 1.0" in http.get("/metrics").text


def _quick(web: Portal, cluster: Cluster, number: int) -> float:
    """Seconds that a sign-in and a webhook take, both good."""
    begin = time.monotonic()
    web.sign_in(cluster.cast.bob)
    assert cluster.post(number, cluster.cast.acme) == 200
    return time.monotonic() - begin


async def test_pages_are_cut_off_and_come_back(cluster: Cluster, redis_lost: None) -> None:
    web, cookie = cluster.web[0], cluster.web[0].session(cluster.cast.alice)
    async with open_tab(web, cookie) as tab:
        await opened(tab)
        cluster.redis.stop()
        # What a browser does next is Reflex' own: its banner says that the connection is lost, and it asks again.
        assert await tab.closed(NOTICED_WITHIN)
    with pytest.raises(ConnectionError):
        async with open_tab(web, cookie):
            pass
    assert all(_quick(one, cluster, number) < ANSWERED_WITHIN for number, one in enumerate(cluster.web))
    cluster.redis.start()
    assert within(NOTICED_WITHIN, lambda: _pages_are_there(web))
    async with open_tab(web, cookie, token=tab.token) as again:
        await opened(again)
        assert cluster.post(1, cluster.cast.acme) == 200
        assert await arrives(again, name_of(VAULT, "poked"))


async def test_a_redis_that_hangs_is_no_better_than_none(cluster: Cluster, redis_lost: None) -> None:
    web, cookie = cluster.web[2], cluster.web[2].session(cluster.cast.charlie)
    async with open_tab(web, cookie) as tab:
        cluster.redis.pause()
        assert await tab.closed(NOTICED_WITHIN)
    assert all(_quick(one, cluster, number) < ANSWERED_WITHIN for number, one in enumerate(cluster.web))
    cluster.redis.pause(signal.SIGCONT)
    assert within(NOTICED_WITHIN, lambda: _pages_are_there(web))
    async with open_tab(web, cookie) as again:
        await opened(again)
        assert "-Globex" in again.all


def test_a_web_process_starts_without_it(cluster: Cluster, redis_lost: None, tmp_path: Path) -> None:
    cluster.redis.stop()
    web = one_more(cluster, tmp_path / "log")
    try:
        wait_until_ready(web, START_SECONDS)
        web.sign_in(cluster.cast.bob)
        cluster.redis.start()
        assert within(NOTICED_WITHIN, lambda: _pages_are_there(web))
    finally:
        end(web)


def test_nothing_secret_is_logged_meanwhile(cluster: Cluster) -> None:
    words = {word for web in cluster.web for word in (*web.cookies.values(), cluster.cast.acme.auth_token) if word}
    logs = [web.logged() for web in cluster.web]
    assert len(logs) == WEB
    assert not [word for word in words if any(word in log for log in logs)]
