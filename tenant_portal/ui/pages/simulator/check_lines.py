"""A check as small values for the browser: its groups, its probes, its verdict."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tenant_portal.simulator.two_tenant_check.probe import Group, Outcome

Report = dict[str, Any]
BAD = (Outcome.LEAK, Outcome.ERROR)
WORST_FIRST = [Outcome.LEAK, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASS]
TONES = {"pass": "good", "leak": "bad", "error": "bad", "skipped": "warn"}
WORDS = {"pass": "Pass", "leak": "Leak", "error": "Error", "skipped": "Skipped"}
NOTES = {
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
    leaks: int = 0
    errors: int = 0
    skipped: int = 0
    tone: str = "neutral"
    word: str = "Not run"


@dataclass(frozen=True)
class ProbeLine:
    """One probe that has ended."""

    id: str
    title: str
    evidence: str
    word: str
    tone: str
    time: str


def group_lines(report: Report, *, is_running: bool) -> list[GroupLine]:
    """All topics in the order in which they run."""
    probes = report["probes"]
    # Groups run one after the other, so the latest result tells which one it is.
    current = (probes[-1]["group"] if probes else Group.DATABASE.value) if is_running else ""
    return [_group(group, probes, current) for group in Group]


def _group(group: Group, probes: list[dict[str, Any]], current: str) -> GroupLine:
    outcomes = [probe["outcome"] for probe in probes if probe["group"] == group.value]
    passed, leaks, errors, skipped = (
        outcomes.count(outcome) for outcome in (Outcome.PASS, Outcome.LEAK, Outcome.ERROR, Outcome.SKIPPED)
    )
    if leaks or errors:
        tone, word = "bad", "Not tight"
    elif group.value == current:
        tone, word = "info", "Running"
    elif outcomes:
        tone, word = "good", "Tight"
    else:
        tone, word = "neutral", "Waiting" if current else "Not run"
    return GroupLine(group.value, NOTES[group], passed, leaks, errors, skipped, tone, word)


def bad_lines(report: Report) -> list[ProbeLine]:
    """Every leak, then every probe that could not be carried out."""
    return _lines([probe for probe in report["probes"] if probe["outcome"] in BAD])


def lines_of(report: Report, group: str) -> list[ProbeLine]:
    """The probes of one group, the worst first."""
    return _lines([probe for probe in report["probes"] if probe["group"] == group])


def _lines(probes: list[dict[str, Any]]) -> list[ProbeLine]:
    return [_line(probe) for probe in sorted(probes, key=lambda probe: WORST_FIRST.index(probe["outcome"]))]


def _line(probe: dict[str, Any]) -> ProbeLine:
    outcome, time = probe["outcome"], f"{float(probe['milliseconds']):.0f} ms"
    return ProbeLine(probe["id"], probe["title"], probe["evidence"], WORDS[outcome], TONES[outcome], time)


def headline(report: Report) -> str:
    """The outcome in a few words."""
    counts = report["counts"]
    if report["tight"]:
        return f"Nothing crossed: {_many(counts['pass'], 'probe')}"
    if counts["leak"]:
        return f"{_many(counts['leak'], 'leak')}: something got from one client to the other"
    if counts["error"]:
        return f"Not proven: {_many(counts['error'], 'probe')} could not be carried out"
    return "The check did not finish"


def explanation(report: Report) -> str:
    """What stands below the headline."""
    if report["tight"]:
        skipped = report["counts"]["skipped"]
        return "No way from one client to the other was found." + (f" {skipped} did not apply here." if skipped else "")
    return str(report["verdict"])


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def duration(report: Report) -> str:
    """`0:42`, up to now while it is under way."""
    started = datetime.fromisoformat(report["started_at"])
    ended = datetime.fromisoformat(report["ended_at"]) if report["ended_at"] else datetime.now(UTC)
    seconds = max(0, round((ended - started).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"
