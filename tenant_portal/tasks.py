"""The end of tasks that run beside everything else."""

import asyncio

AGAIN_SECONDS = 0.1


async def end(*tasks: "asyncio.Task[None]") -> None:
    """Cancel them and wait until they have ended, however that is."""
    # Again and again: before Python 3.12 `asyncio.wait_for`, under every read of psycopg's, drops a cancellation that
    # comes together with its result (cpython issue 86296). A listener under load was never ended, nor its process.
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
