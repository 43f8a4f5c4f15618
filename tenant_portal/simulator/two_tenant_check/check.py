"""One check from beginning to end: two clients made, every probe run, both taken away again."""

from collections.abc import Callable
from datetime import UTC, datetime

from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.simulator.two_tenant_check import registry, runner
from tenant_portal.simulator.two_tenant_check.canaries import NotStaged
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.runner import Progress, Tell
from tenant_portal.simulator.two_tenant_check.stage import stage
from tenant_portal.simulator.two_tenant_check.surface import Surface
from tenant_portal.simulator.two_tenant_check.visitor import Visitor

LogReader = Callable[[], str | None]


async def run(address: str, surface: Surface, progress: Progress, tell: Tell, read_logs: LogReader) -> None:
    """Check the portal at `address`, whose database this process has open. What goes wrong ends up in `progress`.

    Takes 30 to 60 s. `tell` hears of every probe that has ended; cancelling cleans up before it returns.
    """
    try:
        async with Visitor(address, settings().origin) as visitor, stage(visitor) as players:
            context = Context(players, surface, visitor, settings().twilio_mode == "live", read_logs)
            await runner.run(context, registry.probes(context), progress, tell)
            progress.doing = "Taking the two clients away again"
            tell(progress)
    except PortalError as error:
        progress.fault = error.message
    except NotStaged as error:
        progress.fault = f"The two clients could not be set up: {error}"
    finally:
        progress.ended_at = datetime.now(UTC)
        progress.doing = ""
        tell(progress)
