"""Quiet hours: by the clock of the lead, a message waits for the morning or goes because somebody said so."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, NotAllowed
from tenant_portal.inbox import jobs, planned, service
from tenant_portal.inbox.planned import PlannedRow
from tenant_portal.models.enums import PlannedState
from tenant_portal.tenants import quiet_hours
from tenant_portal.tenants.rules import QuietHours
from tenant_portal.ui.pages.inbox import InboxState
from tenant_portal.ui.pages.settings import QuietHoursState
from tests.cast import Someone
from tests.inbox.conftest import Desk
from tests.leads.stage import do, trail
from tests.threads import open_thread
from tests.ui_client.browser import sign_in

NIGHT, MORNING = datetime(2026, 6, 2, 6, 10, tzinfo=UTC), datetime(2026, 6, 2, 15, tzinfo=UTC)


def test_the_clock_is_that_of_the_number_and_else_the_companys() -> None:
    hours = QuietHours("21:00", "08:00", "Europe/Berlin")
    assert hours.end_for("+14155550999", NIGHT) == MORNING
    assert hours.end_for("+14155550999", MORNING) is None
    berlin = datetime(2026, 6, 2, 7, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    # A number of no country, and one that is none: the company's own zone.
    for address in ("+88300000000", "+12", "+1"):
        assert hours.end_for(address, berlin) == berlin.replace(hour=8, minute=0)
    assert hours.end_for("TWILIO", NIGHT) is None
    assert QuietHours("", "", "UTC").end_for("+14155550999", NIGHT) is None


def test_every_minute_counts_and_an_hour_is_always_left() -> None:
    hours = QuietHours("21:05", "08:10", "UTC")
    at = datetime(2026, 6, 2, 21, 7, tzinfo=UTC)
    assert hours.end_for("+88300000000", at) == datetime(2026, 6, 3, 8, 15, tzinfo=UTC)
    assert hours.end_for("+88300000000", at.replace(minute=4)) is None
    assert hours.minutes_left == 12 * 60 + 55
    # A number that may be in any zone of a wide country: no hour is day in all of them.
    wide = QuietHours("12:00", "11:00", "UTC")
    assert wide.end_for("+18005550100", at) == datetime(2026, 6, 3, 11, tzinfo=UTC)


async def always_night(desk: Desk) -> None:
    """Quiet hours that began an hour ago and end in an hour or a quarter more, where the lead is."""
    there = datetime.now(ZoneInfo("America/Los_Angeles"))
    start, end = (f"{there + timedelta(hours=by):%H:%M}" for by in (-1, 1))
    await save(desk.cast.alice, start=start, end=end)


async def day(desk: Desk) -> None:
    """The quiet hours end, and what waits is due."""
    await do(desk.cast.alice, quiet_hours.save, is_on=False, start="", end="")
    await desk.sql("update planned_message set due_at = now()")


async def save(someone: Someone, *, start: str = "21:00", end: str = "08:00") -> None:
    await do(someone, quiet_hours.save, is_on=True, start=start, end=end)


async def write(desk: Desk, body: str = "Good evening", *, now: bool = False) -> None:
    await do(desk.cast.bob, planned.hold, desk.thread, body, None, despite_quiet_hours=now)


async def sent(desk: Desk) -> list[str]:
    """What Twilio has when all that is due has gone."""
    await jobs.drain_planned(desk.acme.tenant_id)
    await desk.drain()
    return [one.body for one in desk.at_twilio()]


async def waiting(desk: Desk) -> list[PlannedRow]:
    async with db.tenant_session(desk.acme.tenant_id) as session:
        return await planned.list_planned(session, desk.acme.tenant_id, desk.thread)


@pytest.fixture(params=["0", "5"], ids=["at once", "with undo"])
def undo(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings_anew: None) -> int:
    """With and without seconds in which sending can be undone."""
    monkeypatch.setenv("PORTAL_UNDO_SEND_SECONDS", request.param)
    return int(request.param)


@pytest.mark.database
async def test_a_message_waits_for_the_morning(desk: Desk, undo: int) -> None:
    await always_night(desk)
    await write(desk)
    (row,) = await waiting(desk)
    assert row.state is PlannedState.SCHEDULED
    assert timedelta(minutes=55) < row.due_at - datetime.now(UTC) <= timedelta(minutes=76)
    assert await sent(desk) == []
    # A clock that is ahead sends nothing at night either: it waits anew.
    await desk.sql("update planned_message set due_at = now()")
    assert await sent(desk) == []
    assert [one.due_at for one in await waiting(desk)] == [row.due_at]
    await day(desk)
    assert await sent(desk) == ["Good evening"]
    assert await waiting(desk) == []


@pytest.mark.database
async def test_whoever_sends_all_the_same_stands_in_the_trail_and_on_the_message(desk: Desk, undo: int) -> None:
    await always_night(desk)
    await write(desk, now=True)
    assert len(await waiting(desk)) == (1 if undo else 0)
    await desk.sql("update planned_message set due_at = now()")
    assert await sent(desk) == ["Good evening"]
    assert ("message:sent-in-quiet-hours", "Bob Baker") in await trail(desk.acme)
    assert await desk.sql("select details->>'in_quiet_hours' from message where direction = 'out'") == "true"


@pytest.mark.database
async def test_a_choice_that_nobody_needed_leaves_no_trace(desk: Desk) -> None:
    await write(desk, now=True)
    await desk.sql("update planned_message set due_at = now()")
    assert await sent(desk) == ["Good evening"]
    assert "message:sent-in-quiet-hours" not in [action for action, _ in await trail(desk.acme)]


@pytest.mark.database
async def test_a_time_within_them_moves_to_their_end(desk: Desk) -> None:
    await always_night(desk)
    now = datetime.now(UTC)
    at_night, at_day = ((now + timedelta(minutes=by)).isoformat() for by in (30, 180))
    await do(desk.cast.bob, planned.schedule, desk.thread, "Soon", None, at_night, now)
    (row,) = await waiting(desk)
    assert row.due_at > now + timedelta(minutes=55)
    await do(desk.cast.bob, planned.change, row.id, "Later", at_day, now)
    assert [one.due_at.isoformat() for one in await waiting(desk)] == [at_day]
    await do(desk.cast.bob, planned.change, row.id, "Soon", at_night, now)
    assert [one.due_at for one in await waiting(desk)] == [row.due_at]
    await do(desk.cast.alice, planned.cancel, row.id)
    await day(desk)
    assert await sent(desk) == []


@pytest.mark.database
async def test_a_failed_message_is_not_repeated_at_night(desk: Desk) -> None:
    failed = await do(desk.cast.bob, service.queue_reply, desk.thread, "Hello")
    await desk.sql("update message set status = 'failed' where direction = 'out'")
    await always_night(desk)
    with pytest.raises(Conflict, match="quiet hours"):
        await do(desk.cast.bob, service.retry, failed)
    await day(desk)
    await do(desk.cast.bob, service.retry, failed)


@pytest.mark.database
async def test_what_nobody_typed_waits_by_itself(desk: Desk) -> None:
    await always_night(desk)
    with pytest.raises(service.Quiet) as quiet:
        await do(desk.cast.bob, service.queue_automatic, desk.thread, "You called", our_number=desk.acme.number)
    assert quiet.value.until > datetime.now(UTC) + timedelta(minutes=55)
    assert await sent(desk) == []


@pytest.mark.database
async def test_only_owners_set_them_and_wrong_times_get_a_sentence(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        await save(desk.cast.bob)
    for wrong, field in (({"start": "late"}, "quiet_from"), ({"end": "21:00"}, "quiet_until")):
        with pytest.raises(BadInput) as refused:
            await save(desk.cast.alice, **wrong)
        assert refused.value.field == field
    await save(desk.cast.alice)
    async with db.tenant_session(desk.cast.globex.tenant_id) as session:
        assert not (await quiet_hours.read(session, desk.cast.globex.tenant_id)).are_on


@pytest.mark.database
async def test_the_composer_says_so_and_lets_choose(desk: Desk) -> None:
    await always_night(desk)
    tab = await sign_in(desk.cast.bob)
    assert (await tab.call(InboxState.load, conversation_id=desk.thread)).thread.quiet_until
    state = await tab.call(InboxState.send, {"body": "Good evening", "quiet": "later"})
    assert (state.notice, [one.state for one in state.planned]) == ("", ["scheduled"])
    await tab.call(InboxState.send, {"body": "Urgent", "quiet": "now"})
    await desk.sql("update planned_message set due_at = now() where despite_quiet_hours")
    await jobs.drain_planned(desk.acme.tenant_id)
    state = await tab.call(InboxState.refresh)
    assert (state.messages[-1].body, state.messages[-1].status_name) == ("Urgent", "Sending…, in their quiet hours")
    other = await open_thread(desk.cast.globex)
    theirs = await sign_in(desk.cast.charlie)
    assert not (await theirs.call(InboxState.load, conversation_id=other)).thread.quiet_until


@pytest.mark.database
async def test_the_settings_page_sets_them(desk: Desk) -> None:
    tab = await sign_in(desk.cast.alice)
    await tab.call(QuietHoursState.load)
    await tab.call(QuietHoursState.choose, True)
    form = {"quiet_from": "20:00", "quiet_until": "20:00"}
    assert "an hour" in (await tab.call(QuietHoursState.save, form)).errors["quiet_until"]
    state = await tab.call(QuietHoursState.save, form | {"quiet_until": "09:00"})
    assert (state.notice, state.start, state.end) == ("Saved.", "20:00", "09:00")
    assert ("team:quiet-hours-changed", "Alice Archer") in await trail(desk.acme)
