"""The table of docs/reliability.md: what was seen under each fault, from whatever process has run it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.chaos.scenario import Outcome

SEEN, SAID = "seen", "said"
"""Names of properties of a test: plain values, so that they travel with its report between processes."""
COUNTS = ("deliveries", "acknowledged", "lost", "doubled", "misplaced", "repeated", "unstored")
LONGEST = ("longest_gap", "longest_seconds")
HEAD = (
    "fault | runs | deliveries | acknowledged | not | longest gap s | slowest answer s | lost | doubled | misplaced |"
    " sent again: missing"
)

Figures = dict[str, Any]


def figures(name: str, outcome: Outcome) -> Figures:
    """Of one run; `not` has a count for each answer that was no acknowledgement."""
    first = asdict(outcome.first)
    return {
        "fault": name,
        "not": first["unacknowledged"],
        "repeated": outcome.repeated,
        "unstored": len(outcome.unstored),
        **{key: first[key] for key in ("deliveries", "acknowledged", *LONGEST)},
        **{key: len(first[key]) for key in ("lost", "doubled", "misplaced")},
    }


def lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """A row for each fault, then the sentences; nothing where no test had anything to show."""
    shown = [item for report in reports for item in report.user_properties]
    runs = defaultdict[str, list[Figures]](list)
    for key, value in shown:
        if key == SEEN and isinstance(value, dict):
            runs[value["fault"]].append(value)
    if runs:
        yield f"| {HEAD} |"
        yield "|---" * len(HEAD.split("|")) + "|"
    for name, found in sorted(runs.items()):
        yield _row(name, found)
    yield from sorted(str(value) for key, value in shown if key == SAID)


def _row(name: str, found: list[Figures]) -> str:
    total = {key: sum(one[key] for one in found) for key in COUNTS}
    gap, slowest = (max(one[key] for one in found) for key in LONGEST)
    failed = sum((Counter(one["not"]) for one in found), Counter[str]())
    answers = ", ".join(f"{count:,} {how}" for how, count in sorted(failed.items())) or "0"
    return (
        f"| {name} | {len(found)} | {total['deliveries']:,} | {total['acknowledged']:,} | {answers} | {gap:.1f} |"
        f" {slowest:.1f} | {total['lost']:,} | {total['doubled']} | {total['misplaced']} |"
        f" {total['repeated']:,}: {total['unstored']:,} |"
    )
