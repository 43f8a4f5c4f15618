"""One timer for all that are waited for."""

import asyncio

import pytest

from tenant_portal.front_door.patience import Patience

FOREVER = 60


async def test_what_comes_in_time_is_given_back() -> None:
    assert await Patience(FOREVER).wait(asyncio.sleep(0, "a body")) == "a body"


async def test_what_does_not_come_is_given_up_and_cancelled() -> None:
    coming = asyncio.get_running_loop().create_future()
    with pytest.raises(TimeoutError):
        await Patience(0.02).wait(coming)
    assert coming.cancelled()


async def test_each_is_waited_for_from_its_own_beginning() -> None:
    patience, loop = Patience(0.1), asyncio.get_running_loop()

    async def seconds() -> float:
        begin = loop.time()
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.sleep(FOREVER))
        return loop.time() - begin

    first = asyncio.create_task(seconds())
    await asyncio.sleep(0.04)
    assert min(await asyncio.gather(first, asyncio.create_task(seconds()))) >= 0.1


async def test_it_serves_again_after_nobody_was_waited_for() -> None:
    patience = Patience(0.02)
    await patience.wait(asyncio.sleep(0))
    await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError):
        await patience.wait(asyncio.sleep(FOREVER))


async def test_whoever_cancels_the_request_is_obeyed() -> None:
    task = asyncio.create_task(Patience(FOREVER).wait(asyncio.sleep(FOREVER)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_what_is_waited_for_comes_through() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Patience(FOREVER).wait(fail())
