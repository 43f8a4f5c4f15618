"""A process that holds one whole portal and two clients, plants faults on request, and says what the check saw.

Started by the tests with an administrator's URL; one request and one answer per line, JSON. It is a process of its own
because it changes the code it runs, and because Reflex' application belongs to one event loop for good.
"""

import asyncio
import importlib
import json
import logging
import sys
from contextlib import nullcontext
from typing import Any

from tenant_portal import db
from tenant_portal.config import settings
from tenant_portal.simulator.two_tenant_check import bring_up, registry, runner
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tenant_portal.simulator.two_tenant_check.stage import stage
from tenant_portal.simulator.two_tenant_check.visitor import Visitor

ANSWER = "answer: "


async def main(admin_url: str) -> None:
    importlib.import_module("tenant_portal.tenant_portal")
    faults = importlib.import_module("tests.simulator_check.faults").FAULTS
    surface = importlib.import_module("tenant_portal.ui.surface").collect()
    memory = bring_up.LogMemory()
    async with bring_up.portal() as address, Visitor(address, settings().origin) as visitor:
        logging.getLogger().addHandler(memory)
        async with stage(visitor) as players:
            say({"ready": sorted(faults)})
            while request := await asyncio.to_thread(sys.stdin.readline):
                wanted: dict[str, Any] = json.loads(request)
                memory.lines.clear()
                context = Context(players, surface, visitor, False, lambda: "\n".join(memory.lines))
                planted = faults[wanted["fault"]](players, admin_url) if wanted["fault"] else nullcontext()
                async with planted:
                    say(await results(context, wanted["probes"]))
    say({"struck": True})
    await db.close()


async def results(context: Context, prefixes: list[str]) -> dict[str, list[str]]:
    """Outcome and evidence of every probe whose id begins with one of these, by id."""
    chosen = [probe for probe in registry.probes(context) if probe.id.startswith(tuple(prefixes))]
    progress = Progress()
    await runner.run(context, chosen, progress, lambda _: None)
    return {result.id: [result.outcome.value, result.evidence] for result in progress.results}


def say(answer: Any) -> None:
    print(ANSWER + json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    bring_up.choose_ports()
    db.use_database(sys.argv[2])
    asyncio.run(main(sys.argv[1]))
