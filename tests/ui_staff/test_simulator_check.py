"""Staff run the two-tenant check from its page, and take its report away."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tenant_portal.config import settings
from tenant_portal.errors import NotAllowed
from tenant_portal.simulator.two_tenant_check import report, under_way
from tenant_portal.simulator.two_tenant_check.office import STOPPED, office
from tenant_portal.simulator.two_tenant_check.probe import Group, Outcome, Result
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tenant_portal.tenant_portal import http_app
from tenant_portal.ui.pages.simulator import CheckState
from tenant_portal.ui.pages.simulator.check_state import PAGE_SIZE
from tests.cast import Cast, Someone
from tests.running_portal import ROOT
from tests.ui.handlers import HANDLERS
from tests.ui_client.browser import Tab, sign_in

REPORT = "/staff/simulator/report"
PASS, LEAK, ERROR, SKIPPED = Outcome.PASS, Outcome.LEAK, Outcome.ERROR, Outcome.SKIPPED
STARTED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quiet_office() -> Iterator[None]:
    """No check and no report of another test."""
    for old in (settings().data_dir / report.FOLDER).glob("*.json"):
        old.unlink()
    yield
    assert not office.is_running


def result(number: int, outcome: Outcome, group: Group = Group.DATABASE) -> Result:
    return Result(f"p{number}", f"Probe {number} holds", group, outcome, f"seen {number}", 12.4)


def progress_of(*outcomes: Outcome, ended: bool = True) -> Progress:
    results = [result(number, outcome) for number, outcome in enumerate(outcomes)]
    ended_at = STARTED + timedelta(seconds=72) if ended else None
    return Progress(started_at=STARTED, ended_at=ended_at, results=results, total=len(results))


async def opened(cast: Cast) -> Tab:
    tab = await sign_in(cast.sam)
    await tab.call(CheckState.load)
    return tab


async def shown(cast: Cast) -> CheckState:
    return (await opened(cast)).state(CheckState)


@contextmanager
def claimed_by_another_process() -> Iterator[None]:
    """A process of this host has a check under way, and is killed at the end."""
    code = "import time; from tenant_portal.simulator.two_tenant_check.under_way import claim"
    command = [sys.executable, "-c", f"{code}; print(claim() is not None, flush=True); time.sleep(60)"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "True\n"
        try:
            yield
        finally:
            owner.kill()


async def ended() -> None:
    async with asyncio.timeout(30):
        while office.is_running:
            await asyncio.sleep(0.02)


async def test_before_the_first_check_every_topic_is_named(cast: Cast) -> None:
    state = await shown(cast)
    assert (state.is_loaded, state.is_running, state.at) == (True, False, "")
    assert [(group.name, group.word) for group in state.groups] == [(group.value, "Not run") for group in Group]


async def test_a_tight_check_says_that_nothing_crossed(cast: Cast) -> None:
    report.keep(progress_of(PASS, PASS, SKIPPED))
    state = await shown(cast)
    assert (state.headline, state.is_tight, state.elapsed) == ("Nothing crossed: 2 probes", True, "1:12")
    assert state.explanation.endswith("1 did not apply here.")
    assert (state.bad, state.groups[0].word, state.groups[0].passed, state.groups[0].skipped) == ([], "Tight", 2, 1)


@pytest.mark.parametrize(
    ("outcomes", "headline"),
    [
        ([PASS, LEAK], "1 leak: something got from one client to the other"),
        ([LEAK, LEAK, ERROR], "2 leaks: something got from one client to the other"),
        ([PASS, ERROR], "Not proven: 1 probe could not be carried out"),
        ([], "The check did not finish"),
    ],
)
async def test_anything_else_is_red_with_the_reason_on_top(cast: Cast, outcomes: list[Outcome], headline: str) -> None:
    report.keep(progress_of(*outcomes))
    state = await shown(cast)
    assert (state.headline, state.is_tight) == (headline, False)
    assert [line.word for line in state.bad] == [
        {LEAK: "Leak", ERROR: "Error"}[one] for one in outcomes if one in {LEAK, ERROR}
    ]


async def test_a_topic_opens_with_its_worst_probe_first(cast: Cast) -> None:
    report.keep(progress_of(PASS, SKIPPED, LEAK))
    tab = await opened(cast)
    state = await tab.call(CheckState.choose, Group.DATABASE.value)
    assert [(line.word, line.evidence) for line in state.lines] == [
        ("Leak", "seen 2"), ("Skipped", "seen 1"), ("Pass", "seen 0"),
    ]  # fmt: skip
    assert state.groups[0].tone == "bad"
    assert (await tab.call(CheckState.choose, Group.DATABASE.value)).chosen == ""


async def test_a_long_topic_is_shown_in_parts(cast: Cast) -> None:
    report.keep(progress_of(*[PASS] * (PAGE_SIZE + 7)))
    tab = await opened(cast)
    state = await tab.call(CheckState.choose, Group.DATABASE.value)
    assert (len(state.lines), state.more) == (PAGE_SIZE, 7)
    state = await tab.call(CheckState.show_more)
    assert (len(state.lines), state.more) == (PAGE_SIZE + 7, 0)


async def test_a_topic_that_does_not_exist_is_empty(cast: Cast) -> None:
    report.keep(progress_of(PASS))
    assert (await (await opened(cast)).call(CheckState.choose, "Kitchen")).lines == []


async def test_the_latest_report_survives_a_restart(cast: Cast) -> None:
    report.keep(progress_of(LEAK))
    later = progress_of(PASS)
    later.started_at += timedelta(minutes=5)
    report.keep(later)
    assert (await shown(cast)).headline == "Nothing crossed: 1 probe"


async def test_progress_is_shown_to_whoever_looks_on(cast: Cast) -> None:
    progress = progress_of(PASS, PASS, ended=False)
    progress.total, progress.doing = 8, "Trying a door"
    with claimed_by_another_process():
        under_way.tell(progress)
        state = await shown(cast)
        assert (state.is_running, state.done, state.total, state.percent) == (True, 2, 8, 25)
        assert state.doing == "Trying a door"
        progress.results.append(result(3, PASS, Group.WEBHOOKS))
        under_way.tell(progress)
        assert (await (await opened(cast)).call(CheckState.refresh)).percent == 38
    # Killed: what it left behind is nobody's progress.
    assert (await shown(cast)).is_running is False


async def test_another_process_can_be_asked_to_stop(cast: Cast) -> None:
    tab = await opened(cast)
    with claimed_by_another_process():
        under_way.tell(progress_of(PASS, ended=False))
        assert (await tab.call(CheckState.start)).notice == "A check is already under way."
        assert not under_way.is_asked_to_stop()
        await tab.call(CheckState.stop)
        assert under_way.is_asked_to_stop()
    lock = under_way.claim()
    assert lock is not None
    assert not under_way.is_asked_to_stop()
    os.close(lock)


async def test_one_check_at_a_time(cast: Cast) -> None:
    tab, other = await opened(cast), await opened(cast)
    assert (await tab.call(CheckState.start)).is_running
    state = await other.call(CheckState.start)
    assert (state.is_running, state.notice) == (True, "A check is already under way.")
    assert (await other.call(CheckState.close_notice)).notice == ""
    office.stop()
    await ended()


async def test_a_stopped_check_says_so_and_is_not_green(cast: Cast) -> None:
    tab = await opened(cast)
    await tab.call(CheckState.start)
    await asyncio.sleep(0)
    assert "being stopped" in (await tab.call(CheckState.stop)).notice
    await ended()
    state = await tab.call(CheckState.refresh)
    assert (state.is_running, state.headline, state.explanation) == (False, "The check did not finish", STOPPED)


async def test_a_check_without_a_portal_ends_with_the_reason(cast: Cast) -> None:
    tab = await opened(cast)
    await tab.call(CheckState.start)
    await ended()
    state = await tab.call(CheckState.refresh)
    assert (state.is_tight, state.done) == (False, 0)
    assert state.explanation
    assert json.loads(max((settings().data_dir / report.FOLDER).glob("*.json")).read_text())["tight"] is False


async def get(who: Someone | None, path: str) -> httpx.Response:
    tab = await sign_in(who)
    transport = httpx.ASGITransport(app=http_app)
    async with httpx.AsyncClient(transport=transport, base_url=settings().origin) as http:
        return await http.get(path, headers={"cookie": tab.root.router.headers.cookie})


async def test_staff_download_the_report_as_a_page_or_as_data(cast: Cast) -> None:
    report.keep(progress_of(PASS))
    page, data = await get(cast.sam, REPORT), await get(cast.sam, f"{REPORT}?format=json")
    assert page.headers["content-disposition"] == 'attachment; filename="two-tenant-check-2026-11-23.html"'
    assert "Probe 0 holds" in page.text
    assert [probe["outcome"] for probe in data.json()["probes"]] == ["pass"]


async def test_without_a_check_there_is_no_report(cast: Cast) -> None:
    assert (await get(cast.sam, REPORT)).status_code == 404


async def test_a_client_gets_no_report(cast: Cast) -> None:
    report.keep(progress_of(PASS))
    answer = await get(cast.alice, REPORT)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/", "")


async def test_nobody_is_sent_to_the_sign_in(cast: Cast) -> None:
    report.keep(progress_of(PASS))
    answer = await get(None, REPORT)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={REPORT}")


async def test_clients_and_strangers_cannot_run_the_check(cast: Cast) -> None:
    report.keep(progress_of(PASS))
    for who in (cast.alice, None):
        tab = await sign_in(who)
        for handler in HANDLERS["CheckState"]:
            with pytest.raises(NotAllowed):
                await tab.call(getattr(CheckState, handler), *(["Database"] if handler == "choose" else []))
        assert (office.is_running, tab.state(CheckState).is_loaded) == (False, False)
