"""Threads that are closed, snoozed, assigned and reopened; each change is a line in the thread and in the audit."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.audit.queries import latest
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.identity import team
from tenant_portal.inbox import jobs, notes, organise, queries, reading
from tenant_portal.inbox.queries import ThreadRow, View
from tenant_portal.models.enums import ChannelKind, ConversationState, ThreadEventKind
from tests.cast import Cast, Company, Someone
from tests.signed_in import person
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(5)]


async def do(someone: Someone, change: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await change(session, person(someone), *arguments)


async def the_thread(someone: Someone, thread: UUID) -> ThreadRow:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await queries.get_thread(session, someone.tenant_id, thread, someone.user_id)


async def listed(someone: Someone, view: View, **more: Any) -> list[UUID]:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        rows = await queries.list_threads(session, someone.tenant_id, viewer=someone.user_id, view=view, **more)
    return [row.id for row in rows]


async def kinds(company: Company, thread: UUID) -> list[str]:
    async with db.tenant_session(company.tenant_id) as session:
        return [row.kind.value for row in await notes.list_events(session, company.tenant_id, thread, None)]


async def snooze(someone: Someone, thread: UUID, after: timedelta = timedelta(hours=1)) -> Any:
    now = datetime.now(UTC)
    return await do(someone, organise.snooze, [thread], (now + after).isoformat(), now)


async def change(company: Company, statement: str) -> None:
    async with db.tenant_session(company.tenant_id) as session:
        await session.execute(text(statement))


async def test_a_closed_thread_leaves_the_open_ones(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    assert await do(cast.bob, organise.close, [thread]) == 1
    assert await do(cast.bob, organise.close, [thread]) == 0
    assert (await listed(cast.bob, View.OPEN), await listed(cast.bob, View.CLOSED)) == ([], [thread])
    assert await do(cast.alice, organise.reopen, [thread]) == 1
    assert await listed(cast.bob, View.OPEN) == [thread]
    assert await kinds(cast.acme, thread) == ["closed", "reopened"]


@pytest.mark.parametrize("first", [organise.close, None], ids=["closed", "snoozed"])
@pytest.mark.parametrize("special", [{}, {"profile_name": "Ada"}], ids=["quick", "in the loop"])
async def test_a_new_message_opens_a_thread(cast: Cast, first: Any, special: dict[str, str]) -> None:
    thread = await open_thread(cast.acme)
    await (do(cast.bob, first, [thread]) if first else snooze(cast.bob, thread))
    await receive(cast.acme, body="One more thing", **special)
    row = await the_thread(cast.bob, thread)
    assert (row.state, row.snoozed_until, row.preview) == (ConversationState.OPEN, None, "One more thing")
    assert (await kinds(cast.acme, thread))[1:] == ["reopened"]


async def test_a_message_for_an_open_thread_is_no_event(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await receive(cast.acme)
    assert await kinds(cast.acme, thread) == []


async def test_a_snooze_ends_by_itself_and_is_news_to_whom_it_belongs(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    for someone in (cast.alice, cast.bob):
        await do(someone, reading.mark_read, [thread])
    await do(cast.bob, organise.assign, [thread], cast.bob.user_id)
    await snooze(cast.bob, thread)
    assert (await listed(cast.bob, View.OPEN), await listed(cast.bob, View.SNOOZED)) == ([], [thread])
    await jobs.drain_snoozes(cast.acme.tenant_id)
    assert await listed(cast.bob, View.SNOOZED) == [thread]
    await change(cast.acme, "update conversation set snoozed_until = now()")
    await jobs.drain_snoozes(cast.acme.tenant_id)
    assert await listed(cast.bob, View.OPEN) == [thread]
    assert (await the_thread(cast.bob, thread)).unread_count == 1
    assert (await the_thread(cast.alice, thread)).unread_count == 0
    assert (await kinds(cast.acme, thread))[-2:] == ["snoozed", "woken"]


async def test_a_snooze_has_a_job_and_the_sweep_finds_one_that_lost_it(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await snooze(cast.bob, thread)
    async with db.job_queue_session() as session:
        count = text("select count(*) from jobs.procrastinate_jobs where task_name = 'inbox.end_snoozes'")
        assert await session.scalar(count) == 1
        await session.execute(text("set local search_path = jobs"))
        await session.execute(text("delete from procrastinate_jobs"))
    await change(cast.acme, "update conversation set snoozed_until = now() - interval '1 minute'")
    async with db.job_queue_session() as session:
        assert await session.scalar(text("select jobs.sweep()")) == 1
        assert await session.scalar(count) == 1


@pytest.mark.parametrize("until", ["", "soon", "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00", "2030-01-01"])
async def test_a_snooze_needs_a_time_to_come(cast: Cast, until: str) -> None:
    thread = await open_thread(cast.acme)
    with pytest.raises(BadInput):
        await do(cast.bob, organise.snooze, [thread], until, datetime.now(UTC))
    assert (await the_thread(cast.bob, thread)).state is ConversationState.OPEN


async def test_a_thread_belongs_to_one_person_or_to_nobody(cast: Cast) -> None:
    mine, free = [await open_thread(cast.acme, lead=number) for number in NUMBERS[:2]]
    await do(cast.alice, organise.assign, [mine], cast.bob.user_id)
    assert await listed(cast.bob, View.MINE) == [mine]
    assert (await listed(cast.alice, View.MINE), await listed(cast.alice, View.UNASSIGNED)) == ([], [free])
    assert (await the_thread(cast.alice, mine)).assignee_name == "Bob Baker"
    await do(cast.alice, organise.assign, [mine], None)
    assert await listed(cast.bob, View.MINE) == []
    assert await kinds(cast.acme, mine) == ["assigned", "unassigned"]


async def test_nobody_outside_the_team_is_given_a_thread(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    for stranger in (cast.charlie.user_id, cast.sam.user_id, uuid4()):
        with pytest.raises(BadInput, match="not in your team"):
            await do(cast.bob, organise.assign, [thread], stranger)


async def test_what_somebody_had_who_left_belongs_to_nobody(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await do(cast.bob, organise.assign, [thread], cast.bob.user_id)
    await do(cast.alice, team.remove, cast.bob.user_id, datetime.now(UTC))
    assert await listed(cast.alice, View.UNASSIGNED) == [thread]


@pytest.mark.parametrize("what", [organise.close, organise.reopen, reading.mark_unread])
async def test_anothers_thread_is_as_unknown_as_a_made_up_one(cast: Cast, what: Any) -> None:
    theirs, own = await open_thread(cast.acme), await open_thread(cast.globex)
    answers = []
    for target in (theirs, uuid4()):
        with pytest.raises(NotFound) as caught:
            await do(cast.charlie, what, [own, target])
        answers.append(caught.value.message)
    assert answers[0] == answers[1]
    assert await kinds(cast.acme, theirs) == await kinds(cast.globex, own) == []


async def test_many_threads_are_changed_at_once(cast: Cast) -> None:
    threads = [await open_thread(cast.acme, lead=number) for number in NUMBERS]
    assert await do(cast.bob, organise.close, threads[:3]) == 3
    assert await do(cast.bob, organise.assign, threads, cast.alice.user_id) == 5
    assert await listed(cast.alice, View.MINE) == [threads[4], threads[3]]


async def test_what_is_done_with_a_thread_is_in_the_audit(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await do(cast.bob, organise.assign, [thread], cast.alice.user_id)
    await do(cast.bob, organise.close, [thread])
    await do(cast.bob, notes.add_note, thread, "Done")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        trail = await latest(session, cast.acme.tenant_id)
    assert [(entry.actor_name, entry.action, entry.subject) for entry in trail] == [
        ("Bob Baker", f"conversation:{verb}", str(thread)) for verb in ("noted", "closed", "assigned")
    ]


async def test_views_have_their_counts(cast: Cast) -> None:
    threads = [await open_thread(cast.acme, lead=number) for number in NUMBERS]
    await do(cast.bob, organise.close, threads[:1])
    await do(cast.bob, organise.assign, threads[1:3], cast.bob.user_id)
    await snooze(cast.bob, threads[2])
    await do(cast.bob, reading.mark_read, threads[:4])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        counts = await queries.count_threads(session, cast.acme.tenant_id, cast.bob.user_id)
    assert counts == queries.Counts(open=3, mine=1, unassigned=2, unread=1, mentions=0, snoozed=1, closed=1)


async def test_channels_are_mixed_by_time_and_told_apart(cast: Cast) -> None:
    order = ("sms", "whatsapp", "sms", "voicemail", "sms")
    for number, kind in zip(NUMBERS, order, strict=True):
        await receive(cast.acme, lead=number, kind=kind)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        first = await queries.list_threads(session, cast.acme.tenant_id, limit=2)
        rest = await queries.list_threads(session, cast.acme.tenant_id, limit=9, after=first[-1].cursor)
    assert [row.address for row in (*first, *rest)] == NUMBERS[::-1]
    assert len(await listed(cast.bob, View.OPEN, channel=ChannelKind.SMS)) == 3


async def test_an_opt_out_stands_in_the_thread(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    for word in ("stop", "stop", "start"):
        await receive(cast.acme, body=word.upper(), opt_out=word)
    assert await kinds(cast.acme, thread) == [ThreadEventKind.OPTED_OUT.value, ThreadEventKind.OPTED_IN.value]


async def test_a_lead_is_found_by_name_and_number_in_any_state(cast: Cast) -> None:
    thread = await open_thread(cast.acme, lead=NUMBERS[1], profile_name="Ada Lovelace")
    await receive(cast.acme, lead=NUMBERS[2])
    await open_thread(cast.globex, profile_name="Ada Other")
    await do(cast.bob, organise.close, [thread])
    for words in ("ada", "555-0001"):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            found = await queries.find_threads(session, cast.acme.tenant_id, cast.bob.user_id, words)
        assert [row.id for row in found] == [thread]
