"""`simulate`: the two-tenant check, of the portal that runs here or of one brought up for it."""

import asyncio
import importlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tenant_portal import db, frontend_build
from tenant_portal.cli import runtime
from tenant_portal.cli.runtime import AsJson
from tenant_portal.config import settings
from tenant_portal.simulator.two_tenant_check import bring_up, check, report
from tenant_portal.simulator.two_tenant_check.probe import Group, Outcome
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tenant_portal.simulator.two_tenant_check.surface import Surface
from tenant_portal.supervisor import is_ready

# Named and not imported: every other command would wait for Reflex.
APPLICATION, SURFACE = "tenant_portal.tenant_portal", "tenant_portal.ui.surface"
BAD = (Outcome.LEAK, Outcome.ERROR)


def simulate(
    as_json: AsJson = False,
    output: Annotated[Path | None, typer.Option("--report", help="Also write the report to this HTML file.")] = None,
) -> None:
    """Try every way from one client to another, with two clients made for it. Exit code 1 if anything got through."""
    progress = _of_running() if is_ready(settings().port) else _of_own(quiet=as_json)
    data = report.as_data(progress)
    if output is not None:
        output.write_text(report.as_page(data))
    if as_json:
        typer.echo(json.dumps(data, indent=2))
    else:
        _print(progress)
    if not progress.is_tight:
        raise typer.Exit(1)


def _of_running() -> Progress:
    """The portal that serves on the configured port, with its own worker and Twilio."""
    progress = Progress()
    address = f"http://{bring_up.LOOPBACK}:{settings().port}"
    runtime.run(lambda: check.run(address, _surface(), progress, _say, lambda: None))
    report.keep(progress)
    return progress


def _of_own(*, quiet: bool) -> Progress:
    """A portal of its own, in this process, that leaves nothing behind."""
    frontend_build.ensure()
    progress = Progress()
    with _own_settings(), runtime.database():
        if quiet:
            logging.disable(logging.CRITICAL)
        asyncio.run(_bring_up_and_check(progress))
    return progress


async def _bring_up_and_check(progress: Progress) -> None:
    memory = bring_up.LogMemory()
    try:
        async with bring_up.portal() as address:
            logging.getLogger().addHandler(memory)
            await check.run(address, _surface(), progress, _say, lambda: "\n".join(memory.lines))
    finally:
        await db.close()


@contextmanager
def _own_settings() -> Iterator[None]:
    """A data folder and ports of its own, no settings of the installation: nothing of it can be touched."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="two-tenant-check-") as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        os.environ["PORTAL_LOG_LEVEL"] = "WARNING"
        bring_up.choose_ports()
        yield


def _surface() -> Surface:
    importlib.import_module(APPLICATION)
    surface: Surface = importlib.import_module(SURFACE).collect()
    return surface


def _say(progress: Progress) -> None:
    console = Console(stderr=True)
    if console.is_terminal:
        bad = sum(map(progress.count, BAD))
        line = f"{len(progress.results)}/{progress.total}  {bad} bad  {progress.doing[:80]}"
        console.print(line.ljust(110), end="\r", highlight=False, markup=False)


def _print(progress: Progress) -> None:
    console = Console()
    table = Table(title="Two-tenant check")
    for heading in ("Probes", *(outcome.value for outcome in Outcome)):
        table.add_column(heading, justify="left" if heading == "Probes" else "right")
    for group in Group:
        found = [result.outcome for result in progress.results if result.group is group]
        table.add_row(group.value, *(str(found.count(outcome)) for outcome in Outcome))
    console.print(table)
    for result in progress.results:
        if result.outcome is not Outcome.PASS:
            console.print(f"{result.outcome.value.upper():8} {result.id}\n         {result.evidence}", markup=False)
    console.print(report.verdict(progress), markup=False)
