"""Messages that wait for their time: scheduled, held for a moment, canceled, changed, refused at their time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.audit.queries import latest
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.inbox import jobs, planned, queries, rules
from tenant_portal.inbox.planned import PlannedRow
from tenant_portal.models.enums import PlannedState
from tests.cast import Cast, Someone
from tests.signed_in import person
from tests.threads import open_thread

pytestmark = pytest.mark.database


async def do(someone: Someone, change: Any, *arguments: object) -> Any:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await change(session, person(someone), *arguments)


async def schedule(someone: Someone, thread: UUID, body: str = "Until tomorrow", after: float = 3600) -> UUID:
    now = datetime.now(UTC)
    until = (now + timedelta(seconds=after)).isoformat()
    found: UUID = await do(someone, planned.schedule, thread, body, None, until, now)
    return found


async def waiting(cast: Cast, thread: UUID) -> list[PlannedRow]:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return await planned.list_planned(session, cast.acme.tenant_id, thread)


async def sent(cast: Cast, thread: UUID) -> list[tuple[str, str]]:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        rows = await queries.list_messages(session, cast.acme.tenant_id, thread)
    return [(row.body, row.author_name) for row in rows if row.author_name]


async def time_passes(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update planned_message set due_at = now() - interval '1 minute'"))


async def test_a_scheduled_message_goes_at_its_time_and_once(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await schedule(cast.bob, thread)
    await jobs.drain_planned(cast.acme.tenant_id)
    assert ([row.body for row in await waiting(cast, thread)], await sent(cast, thread)) == (["Until tomorrow"], [])
    await time_passes(cast)
    # As two workers would, of which one was thought dead.
    await asyncio.gather(*(jobs.drain_planned(cast.acme.tenant_id) for _ in range(4)))
    assert (await waiting(cast, thread), await sent(cast, thread)) == ([], [("Until tomorrow", "Bob Baker")])


async def test_a_worker_that_dies_before_its_commit_leaves_the_message_waiting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = await open_thread(cast.acme)
    planned_id = await schedule(cast.bob, thread)
    await time_passes(cast)
    with pytest.raises(asyncio.CancelledError):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await planned.send(session, cast.acme.tenant_id, planned_id)
            await session.flush()
            raise asyncio.CancelledError
    assert ([row.id for row in await waiting(cast, thread)], await sent(cast, thread)) == ([planned_id], [])
    async with db.job_queue_session() as session:
        await session.execute(text("set local search_path = jobs, public"))
        await session.execute(text("delete from procrastinate_jobs"))
        assert await session.scalar(text("select jobs.sweep()")) == 1
        name = "select task_name from procrastinate_jobs"
        assert await session.scalar(text(name)) == planned.SEND_PLANNED
    await jobs.drain_planned(cast.acme.tenant_id)
    assert await sent(cast, thread) == [("Until tomorrow", "Bob Baker")]


async def test_the_job_is_woken_for_the_first_that_is_due(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    for after in (7200, 60):
        await schedule(cast.bob, thread, after=after)
    seconds = "select extract(epoch from scheduled_at - now()) from jobs.procrastinate_jobs where task_name = :task"
    async with db.job_queue_session() as session:
        found = (await session.execute(text(seconds), {"task": planned.SEND_PLANNED})).scalars().all()
    assert len(found) == 1
    assert 50 < found[0] <= 60


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update lead set opted_out_at = now()", "withdrawn consent"),
        ("update lead set blocked_at = now()", "blocked"),
        ("update channel set state = 'disconnected', disconnected_at = now()", "channel"),
    ],
    ids=["opted out", "blocked", "no channel"],
)
async def test_whether_it_may_go_is_decided_at_its_time(cast: Cast, change: str, reason: str) -> None:
    thread = await open_thread(cast.acme)
    planned_id = await schedule(cast.bob, thread)
    await time_passes(cast)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text(change))
    await jobs.drain_planned(cast.acme.tenant_id)
    (row,) = await waiting(cast, thread)
    assert (row.id, row.state, await sent(cast, thread)) == (planned_id, PlannedState.REFUSED, [])
    assert reason in row.reason
    # It is not tried again by itself, and goes away when somebody has seen it.
    await jobs.drain_planned(cast.acme.tenant_id)
    await do(cast.alice, planned.cancel, planned_id)
    assert await waiting(cast, thread) == []


async def test_what_is_scheduled_can_be_changed_and_canceled(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    first, second = await schedule(cast.bob, thread), await schedule(cast.bob, thread, "Not this")
    now = datetime.now(UTC)
    at = now + timedelta(days=2)
    await do(cast.alice, planned.change, first, "See you on Friday", at.isoformat(), now)
    await do(cast.bob, planned.cancel, second)
    (row,) = await waiting(cast, thread)
    assert (row.body, row.due_at, row.author_name) == ("See you on Friday", at, "Alice Archer")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        actions = [entry.action for entry in await latest(session, cast.acme.tenant_id)]
    assert actions == [
        "conversation:message-unscheduled",
        "conversation:schedule-changed",
        "conversation:message-scheduled",
        "conversation:message-scheduled",
    ]


async def test_canceling_and_sending_at_once_does_one_of_the_two(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    ids = [await schedule(cast.bob, thread, f"Text {n}") for n in range(6)]
    await time_passes(cast)
    outcomes = await asyncio.gather(
        jobs.drain_planned(cast.acme.tenant_id),
        *(do(cast.bob, planned.cancel, planned_id) for planned_id in ids),
        return_exceptions=True,
    )
    canceled = {one.body for one in outcomes if isinstance(one, PlannedRow)}
    assert {body for body, _ in await sent(cast, thread)} == {f"Text {n}" for n in range(6)} - canceled
    assert all(isinstance(one, PlannedRow | NotFound) for one in outcomes[1:])


async def test_an_answer_is_held_and_can_be_undone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings_anew: None
) -> None:
    monkeypatch.setenv("PORTAL_UNDO_SEND_SECONDS", "5")
    thread = await open_thread(cast.acme)
    for body in ("Wrong", "Right"):
        await do(cast.bob, planned.hold, thread, body, None)
    wrong, right = await waiting(cast, thread)
    assert {row.state for row in (wrong, right)} == {PlannedState.HELD}
    assert (await do(cast.bob, planned.cancel, wrong.id)).body == "Wrong"
    await time_passes(cast)
    await jobs.drain_planned(cast.acme.tenant_id)
    assert await sent(cast, thread) == [("Right", "Bob Baker")]
    with pytest.raises(NotFound, match="already been sent"):
        await do(cast.bob, planned.cancel, right.id)


@pytest.mark.parametrize("until", ["", "tomorrow", "2026-01-01T10:00", "2020-01-01T10:00+00:00", "2999-01-01T00:00Z"])
def test_a_time_that_is_none_is_refused(until: str) -> None:
    with pytest.raises(BadInput) as refusal:
        rules.planned_time(until, datetime(2026, 6, 1, tzinfo=UTC))
    assert refusal.value.field == "until"


async def test_nothing_can_be_planned_for_who_cannot_be_written_to(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update lead set opted_out_at = now()"))
    with pytest.raises(Conflict, match="withdrawn consent"):
        await schedule(cast.bob, thread)


async def test_anothers_planned_message_answers_as_a_made_up_one(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    planned_id, now = await schedule(cast.bob, thread), datetime.now(UTC)
    until = (now + timedelta(days=1)).isoformat()
    for target in (planned_id, uuid4()):
        for change, more in ((planned.cancel, ()), (planned.change, ("Mine", until, now))):
            with pytest.raises(NotFound):
                await do(cast.charlie, change, target, *more)
    with pytest.raises(NotFound):
        await schedule(cast.charlie, thread)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await planned.list_planned(session, cast.globex.tenant_id, thread) == []
        await planned.send(session, cast.globex.tenant_id, planned_id)
    assert [row.body for row in await waiting(cast, thread)] == ["Until tomorrow"]
