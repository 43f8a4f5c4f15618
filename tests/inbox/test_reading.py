"""What is unread is so for each person alone."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.inbox import notes, queries, reading
from tenant_portal.inbox.queries import View
from tenant_portal.models.enums import Role
from tests.cast import Cast, Someone, hire
from tests.inbox.test_organise import do, listed, the_thread
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database


async def unread(someone: Someone, thread: UUID) -> int:
    return (await the_thread(someone, thread)).unread_count


async def badge(someone: Someone) -> int:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await queries.count_unread(session, someone.tenant_id, someone.user_id)


async def test_what_one_has_read_is_still_new_to_the_other(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await receive(cast.acme)
    assert await do(cast.bob, reading.mark_read, [thread]) is True
    assert await do(cast.bob, reading.mark_read, [thread]) is False
    assert (await unread(cast.bob, thread), await unread(cast.alice, thread)) == (0, 2)
    assert (await badge(cast.bob), await badge(cast.alice)) == (0, 1)
    assert (await listed(cast.bob, View.UNREAD), await listed(cast.alice, View.UNREAD)) == ([], [thread])
    await receive(cast.acme)
    assert (await unread(cast.bob, thread), await unread(cast.alice, thread)) == (1, 3)


async def test_a_thread_can_be_left_for_later(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await receive(cast.acme)
    await do(cast.bob, reading.mark_read, [thread])
    assert await do(cast.bob, reading.mark_unread, [thread]) is True
    assert (await unread(cast.bob, thread), await unread(cast.alice, thread)) == (1, 2)


async def test_a_message_writes_nothing_for_anybody(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await do(cast.bob, reading.mark_read, [thread])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        rows = "select xmin::text from thread_reading"
        before = list(await session.scalars(text(rows)))
    await receive(cast.acme)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert list(await session.scalars(text(rows))) == before


async def test_a_newcomer_begins_with_what_is_new(cast: Cast) -> None:
    old = await open_thread(cast.acme)
    dora = await hire("Dora Dean", Role.AGENT, cast.acme)
    new = await open_thread(cast.acme, lead="+14155550001")
    assert (await unread(dora, old), await unread(dora, new)) == (0, 1)
    await receive(cast.acme)
    assert await unread(dora, old) > 0


async def test_nobody_has_read_more_than_is_counted(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await receive(cast.acme)
    await do(cast.bob, reading.mark_read, [thread])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update conversation set unread_count = 0"))
    await receive(cast.acme)
    assert await unread(cast.bob, thread) == 1


async def test_reading_anothers_thread_changes_nothing(cast: Cast) -> None:
    theirs = await open_thread(cast.acme)
    for target in (theirs, uuid4()):
        assert await do(cast.charlie, reading.mark_read, [target]) is False
    assert await unread(cast.bob, theirs) == 1
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await session.scalar(text("select count(*) from thread_reading")) == 0


async def test_a_note_calls_those_whom_it_names(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await do(cast.alice, notes.add_note, thread, "@bob, please call. @alice is out, and a@bobby.example is no name")
    assert (await listed(cast.bob, View.MENTIONS), await listed(cast.alice, View.MENTIONS)) == ([thread], [])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        tenant_id = cast.acme.tenant_id
        counts = await queries.count_threads(session, tenant_id, cast.bob.user_id)
    assert counts.mentions == 1
    await do(cast.bob, reading.mark_read, [thread])
    async with db.tenant_session(tenant_id) as session:
        assert (await queries.count_threads(session, tenant_id, cast.bob.user_id)).mentions == 0
        seen = await session.scalar(text("select seen_at from note_mention"))
    assert seen is not None
    assert seen <= datetime.now(UTC)


async def test_notes_and_events_of_a_thread_are_the_tenants_own(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await do(cast.bob, notes.add_note, thread, "Ours")
    lead_id = (await the_thread(cast.bob, thread)).lead_id
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await notes.list_notes(session, cast.globex.tenant_id, lead_id, None) == []
        assert await notes.list_events(session, cast.globex.tenant_id, thread, None) == []
