"""The control: with durability switched off, the same harness must see a loss. Else its zeros would mean nothing."""

from pathlib import Path

import psycopg
import pytest

from tests.chaos.faults import all_of_postgresql_killed
from tests.chaos.scenario import Outcome, play
from tests.chaos.world import opened

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
# Commits are answered before they are written, and written late.
NOT_DURABLE = (
    "alter system set synchronous_commit = off",
    "alter system set wal_writer_delay = '10s'",
    "alter system set wal_writer_flush_after = '1GB'",
    "select pg_reload_conf()",
)


def test_without_durable_commits_a_loss_is_seen(tmp_path: Path, turn: int, note: list[Outcome]) -> None:
    with opened(tmp_path) as world:
        with psycopg.connect(world.admin_url, autocommit=True) as connection:
            for statement in NOT_DURABLE:
                connection.execute(statement.encode())
        note.append(play(world, all_of_postgresql_killed))
    assert note[0].first.lost
    assert not note[0].first.is_clean
