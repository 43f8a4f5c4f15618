"""Starts, stops and shows the one check that may be under way, whichever web process of this host runs it."""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from typing import Any

from tenant_portal.config import settings
from tenant_portal.errors import Conflict
from tenant_portal.simulator.two_tenant_check import bring_up, check, report, under_way
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tenant_portal.simulator.two_tenant_check.surface import Surface

log = logging.getLogger(__name__)
STOPPED = "The check was stopped before its end. What it had made was taken away again."
HEED_SECONDS = 0.2


@dataclass(slots=True)
class Office:
    """Of one process; what it shows is the same in all of them."""

    _task: asyncio.Task[None] | None = None
    _memory: bring_up.LogMemory = field(default_factory=bring_up.LogMemory)

    @property
    def is_running(self) -> bool:
        """Whether a check is under way."""
        return under_way.is_claimed()

    def latest(self) -> dict[str, Any] | None:
        """The report of the check under way, or else the newest that was kept; see `report.as_data`."""
        return under_way.read() if self.is_running else report.newest()

    def start(self, surface: Surface) -> None:
        """Begin a check of this very portal in the background; Conflict while one is under way."""
        lock = under_way.claim()
        if lock is None:
            raise Conflict("A check is already under way.")
        progress = Progress()
        under_way.tell(progress)
        self._task = asyncio.create_task(self._work(surface, progress, lock))

    def stop(self) -> None:
        """Give up; the clients are taken away before it ends."""
        under_way.ask_to_stop()

    async def _work(self, surface: Surface, progress: Progress, lock: int) -> None:
        self._memory.lines.clear()
        logging.getLogger().addHandler(self._memory)
        address = f"http://{bring_up.LOOPBACK}:{settings().port}"
        run = asyncio.create_task(check.run(address, surface, progress, under_way.tell, self._read_logs))
        heed = asyncio.create_task(_heed_stop(run))
        try:
            await run
        except asyncio.CancelledError:
            progress.fault = STOPPED
        except Exception as error:
            log.exception("the two-tenant check failed")
            progress.fault = f"The check itself failed ({type(error).__name__}). The log says more."
        finally:
            heed.cancel()
            logging.getLogger().removeHandler(self._memory)
            report.keep(progress)
            os.close(lock)

    def _read_logs(self) -> str | None:
        """What this process has logged; with Redis there are others, whose logs it cannot read."""
        return None if settings().redis_url else "\n".join(self._memory.lines)


async def _heed_stop(run: asyncio.Task[None]) -> None:
    while True:
        await asyncio.sleep(HEED_SECONDS)
        if under_way.is_asked_to_stop():
            run.cancel()
            return


office = Office()
