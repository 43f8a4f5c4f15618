"""The long suite: `make chaos`. Its folder is not entered by the usual one (norecursedirs in pyproject.toml)."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import METRICS_TOKEN
from tests.chaos.scenario import Outcome
from tests.chaos.summary import SAID, SEEN, figures, lines
from tests.chaos.world import World, opened
from tests.cluster.servers import RedisServer, running_redis

REPEAT = int(os.environ.get("REPEAT", "1"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(1, REPEAT + 1), ids=lambda turn: f"{turn} of {REPEAT}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What stands in docs/reliability.md."""
    reports = [report for kind in terminalreporter.stats for report in terminalreporter.getreports(kind)]
    ends = [report for report in reports if isinstance(report, pytest.TestReport) and report.when == "teardown"]
    if table := list(lines(ends)):
        terminalreporter.section("what was seen")
        for line in table:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer | None]:
    """Of the portal that `world` is; None where it is not installed."""
    if shutil.which("redis-server") is None:
        yield None
        return
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer | None) -> Iterator[World]:
    """One portal for all faults: it must stand each after all the others."""
    settings = {"PORTAL_REDIS_URL": redis.url} if redis else {}
    with opened(tmp_path_factory.mktemp("world"), PORTAL_METRICS_TOKEN=METRICS_TOKEN, **settings) as running:
        yield running


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[list[Outcome]]:
    """What is put in is shown at the end."""
    outcomes: list[Outcome] = []
    yield outcomes
    name = request.node.callspec.params.get("name", request.node.originalname.removeprefix("test_"))
    request.node.user_properties += [(SEEN, figures(name, outcome)) for outcome in outcomes]


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Shown at the end, too."""
    return lambda sentence: request.node.user_properties.append((SAID, sentence))


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
