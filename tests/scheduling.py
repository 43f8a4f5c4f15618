"""Which tests share a process when the suite runs in several (`make test`).

pytest-xdist 3.8.0 has marks for it (`--dist loadgroup`), but they are without effect under pytest 9.2, which no longer
lets a plugin change a test's id. So the groups follow from where a test stands: a file stays together, because its
tests share what is dear to start, and so do the tests that start or drive whole portals. In the long suite each
fault waits for most of its time, and any process may take the next one.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# The longest first, so that none begins when the others are done.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "journeys": ("tests/journeys/",),
    "check": ("tests/simulator_check/",),
    "portals": (
        "tests/test_run",
        "tests/test_benchmarks.py",
        "tests/test_growth_benchmarks.py",
        "tests/observability/test_canary.py",
    ),
    "chaos of run": ("tests/chaos/cluster/test_run.py",),
    "chaos of processes": ("tests/chaos/cluster/",),
}
SPREAD = ("tests/chaos/test_", "tests/chaos/deploy/test_rolling")
"""Files whose tests go to whoever is free."""


def group_of(nodeid: str) -> str:
    """Tests of one group run in one process, one after the other."""
    alone = nodeid if nodeid.startswith(SPREAD) else nodeid.partition("::")[0]
    return next((name for name, paths in GROUPS.items() if nodeid.startswith(paths)), alone)


class GroupScheduling(LoadScopeScheduling):
    """Hands out whole groups, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long groups first; the rest stays as it is."""
    order = [*GROUPS]
    items.sort(key=lambda item: order.index(group) if (group := group_of(item.nodeid)) in GROUPS else len(order))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Instead of the one that `--dist` names."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
