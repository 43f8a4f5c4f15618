"""How long a slow client is waited for, with one timer for a whole process.

`asyncio.timeout` does the same with a timer for each request, which costs a webhook as much as reading it.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")
_UP = "its time is up"


class Patience:
    """Waits for what it is given `seconds` at least, and half as long again at most."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[asyncio.Task[object], float] = {}
        self._looks_in: asyncio.AbstractEventLoop | None = None

    async def wait(self, what: Awaitable[Result]) -> Result:
        """Its result. Raises TimeoutError; `what` is cancelled then."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        if self._looks_in is not loop:
            self._look_later(loop)
        self._until[task] = loop.time() + self.seconds
        try:
            return await what
        except asyncio.CancelledError as cancelled:
            # Somebody else may have cancelled the request, whose word goes first.
            if _UP in cancelled.args and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            del self._until[task]

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in list(self._until.items()):
            if until <= now:
                task.cancel(_UP)
        self._looks_in = None
        if self._until:
            self._look_later(loop)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looks_in = loop
        loop.call_later(self.seconds / 2, self._look, loop)
