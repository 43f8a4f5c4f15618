"""Group commit: while one call is under way, what arrives waits, and the next call takes it all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """No timer and no delay when idle: the first item starts a call, and its duration is the next batch's waiting time.

    `work` gives one result for each item, in order; if it raises, every waiter of that batch gets the exception.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
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
        try:
            while self._waiting:
                await self._one_call()
        finally:
            self._runner = None

    async def _one_call(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is the waiters' to handle
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            # A waiter may be gone (client disconnected): its row is stored all the same.
            if not future.done():
                future.set_result(result)
