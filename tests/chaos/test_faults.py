"""200 webhooks a second for two clients, and one thing after the other is killed, frozen or taken away."""

from functools import partial
from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.conftest import REPEAT
from tests.chaos.faults import Fault
from tests.chaos.scenario import Outcome, play
from tests.chaos.stream import PER_SECOND
from tests.chaos.world import World, opened
from tests.cluster.servers import RedisServer, needs

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
# The whole minute belongs to the long suite.
GONE_SECONDS = 60.0 if REPEAT > 1 else 15.0

FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        faults.one_web_process_killed,
        faults.every_web_process_killed,
        faults.worker_killed,
        faults.backend_killed,
        faults.postmaster_killed,
        faults.all_of_postgresql_killed,
        faults.database_frozen,
        faults.web_process_killed_while_the_database_is_gone,
        faults.every_web_process_restarted,
        faults.migrated,
    )
} | {"database_gone": partial(faults.database_gone, seconds=GONE_SECONDS)}


def must_be_clean(outcome: Outcome) -> None:
    """Nothing acknowledged is lost, doubled or misplaced; what was not is repeated by Twilio, and then is there too."""
    assert outcome.first.deliveries > PER_SECOND * outcome.seconds * 0.5, "this was no stream of 200 a second"
    assert outcome.first.is_clean, outcome.first
    assert outcome.second.is_clean, outcome.second
    assert outcome.unstored == ()
    assert outcome.broken == {}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(world: World, name: str, turn: int, note: list[Outcome]) -> None:
    note.append(play(world, FAULTS[name]))
    must_be_clean(note[0])


def test_rolling_restart(world: World, turn: int, note: list[Outcome]) -> None:
    note.append(play(world, faults.web_processes_restarted_one_by_one))
    must_be_clean(note[0])
    assert "refused" not in note[0].first.unacknowledged


@needs("redis-server")
def test_redis_gone(world: World, redis: RedisServer, turn: int, note: list[Outcome]) -> None:
    note.append(play(world, partial(faults.redis_gone, redis=redis)))
    must_be_clean(note[0])
    assert note[0].first.unacknowledged == {}


def test_full_disk(own_disk: Path, turn: int, note: list[Outcome]) -> None:
    with opened(own_disk / "portal") as world:
        note.append(play(world, faults.disk_full))
    must_be_clean(note[0])
    assert "503" in note[0].first.unacknowledged, "the disk was never full"
