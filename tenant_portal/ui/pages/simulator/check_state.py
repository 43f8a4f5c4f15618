"""What the two-tenant check's page shows and does."""

from dataclasses import dataclass

import reflex as rx

from tenant_portal.errors import PortalError
from tenant_portal.simulator.two_tenant_check import report
from tenant_portal.simulator.two_tenant_check.office import office
from tenant_portal.simulator.two_tenant_check.probe import Group, Outcome
from tenant_portal.ui import surface
from tenant_portal.ui.session_state import staff

MOST_LINES = 60
TONES = {"pass": "good", "leak": "bad", "error": "bad", "skipped": "warn"}
WORDS = {"pass": "Tight", "leak": "Leak", "error": "Error", "skipped": "Skipped"}
GROUP_NOTES = {
    Group.DATABASE: "Direct SQL on every table, with no client, the wrong client and every role.",
    Group.WEBHOOKS: "Every address Twilio calls, with every signature that is not its own.",
    Group.ROUTING: "Messages, pictures and calls to both numbers, on all three channels.",
    Group.PAGES: "Every handler a browser can call, by the wrong client, the wrong role and nobody.",
    Group.ROUTES: "Every page and address, asked for by somebody else.",
    Group.LIVE: "What open pages are sent by themselves, and tabs that are taken over.",
    Group.SECRECY: "Canary words of client A, looked for in all that others receive.",
}


@dataclass(frozen=True)
class GroupLine:
    """One topic: how many of its probes have ended, and how."""

    name: str
    note: str
    passed: int = 0
    bad: int = 0
    skipped: int = 0
    tone: str = "neutral"
    word: str = "Waiting"


@dataclass(frozen=True)
class ProbeLine:
    """One probe that has ended."""

    id: str
    title: str
    evidence: str
    word: str
    tone: str
    time: str


class CheckState(rx.State):
    """The latest check, group by group; `chosen` names the group whose probes are listed."""

    is_loaded: bool = False
    is_running: bool = False
    total: int = 0
    done: int = 0
    percent: int = 0
    doing: str = ""
    verdict: str = ""
    tone: str = "info"
    at: str = ""
    seconds: int = 0
    groups: list[GroupLine] = []
    chosen: str = ""
    lines: list[ProbeLine] = []
    more: int = 0
    has_report: bool = False
    notice: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        await staff(self)
        self.notice, self.chosen = "", ""
        _show(self)

    @rx.event
    async def refresh(self) -> None:
        """Look again; the page asks while a check is under way."""
        await staff(self)
        _show(self)

    @rx.event
    async def start(self) -> None:
        """Begin a check."""
        await staff(self)
        try:
            office.start(surface.collect())
        except PortalError as error:
            self.notice = error.message
        _show(self)

    @rx.event
    async def stop(self) -> None:
        """Give the check up."""
        await staff(self)
        office.stop()
        self.notice = "The check is being stopped; its two clients are taken away first."
        _show(self)

    @rx.event
    async def choose(self, name: str) -> None:
        """List the probes of a group, or close the list."""
        await staff(self)
        self.chosen = "" if name == self.chosen else name
        _show(self)

    @rx.event
    async def close_notice(self) -> None:
        """The notice has been read."""
        await staff(self)
        self.notice = ""


def _show(state: CheckState) -> None:
    """Copy what the page needs of the check under way, or of the last one that was kept."""
    state.is_loaded, state.is_running = True, office.is_running
    data = report.as_data(office.progress) if office.progress else report.newest()
    state.has_report = report.newest() is not None and not state.is_running
    if data is None:
        state.groups = [GroupLine(group.value, GROUP_NOTES[group]) for group in Group]
        return
    probes = data["probes"]
    state.done, state.at = len(probes), data["started_at"]
    state.total = office.progress.total if office.progress else len(probes)
    state.percent = round(100 * state.done / state.total) if state.total else 0
    state.seconds = round(sum(probe["milliseconds"] for probe in probes) / 1000)
    state.doing = office.progress.doing if office.progress else ""
    state.verdict = "" if state.is_running else data["verdict"]
    state.tone = "good" if data["tight"] else "bad"
    state.groups = [_group(group, probes) for group in Group]
    _list(state, probes)


def _group(group: Group, probes: list[dict[str, str]]) -> GroupLine:
    outcomes = [probe["outcome"] for probe in probes if probe["group"] == group.value]
    bad = outcomes.count(Outcome.LEAK) + outcomes.count(Outcome.ERROR)
    passed, skipped = outcomes.count(Outcome.PASS), outcomes.count(Outcome.SKIPPED)
    tone, word = ("bad", "Not tight") if bad else ("good", "Tight") if passed else ("neutral", "Waiting")
    return GroupLine(group.value, GROUP_NOTES[group], passed, bad, skipped, tone, word)


def _list(state: CheckState, probes: list[dict[str, str]]) -> None:
    """The probes of the chosen group, worst first; where none is chosen, those that did not pass."""
    order = [Outcome.LEAK, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASS]
    wanted = [probe for probe in probes if _belongs(probe, state.chosen)]
    wanted.sort(key=lambda probe: order.index(Outcome(probe["outcome"])))
    state.lines = [_line(probe) for probe in wanted[:MOST_LINES]]
    state.more = max(len(wanted) - MOST_LINES, 0)


def _belongs(probe: dict[str, str], chosen: str) -> bool:
    return probe["group"] == chosen if chosen else probe["outcome"] != Outcome.PASS


def _line(probe: dict[str, str]) -> ProbeLine:
    outcome, time = probe["outcome"], f"{float(probe['milliseconds']):.0f} ms"
    return ProbeLine(probe["id"], probe["title"], probe["evidence"], WORDS[outcome], TONES[outcome], time)
