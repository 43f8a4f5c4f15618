"""The one check that may be under way in this web process; its progress stays here, whoever looks on."""

import asyncio
import logging
from dataclasses import dataclass, field

from tenant_portal.config import settings
from tenant_portal.errors import Conflict
from tenant_portal.simulator.two_tenant_check import bring_up, check, report
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tenant_portal.simulator.two_tenant_check.surface import Surface

log = logging.getLogger(__name__)
STOPPED = "The check was stopped before its end. What it had made was taken away again."


@dataclass(slots=True)
class Office:
    """Starts and stops; `progress` is of the check under way, or of the last one since this process began."""

    progress: Progress | None = None
    _task: asyncio.Task[None] | None = None
    _memory: bring_up.LogMemory = field(default_factory=bring_up.LogMemory)

    @property
    def is_running(self) -> bool:
        """Whether a check is under way."""
        return self._task is not None and not self._task.done()

    def start(self, surface: Surface) -> None:
        """Begin a check of this very portal in the background; Conflict while one is under way."""
        if self.is_running:
            raise Conflict("A check is already under way.")
        self.progress = Progress()
        self._task = asyncio.create_task(self._work(surface, self.progress))

    def stop(self) -> None:
        """Give up; the clients are taken away before it ends."""
        if self._task is not None:
            self._task.cancel()

    async def _work(self, surface: Surface, progress: Progress) -> None:
        self._memory.lines.clear()
        logging.getLogger().addHandler(self._memory)
        address = f"http://{bring_up.LOOPBACK}:{settings().port}"
        try:
            await check.run(address, surface, progress, lambda _: None, lambda: "\n".join(self._memory.lines))
        except asyncio.CancelledError:
            progress.fault = STOPPED
        except Exception as error:
            log.exception("the two-tenant check failed")
            progress.fault = f"The check itself failed ({type(error).__name__}). The log says more."
        finally:
            logging.getLogger().removeHandler(self._memory)
            report.keep(progress)


office = Office()
