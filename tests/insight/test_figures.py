"""The figures of a client: right, by its own calendar, and of nobody else."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import BadInput
from tenant_portal.insight import csv_file, queries, rules
from tenant_portal.insight.queries import Figures
from tenant_portal.insight.rules import Period
from tenant_portal.models.ids import uuid7
from tenant_portal.ui.pages.insight import InsightState
from tests.cast import Cast, Company, Someone
from tests.threads import open_thread, receive
from tests.ui_client.browser import sign_in

pytestmark = pytest.mark.database


def test_a_day_is_as_long_as_on_the_clients_calendar() -> None:
    change = Period(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    assert change.end - change.start == timedelta(hours=25)
    assert change.start == datetime(2026, 10, 24, 22, tzinfo=UTC)
    week = rules.last_days(7, datetime(2026, 11, 25, 3, tzinfo=UTC), "America/New_York")
    assert (week.first, week.last) == (date(2026, 11, 18), date(2026, 11, 24))
    assert (week.before().first, week.before().last) == (date(2026, 11, 11), date(2026, 11, 17))


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("", "2026-11-01", "first"),
        ("2026-11-01", "soon", "last"),
        ("2026-11-02", "2026-11-01", "last"),
        ("2020-01-01", "2026-11-01", "last"),
        ("0001-01-01", "0001-01-02", "first"),
    ],
)
def test_dates_that_are_no_period_get_a_sentence(first: str, last: str, field: str) -> None:
    with pytest.raises(BadInput) as wrong:
        rules.own_period(first, last, "UTC")
    assert wrong.value.field == field


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (rules.change_words(15, 10), "+50 %"),
        (rules.change_words(5, 10), "-50 %"),
        (rules.change_words(5, 0), ""),
        (rules.span_words(None), "\u2013"),
        (rules.span_words(90), "2 min"),
        (rules.span_words(5400), "1.5 h"),
    ],
)
def test_figures_are_told_in_words(words: str, expected: str) -> None:
    assert words == expected


async def answer(
    company: Company, thread: UUID, who: Someone | None, *, minutes: int, status: str = "delivered"
) -> None:
    """An answer so long after now; of nobody where the portal wrote it."""
    insert = text(
        "insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, our_number, lead_number,"
        " body, media_count, details, author_id, author_name, created_at, status_at)"
        " values (:tenant, :id, :thread, 'sms', 'out', :status, '', '', '', 0, '{}', :author, :name, :at, :at)"
    )
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    author = {"author": who.user_id if who else None, "name": who.name if who else ""}
    values = {"tenant": company.tenant_id, "id": uuid7(), "thread": thread, "status": status, "at": at}
    async with db.tenant_session(company.tenant_id) as session:
        await session.execute(insert, values | author)


async def run(company: Company, statement: str, **values: Any) -> None:
    async with db.tenant_session(company.tenant_id) as session:
        await session.execute(text(statement), values | {"tenant": company.tenant_id})


async def read(company: Company) -> Figures:
    """Two days on either side: the answers of these tests lie a little ahead."""
    today = datetime.now(UTC).date()
    period = Period(today - timedelta(days=1), today + timedelta(days=1), "UTC")
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.figures(session, company.tenant_id, period)


async def test_the_first_answer_of_a_person_ends_the_wait(cast: Cast) -> None:
    one, two = await open_thread(cast.acme, lead="+14155550001"), await open_thread(cast.acme, lead="+14155550002")
    await receive(cast.acme, lead="+14155550001", body="Are you there?")
    await answer(cast.acme, one, None, minutes=1)
    await answer(cast.acme, one, cast.bob, minutes=10)
    await answer(cast.acme, one, cast.alice, minutes=50)
    await answer(cast.acme, two, cast.alice, minutes=30, status="failed")
    found = await read(cast.acme)
    assert found.totals.response.count == 2
    assert found.totals.response.median == pytest.approx(20 * 60, abs=30)
    assert found.totals.response.slow == pytest.approx(28 * 60, abs=30)
    assert (found.totals.messages_in, found.totals.messages_out, found.totals.delivered, found.totals.failed) == (
        3, 4, 3, 1,
    )  # fmt: skip
    people = {person.name: (person.sent, person.response.count) for person in found.people}
    assert people == {"Alice Archer": (2, 1), "Bob Baker": (1, 1)}


async def test_closing_counts_from_the_last_opening(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    event = (
        "insert into thread_event"
        " (tenant_id, id, conversation_id, kind, actor_id, actor_name, subject_name, created_at)"
        " values (:tenant, :id, :thread, :kind, :who, 'Bob Baker', '', now() + make_interval(mins => :minutes))"
    )
    for kind, minutes in (("closed", 10), ("reopened", 20), ("closed", 25)):
        values = {"id": uuid7(), "thread": thread, "kind": kind, "minutes": minutes, "who": cast.bob.user_id}
        await run(cast.acme, event, **values)
    found = await read(cast.acme)
    assert found.totals.closing.count == 2
    assert found.totals.closing.median == pytest.approx((10 + 5) / 2 * 60, abs=30)
    assert [(person.name, person.closed) for person in found.people] == [("Bob Baker", 2)]


async def test_calls_are_missed_until_answered_and_returned_once_followed_up(cast: Cast) -> None:
    calls = [await receive(cast.acme, kind="voicemail", lead=f"+1415555000{n}") for n in range(3)]
    await run(cast.acme, "update message set details = '{\"answered_seconds\": 9}' where id = :id", id=calls[0])
    handled = "update message set handled_at = now(), handled_by = :who, handled_by_name = 'Bob Baker' where id = :id"
    await run(cast.acme, handled, id=calls[1], who=cast.bob.user_id)
    found = await read(cast.acme)
    assert (found.totals.calls, found.totals.missed, found.totals.returned) == (3, 2, 1)
    assert found.totals.messages_in == 0
    assert [(person.name, person.calls) for person in found.people] == [("Bob Baker", 1)]


async def test_another_clients_rows_are_in_no_figure(cast: Cast) -> None:
    before = await read(cast.globex)
    thread = await open_thread(cast.acme)
    await answer(cast.acme, thread, cast.bob, minutes=5)
    await receive(cast.acme, kind="voicemail")
    await run(cast.acme, "update lead set opted_out_at = now() where tenant_id = :tenant")
    ours, theirs = await read(cast.acme), await read(cast.globex)
    assert theirs == before
    assert (ours.totals.opted_out, ours.totals.new_leads, ours.totals.calls) == (1, 1, 1)
    assert sum(stage.leads for stage in ours.stages) == 1
    # With the wall alone: a session of Globex that asks for Acme's figures.
    async with db.tenant_session(cast.globex.tenant_id) as session:
        asked = await queries.figures(session, cast.acme.tenant_id, ours.period)
    assert asked.totals == before.totals
    assert (asked.traffic, asked.people, asked.stages) == ((), (), ())


async def test_the_file_holds_the_figures_and_no_formula(cast: Cast) -> None:
    await open_thread(cast.acme)
    await run(cast.acme, "update lead_stage set name = '=1+1' where tenant_id = :tenant and name = 'New'")
    rows = list(csv.reader(io.StringIO("".join(csv_file.lines(await read(cast.acme))))))
    assert ["Messages in", "", "", "1", "0"] in rows
    assert next(row for row in rows if row[0] == "Leads in stage") == ["Leads in stage", "'=1+1", "", "1", ""]
    assert {len(row) for row in rows} == {len(csv_file.COLUMNS)}


async def test_the_page_shows_and_changes_what_belongs_to_its_reader(cast: Cast) -> None:
    await open_thread(cast.acme)
    bob, alice = await sign_in(cast.bob), await sign_in(cast.alice)
    state = await bob.call(InsightState.load)
    assert (state.tiles[0].name, state.tiles[0].value, state.days, len(state.bars)) == ("Messages in", "1", "30", 30)
    assert (await bob.call(InsightState.choose_days, str(uuid4()))).days == "30"
    state = await bob.call(InsightState.choose_own, {"first": "2026-01-02", "last": "2026-01-01"})
    assert (state.first_error, state.last_error, state.days) == ("", "The last day is before the first.", "30")
    state = await bob.call(InsightState.choose_own, {"first": "2026-01-01", "last": "2026-03-31"})
    assert ([bar["day"] for bar in state.bars][:2], state.tiles[0].value) == (["Week of 1 Jan", "Week of 8 Jan"], "0")
    assert (await bob.call(InsightState.set_timezone, "Europe/Berlin")).timezone_error != ""
    assert (await alice.call(InsightState.load)).timezone == "UTC"
    assert (await alice.call(InsightState.set_timezone, "Mars/Base")).timezone_error == "Choose a time zone."
    assert (await alice.call(InsightState.set_timezone, "Europe/Berlin")).timezone == "Europe/Berlin"
    assert (await (await sign_in(cast.charlie)).call(InsightState.load)).timezone == "UTC"


async def test_figures_that_take_too_long_are_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = await sign_in(cast.bob)
    monkeypatch.setattr(queries, "NEW_LEADS", text("select count(*) from pg_sleep(:days), lead").bindparams(days=1))
    monkeypatch.setattr(queries, "LONGEST_SECONDS", 0.05)
    state = await tab.call(InsightState.load)
    assert (state.is_loaded, state.trouble.split(".")[0]) == (True, "The figures could not be read just now")
    monkeypatch.undo()
    assert (await tab.call(InsightState.load)).trouble == ""
