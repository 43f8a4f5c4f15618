"""Finding messages: whole and begun words, pages in order, taken in or not, and nobody else's."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tenant_portal import db
from tenant_portal.inbox.search import Part, find_messages, snippet, words_of
from tenant_portal.inbox.words import take_in
from tenant_portal.models import Message
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, Direction, MessageStatus
from tests.cast import Cast, Company
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database
HOURS_AGO = 5


def id_of(number: int) -> UUID:
    """Ids in the order of their numbers, a few hours old, so that the job takes them in."""
    moment = int((now() - timedelta(hours=HOURS_AGO)).timestamp() * 1000) + number
    return UUID(f"{moment:012x}70008000{number:012x}"[:32])


async def stored(company: Company, bodies: list[str]) -> list[UUID]:
    """Messages of some hours ago in one thread, oldest first."""
    thread = await open_thread(company, body="opening")
    async with db.tenant_session(company.tenant_id) as session:
        rows = [
            Message(
                tenant_id=company.tenant_id, id=id_of(number), conversation_id=thread, channel_kind=ChannelKind.SMS,
                direction=Direction.IN, status=MessageStatus.RECEIVED, body=body, our_number=company.number,
                lead_number="+14155550999",
            )
            for number, body in enumerate(bodies)
        ]  # fmt: skip
        session.add_all(rows)
    return [row.id for row in rows]


async def found(company: Company, search: str, **more: object) -> list[str]:
    async with db.tenant_session(company.tenant_id) as session:
        hits = await find_messages(session, company.tenant_id, search, **more)  # type: ignore[arg-type]
    return [hit.text for hit in hits]


async def taken_in(company: Company) -> int:
    async with db.tenant_session(company.tenant_id) as session:
        query = text("select count(*) from message_search where tenant_id = :tenant")
        return await session.scalar(query, {"tenant": company.tenant_id}) or 0


@pytest.mark.parametrize("is_taken_in", [False, True])
async def test_every_word_begins_a_word_of_the_message_in_any_script(cast: Cast, is_taken_in: bool) -> None:
    bodies = ["An APPOINTMENT on Friday?", "Über die Straße, order 4711", "it's 100% 'off' & <b>new</b>", "Запись"]
    await stored(cast.acme, bodies)
    if is_taken_in:
        await take_in(cast.acme.tenant_id)
        assert await taken_in(cast.acme) == 4
    for search, number in (("appoint fri", 0), ("über 471", 1), ("'off' & | ! b:*", 2), ("запи", 3)):
        assert await found(cast.acme, search) == [bodies[number]], search
    assert await found(cast.acme, "ppointment") == []
    assert await found(cast.acme, "friday über") == []
    assert await found(cast.acme, "!&|") == []


async def test_pages_follow_each_other_over_what_is_taken_in_and_what_is_not(cast: Cast) -> None:
    await stored(cast.acme, [f"parcel {number}" for number in range(7)])
    await take_in(cast.acme.tenant_id)
    for number in range(7, 10):
        await receive(cast.acme, body=f"parcel {number}")
    seen, before = [], None
    while True:
        async with db.tenant_session(cast.acme.tenant_id) as session:
            page = await find_messages(session, cast.acme.tenant_id, "parcel", before=before, limit=4)
        if not page:
            break
        seen += [hit.text for hit in page]
        before = page[-1].id
    assert seen == [f"parcel {number}" for number in range(9, -1, -1)]


async def test_a_search_goes_on_into_older_segments(cast: Cast) -> None:
    ids = await stored(cast.acme, [f"parcel {number}" for number in range(6)])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("select search.take_in(2, now())"))
        # As if the segment were full.
        ended = text("update search_segment set messages = 4095 where tenant_id = :tenant")
        await session.execute(ended, {"tenant": cast.acme.tenant_id})
    await take_in(cast.acme.tenant_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        count = text("select count(*) from search_segment where tenant_id = :tenant")
        assert await session.scalar(count, {"tenant": cast.acme.tenant_id}) == 2
    assert await found(cast.acme, "parcel") == [f"parcel {number}" for number in range(5, -1, -1)]
    assert await found(cast.acme, "parcel", before=ids[3], limit=2) == ["parcel 2", "parcel 1"]


async def test_what_is_stored_late_is_found_after_the_next_run(cast: Cast) -> None:
    await stored(cast.acme, ["first", "second"])
    await take_in(cast.acme.tenant_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        gone = text("delete from message_search where tenant_id = :tenant and message_id = :id")
        await session.execute(gone, {"tenant": cast.acme.tenant_id, "id": id_of(0)})
    await take_in(cast.acme.tenant_id)
    assert await taken_in(cast.acme) == 2


async def test_a_deleted_message_is_found_no_more(cast: Cast) -> None:
    (message,) = await stored(cast.acme, ["secret"])
    await take_in(cast.acme.tenant_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        gone = text("delete from message where tenant_id = :tenant and id = :id")
        await session.execute(gone, {"tenant": cast.acme.tenant_id, "id": message})
    assert (await found(cast.acme, "secret"), await taken_in(cast.acme)) == ([], 0)


async def test_the_other_tenant_finds_nothing_taken_in_or_not(cast: Cast) -> None:
    await stored(cast.acme, ["canary"])
    assert await found(cast.globex, "canary") == []
    await take_in(cast.acme.tenant_id)
    await take_in(cast.globex.tenant_id)
    assert (await found(cast.acme, "canary"), await found(cast.globex, "canary")) == (["canary"], [])


async def test_words_behind_the_marks_of_another_tenant_stay_there(cast: Cast) -> None:
    """Even where both tenants' words carry the same mark, the function tells its own tenant's messages only."""
    await stored(cast.acme, ["canary"])
    await stored(cast.globex, ["canary"])
    await take_in(cast.acme.tenant_id)
    await take_in(cast.globex.tenant_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        mark = await session.scalar(text("select search.mark(tenant_id, first_id) from search_segment"))
    async with db.tenant_session(cast.globex.tenant_id) as session:
        same = text("update message_search set words = search.marked(:mark, 'canary') where tenant_id = :tenant")
        await session.execute(same, {"mark": mark, "tenant": cast.globex.tenant_id})
    assert await found(cast.acme, "canary") == ["canary"]


async def test_without_a_tenant_the_function_is_an_error(cast: Cast) -> None:
    with pytest.raises(DBAPIError, match=r"app\.tenant_id|uuid"):
        async with db.engine().connect() as connection:
            await connection.execute(text("set local role portal_app"))
            await connection.execute(text("select search.messages('canary', null, 10)"))


async def test_only_the_application_may_search(cast: Cast) -> None:
    for door in (db.staff_session, db.front_door_session, db.identity_session, db.job_queue_session):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with door() as session:
                await session.execute(text("select search.messages('canary', null, 10)"))


async def test_tenants_with_new_words_are_woken(cast: Cast) -> None:
    await stored(cast.acme, ["hello"])
    async with db.job_queue_session() as session:
        assert await session.scalar(text("select jobs.sweep_search()")) == 1
    await take_in(cast.acme.tenant_id)
    async with db.job_queue_session() as session:
        assert await session.scalar(text("select jobs.sweep_search()")) == 0


def test_a_snippet_shows_the_words_and_nothing_becomes_markup() -> None:
    long = "x " * 60 + "<b>Appointments</b> on Friday " + "y " * 200
    parts = snippet(long, "appoint fri")
    assert [part.text for part in parts if part.is_hit] == ["Appoint", "Fri"]
    assert parts[0] == Part("… ", is_hit=False)
    assert "<b>" in "".join(part.text for part in parts)
    assert len("".join(part.text for part in parts)) < 180
    assert snippet("", "a") == []
    assert words_of("One, one; TWO_three") == ["one", "two", "three"]
