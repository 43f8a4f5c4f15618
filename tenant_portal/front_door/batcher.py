"""Group commit: while one call is under way, what arrives waits, and the next call takes it all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_Waiter = tuple[Item, asyncio.Future[Result]]
_Ended = tuple[Sequence[_Waiter[Item, Result]], Sequence[Result] | Exception]
# Turns of the event loop until a call that was begun has sent its query: its own task, and the one in it that sends.
TURNS_TO_SEND = 2


class Batcher(Generic[Item, Result]):
    """No timer and no delay when idle: the first item starts a call, and its duration is the next batch's waiting time.

    `work` gives one result for each item, in order; if it raises, every waiter of that batch gets the exception.
    Calls go one at a time. What waits is sent before the last call's waiters wake: they would keep this process busy
    for milliseconds, and the other side idle.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[_Waiter[Item, Result]] = deque()
        self._runner: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way or about to start."""
        return self._runner is not None

    async def submit(self, item: Item) -> Result:
        """The result for this item, after the call that took it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        ended: _Ended[Item, Result] | None = None
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
                call = self._begin([item for item, _ in batch])
                if ended is not None:
                    for _ in range(TURNS_TO_SEND):
                        await asyncio.sleep(0)
                    _wake(*ended)
                ended = batch, await call
                if not self._waiting:
                    _wake(*ended)
                    ended = None
        finally:
            self._runner = None

    def _begin(self, items: Sequence[Item]) -> asyncio.Task[Sequence[Result] | Exception]:
        return asyncio.create_task(self._call(items))

    async def _call(self, items: Sequence[Item]) -> Sequence[Result] | Exception:
        try:
            return await self._work(items)
        except Exception as error:  # noqa: BLE001 - it is the waiters' to handle
            return error


def _wake(batch: Sequence[_Waiter[Item, Result]], outcome: Sequence[Result] | Exception) -> None:
    for number, (_, future) in enumerate(batch):
        # A waiter may be gone (client disconnected): its row is stored all the same.
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome[number])
