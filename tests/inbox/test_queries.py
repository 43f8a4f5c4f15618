"""Reading the inbox: order, pages, filters, and nobody else's."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import NotFound
from tenant_portal.inbox import queries
from tenant_portal.inbox.activity import activity
from tenant_portal.inbox.queries import MessageRow, ThreadRow
from tenant_portal.models import Media, Voicemail
from tenant_portal.models.enums import ChannelKind, Direction, MediaState, RecordingState, TranscriptState
from tenant_portal.models.ids import uuid7
from tests.cast import Cast, Company
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(5)]


async def threads(company: Company, **filters: object) -> list[ThreadRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_threads(session, company.tenant_id, **filters)  # type: ignore[arg-type]


async def messages(company: Company, thread: UUID, **filters: object) -> list[MessageRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_messages(session, company.tenant_id, thread, **filters)  # type: ignore[arg-type]


async def test_the_thread_with_the_latest_message_comes_first(cast: Cast) -> None:
    for number in (*NUMBERS, NUMBERS[2]):
        await receive(cast.acme, lead=number)
    assert [row.address for row in await threads(cast.acme)] == [NUMBERS[n] for n in (2, 4, 3, 1, 0)]


async def test_pages_follow_each_other_without_gap_or_repeat(cast: Cast) -> None:
    for number in NUMBERS:
        await receive(cast.acme, lead=number)
    first = await threads(cast.acme, limit=3)
    second = await threads(cast.acme, limit=3, after=first[-1].cursor)
    assert [row.address for row in (*first, *second)] == NUMBERS[::-1]


async def test_a_thread_shows_its_lead_preview_and_unread_count(cast: Cast) -> None:
    await receive(cast.acme, kind="whatsapp", body="Hello", profile_name="Ada")
    await receive(cast.acme, kind="sms", body="Are you open?")
    (row,) = await threads(cast.acme, viewer=cast.bob.user_id)
    assert (row.profile_name, row.preview, row.unread_count) == ("Ada", "Are you open?", 2)
    assert (row.last_channel, row.last_direction) == (ChannelKind.SMS, Direction.IN)


async def test_a_tenant_sees_its_own_threads_only(cast: Cast) -> None:
    await receive(cast.acme)
    assert await threads(cast.globex) == []


async def test_anothers_thread_is_as_unknown_as_a_made_up_one(cast: Cast) -> None:
    theirs, answers = await open_thread(cast.acme), []
    for target in (theirs, uuid4()):
        with pytest.raises(NotFound) as caught:
            async with db.tenant_session(cast.globex.tenant_id) as session:
                await queries.get_thread(session, cast.globex.tenant_id, target)
        answers.append(caught.value.message)
        assert await messages(cast.globex, target) == []
    assert answers[0] == answers[1]


async def test_the_newest_messages_come_oldest_first(cast: Cast) -> None:
    thread = await open_thread(cast.acme, body="0")
    for n in range(1, 5):
        await receive(cast.acme, body=str(n))
    assert [row.body for row in await messages(cast.acme, thread, limit=3)] == ["2", "3", "4"]


async def test_older_messages_join_on_without_gap_or_repeat(cast: Cast) -> None:
    thread = await open_thread(cast.acme, body="0")
    for n in range(1, 5):
        await receive(cast.acme, body=str(n))
    newest = await messages(cast.acme, thread, limit=3)
    older = await messages(cast.acme, thread, limit=3, before=newest[0].id)
    assert [row.body for row in older] == ["0", "1"]


async def test_a_message_brings_its_files_in_order(cast: Cast) -> None:
    files = [{"id": str(uuid7()), "position": n, "url": f"https://x/{n}", "type": "image/png"} for n in (1, 0, 2)]
    thread = await open_thread(cast.acme, media=files)
    (message,) = await messages(cast.acme, thread)
    assert [str(file.id) for file in message.media] == [files[n]["id"] for n in (1, 0, 2)]
    assert {file.state for file in message.media} == {MediaState.WAITING}


async def test_a_call_brings_each_recording_with_its_own_transcript(cast: Cast) -> None:
    thread = await open_thread(cast.acme, kind="voicemail")
    (call,) = await messages(cast.acme, thread)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        session.add_all(voicemail(cast.acme, call.id, said) for said in ("first", "second"))
    (call,) = await messages(cast.acme, thread)
    assert [one.transcript for one in call.voicemails] == ["first", "second"]


def voicemail(company: Company, message_id: UUID, transcript: str) -> Voicemail:
    return Voicemail(
        tenant_id=company.tenant_id,
        message_id=message_id,
        recording_sid=f"RE{secrets.token_hex(16)}",
        recording_state=RecordingState.COMPLETED,
        transcript_state=TranscriptState.COMPLETED,
        transcript=transcript,
    )


async def test_unread_threads_are_counted(cast: Cast) -> None:
    for number in (NUMBERS[0], NUMBERS[0], NUMBERS[1]):
        await receive(cast.acme, lead=number)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await queries.count_unread(session, cast.acme.tenant_id, cast.bob.user_id) == 2
        assert await queries.count_unread(session, cast.globex.tenant_id, cast.charlie.user_id) == 0


async def test_todays_traffic_is_counted(cast: Cast) -> None:
    await receive(cast.acme)
    await receive(cast.acme, kind="voicemail")
    since = datetime.now(UTC) - timedelta(hours=24)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        found = await activity(session, cast.acme.tenant_id, since)
    assert (found.messages_in, found.messages_out, found.calls, found.voicemails) == (2, 0, 1, 0)


async def test_a_file_is_found_once_it_is_stored_and_by_its_tenant_only(cast: Cast) -> None:
    file = {"id": str(uuid7()), "position": 0, "url": "https://x/0", "type": "image/png"}
    await receive(cast.acme, media=[file])
    media_id = UUID(str(file["id"]))
    with pytest.raises(NotFound):
        await stored(cast.acme, media_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        row = await session.get(Media, (cast.acme.tenant_id, media_id))
        assert row is not None
        row.state, row.object_key, row.content_type, row.size_bytes = MediaState.STORED, "k", "image/png", 3
    assert (await stored(cast.acme, media_id)).object_key == "k"
    for target in (media_id, uuid4()):
        with pytest.raises(NotFound, match=r"This file does not exist\."):
            await stored(cast.globex, target)


async def stored(company: Company, media_id: UUID) -> queries.StoredFile:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.stored_file(session, company.tenant_id, media_id)


async def test_the_outbox_is_found_through_its_own_index(cast: Cast, admin_url: str) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("set local enable_seqscan = off"))
        plan = await session.scalars(
            text(
                "explain select id from message where tenant_id = :tenant and direction = 'out'"
                " and status in ('queued', 'sending', 'unknown') and status = :status"
            ),
            {"tenant": cast.acme.tenant_id, "status": "queued"},
        )
        assert any("ix_message_outbox" in line for line in plan)
