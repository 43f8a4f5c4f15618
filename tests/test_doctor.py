"""`doctor` finds what is wrong and says what to do."""

import psycopg
import pytest

from tenant_portal.cli import doctor
from tenant_portal.config import settings
from tests.cast import Cast


async def findings() -> dict[str, doctor.Finding]:
    return {finding.check: finding for finding in await doctor.examine()}


async def test_a_sound_database_is_fine(cast: Cast) -> None:
    found = await findings()
    assert [name for name in ("database", "roles", "policies", "data folder") if not found[name].ok] == []


async def test_without_worker_web_and_twilio_it_says_so(cast: Cast) -> None:
    found = await findings()
    assert "start one with" in found["queue"].finding
    assert not found["web"].ok
    assert not found["twilio"].ok


async def test_a_redis_that_is_away_is_found(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await findings())["redis"].ok
    monkeypatch.setitem(settings().__dict__, "redis_url", "redis://127.0.0.1:1")
    assert not (await findings())["redis"].ok


@pytest.mark.database
async def test_a_dropped_policy_is_found(cast: Cast, admin_url: str) -> None:
    with psycopg.connect(admin_url) as connection:
        connection.execute("drop policy tenant_isolation on message")
    assert "message.tenant_isolation" in (await findings())["policies"].finding


async def test_work_that_was_given_up_is_found(cast: Cast, admin_url: str) -> None:
    with psycopg.connect(admin_url, options="-c search_path=jobs") as connection:
        connection.execute("insert into procrastinate_workers default values")
        connection.execute("select jobs.wake('inbox.send_outbox', %s, interval '0')", (cast.acme.tenant_id,))
    assert (await findings())["queue"].ok
    with psycopg.connect(admin_url, options="-c search_path=jobs") as connection:
        connection.execute("update procrastinate_jobs set status = 'failed'")
    assert "given up (1)" in (await findings())["queue"].finding
