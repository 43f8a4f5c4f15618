"""What every benchmark shares: interleaved repetitions, medians, ratios, `--json` and `--quick`.

A machine's speed changes from minute to minute, so contenders take turns in every round and only ratios within one run
mean something.
"""

import json
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

Figures = Mapping[str, float]
Measure = Callable[[], Figures]


@dataclass(frozen=True, slots=True)
class Contender:
    """Something to be measured: `measure` runs it once and returns named figures."""

    name: str
    measure: Measure


def interleaved(contenders: Sequence[Contender], rounds: int, say: Callable[[str], None]) -> dict[str, list[Figures]]:
    """Every contender once per round, the order turned round each time; all figures by name."""
    figures: dict[str, list[Figures]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            figures[contender.name].append(contender.measure())
            say(f"round {number + 1}/{rounds}  {contender.name}: {_short(figures[contender.name][-1])}")
    return figures


def medians(figures: Mapping[str, Sequence[Figures]]) -> dict[str, dict[str, float]]:
    """The median of each figure over the rounds."""
    return {
        name: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for name, rounds in figures.items()
        if rounds
    }


def ratios(middle: Mapping[str, Mapping[str, float]], base: str, key: str) -> dict[str, float]:
    """`key` of every contender over that of `base`."""
    return {name: round(values[key] / middle[base][key], 3) for name, values in middle.items()}


def report(results: Mapping[str, object]) -> str:
    """Everything as JSON, with the date and what matters of the machine (never its name)."""
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "processors": _processors(),
    }
    return json.dumps(about | dict(results), indent=2)


def give(results: Mapping[str, object], file: Path | None) -> None:
    """The report, into the file of `--json` or to standard output."""
    text = report(results)
    if file:
        file.write_text(text + "\n")
    else:
        print(text)


def table(middle: Mapping[str, Mapping[str, float]], columns: Sequence[str]) -> str:
    """A Markdown table of medians."""
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for name, values in middle.items():
        lines.append(f"| {name} | {' | '.join(_figure(values[column]) for column in columns)} |")
    return "\n".join(lines)


def _processors() -> int:
    with open("/proc/cpuinfo") as lines:
        return sum(line.startswith("processor") for line in lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def _short(figures: Figures) -> str:
    return ", ".join(f"{key} {_figure(value)}" for key, value in figures.items())
