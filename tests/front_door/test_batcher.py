"""Group commit: one call at a time, everybody answered with what is theirs, and neither side idle."""

import asyncio
from collections.abc import Sequence

import pytest

from tenant_portal.front_door.batcher import Batcher


class Bank:
    """A slow other side that writes down what happens in which order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.open = asyncio.Semaphore(0)

    async def work(self, items: Sequence[int]) -> list[int]:
        self.events.append(f"call {list(items)}")
        await self.open.acquire()
        if -1 in items:
            raise ValueError("no")
        return [item * 10 for item in items]

    async def ask(self, batcher: Batcher[int, int], item: int) -> int:
        result = await batcher.submit(item)
        self.events.append(f"answer {item}")
        return result


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_call_shares_the_next_one() -> None:
    bank = Bank()
    batcher = Batcher(bank.work, 3)
    asked = []
    for item in range(1, 6):
        asked.append(asyncio.create_task(bank.ask(batcher, item)))
        await settle()
    for _ in range(3):
        bank.open.release()
        await settle()
    assert await asyncio.gather(*asked) == [10, 20, 30, 40, 50]
    assert [event for event in bank.events if event.startswith("call")] == ["call [1]", "call [2, 3, 4]", "call [5]"]


async def test_the_next_call_is_under_way_before_the_last_ones_waiters_wake() -> None:
    bank = Bank()
    batcher = Batcher(bank.work, 8)
    first = asyncio.create_task(bank.ask(batcher, 1))
    await settle()
    second = asyncio.create_task(bank.ask(batcher, 2))
    await settle()
    bank.open.release()
    await first
    assert bank.events == ["call [1]", "call [2]", "answer 1"]
    bank.open.release()
    assert await second == 20
    await settle()
    assert not batcher.is_busy


async def test_an_error_is_for_its_own_batch_alone() -> None:
    bank = Bank()
    batcher = Batcher(bank.work, 8)
    first = asyncio.create_task(bank.ask(batcher, -1))
    await settle()
    second = asyncio.create_task(bank.ask(batcher, 2))
    for _ in range(2):
        bank.open.release()
    with pytest.raises(ValueError, match="no"):
        await first
    assert await second == 20


async def test_a_waiter_that_has_gone_takes_nobody_with_it() -> None:
    bank = Bank()
    batcher = Batcher(bank.work, 8)
    gone, here = (asyncio.create_task(bank.ask(batcher, item)) for item in (1, 2))
    await settle()
    gone.cancel()
    bank.open.release()
    assert await here == 20
