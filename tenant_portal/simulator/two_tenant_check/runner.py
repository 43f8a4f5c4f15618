"""Runs the probes one after the other and keeps what each saw."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import (
    EVIDENCE_CHARACTERS,
    Group,
    Leak,
    Outcome,
    Probe,
    Result,
    Skipped,
)

# These mostly wait for a websocket to stay silent. The others compare rows before and after: one at a time.
AT_ONCE = {Group.PAGES: 8}
Tell = Callable[["Progress"], None]


@dataclass(slots=True)
class Progress:
    """How far a check is; `doing` says what it is at."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    doing: str = "Setting up two clients"
    total: int = 0
    results: list[Result] = field(default_factory=list)
    fault: str = ""

    def count(self, outcome: Outcome) -> int:
        """How many probes ended like this."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def is_tight(self) -> bool:
        """No leak, no error, and not simply nothing."""
        bad = self.count(Outcome.LEAK) + self.count(Outcome.ERROR)
        return not self.fault and bad == 0 and self.count(Outcome.PASS) > 0


async def run(context: Context, probes: Sequence[Probe], progress: Progress, tell: Tell) -> None:
    """Run all probes; `tell` hears of every step."""
    _refuse_same_ids(probes)
    progress.total = len(probes)
    for group, members in groupby(probes, key=lambda probe: probe.group):
        gate = asyncio.Semaphore(AT_ONCE.get(group, 1))

        async def one(probe: Probe, gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                progress.doing = probe.title
                progress.results.append(await run_one(context, probe))
                tell(progress)

        await asyncio.gather(*(one(probe) for probe in members))


async def run_one(context: Context, probe: Probe) -> Result:
    """One probe, whatever becomes of it."""
    started = time.perf_counter()
    try:
        outcome, evidence = Outcome.PASS, await probe.run(context)
    except Leak as leak:
        outcome, evidence = Outcome.LEAK, str(leak)
    except Skipped as reason:
        outcome, evidence = Outcome.SKIPPED, str(reason)
    except Exception as error:  # noqa: BLE001  # a probe that fails is a finding, and the others go on
        outcome, evidence = Outcome.ERROR, f"{type(error).__name__}: {error}"
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return Result(probe.id, probe.title, probe.group, outcome, _short(evidence), milliseconds)


def _short(evidence: str) -> str:
    line = " ".join(evidence.split())
    return line if len(line) <= EVIDENCE_CHARACTERS else f"{line[: EVIDENCE_CHARACTERS - 1]}…"


def _refuse_same_ids(probes: Iterable[Probe]) -> None:
    seen: set[str] = set()
    for probe in probes:
        if probe.id in seen:
            raise ValueError(f"Two probes are called {probe.id}.")
        seen.add(probe.id)
