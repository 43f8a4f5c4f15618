"""The long suite: `make chaos`. Its folder is not entered by the usual one (norecursedirs in pyproject.toml)."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.chaos.scenario import Outcome
from tests.chaos.world import World, opened

REPEAT = int(os.environ.get("REPEAT", "1"))
FIGURES = pytest.StashKey[list[tuple[str, Outcome]]]()
SENTENCES = pytest.StashKey[list[str]]()
HEAD = "fault | deliveries | acknowledged | not | longest gap s | slowest s | lost | doubled | misplaced | second pass"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES], config.stash[SENTENCES] = [], []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(1, REPEAT + 1), ids=lambda turn: f"{turn} of {REPEAT}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What stands in docs/reliability.md."""
    if not config.stash[FIGURES] and not config.stash[SENTENCES]:
        return
    terminalreporter.section("what was seen")
    terminalreporter.write_line(f"| {HEAD} |\n|{'---|' * len(HEAD.split('|'))}")
    for name, outcome in config.stash[FIGURES]:
        first, values = outcome.first, asdict(outcome.first)
        wrong = " | ".join(str(len(values[key])) for key in ("lost", "doubled", "misplaced"))
        failed = ", ".join(f"{count} {how}" for how, count in sorted(first.unacknowledged.items())) or "0"
        terminalreporter.write_line(
            f"| {name} | {first.deliveries:,} | {first.acknowledged:,} | {failed} | {first.longest_gap:.1f} |"
            f" {first.longest_seconds:.1f} | {wrong} | {outcome.repeated} sent, {len(outcome.unstored)} missing |"
        )
    for sentence in config.stash[SENTENCES]:
        terminalreporter.write_line(sentence)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One portal for all faults: it must stand each after all the others."""
    with opened(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[list[Outcome]]:
    """What is put in is shown at the end."""
    outcomes: list[Outcome] = []
    yield outcomes
    name = request.node.name.removeprefix("test_")
    request.config.stash[FIGURES] += [(name, outcome) for outcome in outcomes]


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Shown at the end, too."""
    return request.config.stash[SENTENCES].append


@pytest.fixture
def own_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=320m,mode=0755", "portal-chaos", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount).returncode:
        pytest.skip("Only root can mount a small disk, and only where it may.")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
