"""Files: fetched with the subaccount's credentials, judged, kept; tried again; never lost silently."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from tenant_portal import db, object_store
from tenant_portal.inbox import files, jobs, queries, rules, service
from tenant_portal.models.enums import MediaState
from tests.inbox.conftest import Desk
from tests.signed_in import person
from tests.threads import receive

pytestmark = pytest.mark.database
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(3000)


async def kept(desk: Desk, media_id: UUID) -> bytes:
    async with db.tenant_session(desk.acme.tenant_id) as session:
        file = await queries.stored_file(session, desk.acme.tenant_id, media_id)
    return b"".join([chunk async for chunk in object_store.read(file.object_key, 0, file.size_bytes)])


async def test_a_picture_is_fetched_and_kept(desk: Desk) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    file = await desk.fetch(media_id)
    assert (file.state, file.content_type, file.size_bytes) == (MediaState.STORED, "image/png", len(PICTURE))
    assert await kept(desk, media_id) == PICTURE


async def test_it_lies_under_the_tenants_own_prefix(desk: Desk) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    await desk.fetch(media_id)
    key = await desk.sql("select object_key from media where id = :id", id=media_id)
    assert key == f"{desk.acme.tenant_id}/{media_id}"


async def test_ten_files_of_one_message_are_all_fetched(desk: Desk) -> None:
    urls = [desk.file_at_twilio(PICTURE) for _ in range(10)]
    ids = [await desk.receive_file(url) for url in urls]
    await desk.fetch(ids[-1])
    assert await desk.sql("select count(*) from media where state = 'stored'") == 10


async def test_what_the_bytes_say_counts_and_not_what_was_declared(desk: Desk) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(b"%PDF-1.7 ...", "image/png"), "image/png")
    assert (await desk.fetch(media_id)).content_type == "application/pdf"


@pytest.mark.parametrize("content", [b"<svg onload='alert(1)'/>", b"<html><script>", b"MZ\x90"])
async def test_a_dangerous_file_is_refused_and_not_kept(desk: Desk, content: bytes) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(content))
    file = await desk.fetch(media_id)
    assert (file.state, file.last_error) == (MediaState.REFUSED, files.WRONG_TYPE)
    assert await desk.sql("select object_key from media where id = :id", id=media_id) is None


async def test_a_file_that_is_too_large_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_FILE_BYTES", 1000)
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    file = await desk.fetch(media_id)
    assert (file.state, file.last_error) == (MediaState.REFUSED, "The file is too large.")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/2010-04-01/Accounts/{sid}/Messages/MM1/Media/ME1",
        "http://169.254.169.254/latest/meta-data",
        "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/MM1/Media/ME1",
        "file:///etc/passwd",
    ],
)
async def test_no_credentials_leave_for_a_foreign_address(desk: Desk, url: str) -> None:
    media_id = await desk.receive_file(url.format(sid=desk.acme.account_sid))
    file = await desk.fetch(media_id)
    assert (file.state, file.last_error) == (
        MediaState.REFUSED,
        "This file does not belong to the client's Twilio account.",
    )


async def test_a_file_that_is_not_ready_yet_is_fetched_later(desk: Desk, admin_url: str) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    desk.twilio.fail("status", path_contains="/Media/", status=404, code=20404)
    with psycopg.connect(admin_url) as connection:
        connection.execute("set search_path = jobs")
        connection.execute("delete from procrastinate_jobs")
    file = await desk.fetch(media_id)
    assert file.state is MediaState.WAITING
    assert file.last_error
    with psycopg.connect(admin_url) as connection:
        due = "select scheduled_at > now() from jobs.procrastinate_jobs where task_name = 'inbox.fetch_media'"
        assert (True,) in connection.execute(due).fetchall()
    assert (await desk.fetch(media_id)).state is MediaState.STORED


async def test_before_its_time_a_file_is_left_alone(desk: Desk) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    await desk.sql("update media set next_attempt_at = now() + interval '1 minute'")
    assert (await desk.fetch(media_id, due=False)).state is MediaState.WAITING


async def test_after_a_day_a_file_is_given_up_visibly_until_a_person_asks_again(desk: Desk) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    await desk.sql("update media set attempts = :most", most=len(rules.MEDIA_PAUSES))
    desk.twilio.fail("status", path_contains="/Media/", status=404, code=20404)
    assert (await desk.fetch(media_id)).state is MediaState.FAILED
    async with db.tenant_session(desk.acme.tenant_id) as session:
        await service.fetch_again(session, person(desk.cast.bob), media_id)
    assert (await desk.fetch(media_id)).state is MediaState.STORED


async def test_one_bad_file_does_not_hold_up_the_others(desk: Desk) -> None:
    await desk.receive_file("https://evil.example/x")
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    assert (await desk.fetch(media_id)).state is MediaState.STORED


async def test_each_tenant_fetches_its_own_files_only(desk: Desk) -> None:
    theirs = {"id": str(UUID(int=7)), "position": 0, "url": desk.file_at_twilio(PICTURE), "type": "image/png"}
    await receive(desk.cast.globex, media=[theirs])
    await jobs.drain_media(desk.acme.tenant_id)
    async with db.tenant_session(desk.cast.globex.tenant_id) as session:
        assert await session.scalar(text("select state from media")) == "waiting"
    await jobs.drain_media(desk.cast.globex.tenant_id)
    async with db.tenant_session(desk.cast.globex.tenant_id) as session:
        assert await session.scalar(text("select state from media")) == "refused"


async def test_while_the_file_store_is_away_nothing_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    media_id = await desk.receive_file(desk.file_at_twilio(PICTURE))
    object_store._store.cache_clear()
    monkeypatch.setattr("tenant_portal.object_store._store", lambda: object_store.from_url("file:///proc/nowhere"))
    file = await desk.fetch(media_id)
    assert (file.state, file.last_error) == (MediaState.WAITING, "The file store cannot be reached at the moment.")
    monkeypatch.undo()
    assert (await desk.fetch(media_id)).state is MediaState.STORED


def test_the_pauses_between_attempts_grow() -> None:
    pauses = [rules.media_pause(n) or timedelta() for n in range(1, 11)]
    assert pauses == sorted(pauses)
