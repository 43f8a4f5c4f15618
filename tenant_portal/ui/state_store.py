"""Whether the tabs' state can be reached: always in this process's memory, in Redis as long as Redis answers.

Without it no page can do anything. Its websocket is then closed and no new one let in: the page says by itself that the
connection is lost and asks again until it is back, and a fresh connection loads everything anew, so nothing has to be
remembered. Sign-in and webhooks never ask for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tenant_portal import tasks
from tenant_portal.config import settings

log = logging.getLogger(__name__)
PROBE_SECONDS = 0.5
ANSWER_SECONDS = 1.0
PROBE = "portal_probe"
IS_THERE = Gauge("portal_state_store_up", "1 while the state of open pages can be reached, 0 while they wait for it.")


@dataclass(slots=True)
class StateStore:
    """What this process knows of it; `url` is empty where the state is kept in memory."""

    url: str
    is_there: bool = False

    def __post_init__(self) -> None:
        self._note(is_there=not self.url)

    @contextlib.asynccontextmanager
    async def watching(self, on_loss: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Ask for it twice a second; `on_loss` is called each time it goes away."""
        if not self.url:
            yield
            return
        task = asyncio.create_task(self._watch(on_loss))
        try:
            yield
        finally:
            await tasks.end(task)

    async def _watch(self, on_loss: Callable[[], Awaitable[None]]) -> None:
        async with self._client() as redis:
            while True:
                was_there = self.is_there
                self._note(is_there=await _answers(redis))
                if was_there and not self.is_there:
                    log.warning("The pages wait for Redis.")
                    await on_loss()
                await asyncio.sleep(PROBE_SECONDS)

    def _client(self) -> Redis:
        # No repeats: the next look comes soon enough, and a silent Redis must not be believed in for longer.
        return Redis.from_url(
            self.url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            max_connections=1,
        )

    def _note(self, *, is_there: bool) -> None:
        self.is_there = is_there
        IS_THERE.set(is_there)


async def _answers(redis: Redis) -> bool:
    """Whether it takes a write: a full or read-only Redis answers a ping, but keeps no page's state."""
    try:
        await redis.set(PROBE, 1, ex=60)
    except (RedisError, OSError):
        return False
    return True


state_store = StateStore(settings().redis_url)
