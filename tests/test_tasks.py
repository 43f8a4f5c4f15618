"""A task that runs beside everything else ends when it is told to, also when it did not hear it the first time."""

import asyncio
import contextlib

import pytest

from tenant_portal import tasks


async def deaf(times: int) -> None:
    """Goes on after so many cancellations, as `wait_for` of old Pythons makes a listener do."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
    await asyncio.sleep(60)


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_a_task_ends_however_often_it_must_be_told(times: int) -> None:
    task = asyncio.create_task(deaf(times))
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.end(task), 5)
    assert task.cancelled()


async def test_tasks_that_failed_or_ended_are_no_trouble() -> None:
    async def fails() -> None:
        raise ValueError("x")

    async def ends() -> None:
        return

    ended = [asyncio.create_task(fails()), asyncio.create_task(ends())]
    await asyncio.sleep(0)
    await tasks.end(*ended)
    assert isinstance(ended[0].exception(), ValueError)
    await tasks.end()
