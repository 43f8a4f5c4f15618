"""A missed caller gets one text: not twice, not at night, and not who was answered or must not be written to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.tenants import quiet_hours
from tenant_portal.voicemail import jobs, text_back
from tests.cast import Cast, Company
from tests.signed_in import person
from tests.voicemail.test_calls import Caller, configure, document, verbs
from tests.webhook_client import Portal, call, sid

TEXT = "Sorry we missed you. How can we help?"
LANDLINE, MOBILE = "+442071234567", "+447911123456"
NOON = datetime.now(ZoneInfo("America/Los_Angeles")).replace(hour=12, minute=0)
# The last one: its morning is less than a day away, whatever the time is now.
NIGHT = NOON.replace(hour=23) - timedelta(days=1)


def wanted(**changes: object) -> dict[str, Any]:
    """Settings with a text that may go at any time."""
    quiet = {"quiet_from": "00:00", "quiet_until": "00:00"}
    return {"text_back": {"is_on": True, "text": TEXT, "window_hours": 24} | quiet | changes}


async def missed(portal: Portal, company: Company, **form: str) -> Caller:
    """Somebody rings, hears the greeting and hangs up."""
    caller = Caller(portal, company)
    await caller.ring(**form)
    await caller.end()
    return caller


async def decide(company: Company, at: datetime | None = None) -> None:
    """Have everything decided that waits, as if it was due at this moment."""
    async with db.tenant_session(company.tenant_id) as session:
        ids = list(await session.scalars(text("select id from text_back where state = 'waiting' order by message_id")))
    for text_back_id in ids:
        async with db.tenant_session(company.tenant_id) as session:
            await text_back.decide(session, company.tenant_id, text_back_id, at or datetime.now(UTC))


async def decisions(portal: Portal) -> list[tuple[str, str]]:
    return [(row["state"], row["reason"]) for row in await portal.rows("select * from text_back order by message_id")]


async def texts(portal: Portal) -> list[dict[str, Any]]:
    return await portal.rows(
        "select tenant_id, our_number, lead_number, body, status, author_name, author_id from message"
        " where direction = 'out' order by id"
    )


async def test_a_missed_caller_gets_the_text_in_the_thread(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    await decide(cast.acme)
    assert await texts(portal) == [
        {
            "tenant_id": cast.acme.tenant_id,
            "our_number": cast.acme.number,
            "lead_number": "+14155550199",
            "body": TEXT,
            "status": "queued",
            "author_name": "Automatic text",
            "author_id": None,
        }
    ]
    (job,) = await portal.rows("select args from jobs.procrastinate_jobs where task_name = 'inbox.send_outbox'")
    assert job["args"] == {"tenant_id": str(cast.acme.tenant_id)}
    assert [row["action"] for row in await portal.rows("select action from audit_event")] == ["call:texted-back"]


async def test_the_end_told_often_and_decided_often_is_one_text(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    caller = await missed(portal, cast.acme)
    for sequence in ("0", "1", "0"):
        await caller.end(sequence)
        await decide(cast.acme)
    (row,) = await portal.rows("select id from text_back")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await text_back.decide(session, cast.acme.tenant_id, row["id"], datetime.now(UTC))
    assert len(await texts(portal)) == 1


async def test_the_job_is_woken_and_decides_what_is_due(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    woken = "select args, scheduled_at > now() as later from jobs.procrastinate_jobs where task_name = %s"
    (job,) = await portal.rows(woken, text_back.TASK)
    assert job == {"args": {"tenant_id": str(cast.acme.tenant_id)}, "later": True}
    await jobs.drain(cast.acme.tenant_id)
    assert await texts(portal) == []
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update text_back set due_at = now() - interval '1 minute'"))
    async with db.job_queue_session() as session:
        await session.execute(text("set local search_path = jobs, public"))
        await session.execute(text("delete from procrastinate_jobs"))
        assert await session.scalar(text("select jobs.sweep()")) == 1
    await jobs.drain(cast.acme.tenant_id)
    assert len(await texts(portal)) == 1


async def test_one_text_for_a_caller_in_the_window(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    for _ in range(3):
        await missed(portal, cast.acme)
        await decide(cast.acme)
    await missed(portal, cast.acme, From="+14155550777")
    await decide(cast.acme)
    soon = ("skipped", "This caller was sent the text a short while ago.")
    assert await decisions(portal) == [("sent", ""), soon, soon, ("sent", "")]
    await missed(portal, cast.acme)
    await decide(cast.acme, datetime.now(UTC) + timedelta(hours=25))
    assert (await decisions(portal))[-1] == ("sent", "")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("anonymous", "The caller's number is withheld."),
        (LANDLINE, "This number cannot receive texts: it is a landline or a service number."),
        ("+18005550199", "This number cannot receive texts: it is a landline or a service number."),
    ],
)
async def test_who_cannot_get_a_text(portal: Portal, cast: Cast, admin_url: str, number: str, reason: str) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme, From=number)
    await decide(cast.acme)
    assert await decisions(portal) == [("skipped", reason)]
    assert await texts(portal) == []


@pytest.mark.parametrize(("column", "word"), [("opted_out_at", "withdrawn consent"), ("blocked_at", "blocked")])
async def test_who_must_not_be_written_to_gets_none(
    portal: Portal, cast: Cast, admin_url: str, column: str, word: str
) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text(f"update lead set {column} = now()"))
    await decide(cast.acme)
    ((state, reason),) = await decisions(portal)
    assert (state, word in reason, await texts(portal)) == ("skipped", True, [])


async def test_at_night_it_waits_for_the_callers_morning(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted(quiet_from="21:00", quiet_until="08:00", window_hours=72))
    await missed(portal, cast.acme)
    await decide(cast.acme, NIGHT)
    row = await portal.row("select state, reason, due_at from text_back")
    assert (row["state"], row["reason"]) == ("waiting", text_back.AT_NIGHT)
    assert f"{row['due_at'].astimezone(NOON.tzinfo):%H:%M}" == "08:00"
    assert await texts(portal) == []
    await missed(portal, cast.acme)
    await decide(cast.acme, row["due_at"])
    assert [state for state, _ in await decisions(portal)] == ["sent", "skipped"]


async def test_the_quiet_hours_of_the_company_hold_it_back_too(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    there = datetime.now(NOON.tzinfo)
    night = {name: f"{there + timedelta(hours=by):%H:%M}" for name, by in (("start", -1), ("end", 1))}
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await quiet_hours.save(session, person(cast.alice), is_on=True, **night)
    await decide(cast.acme)
    assert (await decisions(portal), await texts(portal)) == ([("waiting", text_back.AT_NIGHT)], [])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await quiet_hours.save(session, person(cast.alice), is_on=False, start="", end="")
    await decide(cast.acme)
    assert [state for state, _ in await decisions(portal)] == ["sent"]


async def test_who_was_called_back_meanwhile_gets_none(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update message set handled_at = now()"))
    await decide(cast.acme)
    assert await decisions(portal) == [("skipped", "Your team has already looked after it.")]


async def test_turned_off_there_is_nothing_to_decide(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted(is_on=False))
    await missed(portal, cast.acme)
    assert await decisions(portal) == []
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    await configure(admin_url, {})
    await decide(cast.acme)
    assert await decisions(portal) == [("skipped", text_back.TURNED_OFF)]


async def test_the_other_client_sees_and_sends_nothing_of_it(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, wanted())
    await missed(portal, cast.acme)
    (row,) = await portal.rows("select id from text_back")
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await text_back.list_due(session, cast.globex.tenant_id, 10) == []
        assert await text_back.list_due(session, cast.acme.tenant_id, 10) == []
        await text_back.decide(session, cast.globex.tenant_id, row["id"], datetime.now(UTC))
        await text_back.decide(session, cast.acme.tenant_id, row["id"], datetime.now(UTC))
    assert (await decisions(portal), await texts(portal)) == ([("waiting", "")], [])


RING = {"ring": {"number": "+14155550300", "seconds": 15, "only_open": False}}


async def dialed(caller: Caller, status: str, **extra: str) -> Any:
    form = call(caller.company, CallSid=caller.call_sid, DialCallStatus=status, DialCallSid=sid("CA"), **extra)
    return await caller.portal.post(f"voicemail/{caller.path}/dialed", caller.company, form)


async def test_a_phone_rings_first_and_then_comes_the_greeting(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, RING | {"greeting": "We are out."})
    caller = Caller(portal, cast.acme)
    response = await caller.ring()
    assert verbs(response) == ["Dial"]
    (dial,) = document(response)
    assert (dial.attrib["timeout"], dial[0].tag, dial[0].text) == ("15", "Number", "+14155550300")
    assert "/dialed?account=" in dial.attrib["action"]
    response = await dialed(caller, "no-answer")
    assert verbs(response) == ["Redirect"]
    assert "/api/webhooks/voicemail/greeting?account=" in (document(response)[0].text or "")
    form = call(cast.acme, CallSid=caller.call_sid)
    response = await portal.post("voicemail/greeting", cast.acme, form)
    assert verbs(response) == ["Say", "Record", "Say", "Hangup"]
    assert document(response)[0].text == "We are out."
    assert (await portal.counts())["message"] == 1
    assert (await portal.row("select handled_at from message"))["handled_at"] is None


@pytest.mark.parametrize("order", ["dialed first", "end first"])
async def test_an_answered_call_is_no_missed_one(portal: Portal, cast: Cast, admin_url: str, order: str) -> None:
    await configure(admin_url, RING | wanted())
    caller = Caller(portal, cast.acme)
    await caller.ring()
    if order == "end first":
        await caller.end()
        await decide(cast.acme)
    assert verbs(await dialed(caller, "completed", DialCallDuration="42")) == ["Hangup"]
    await dialed(caller, "completed", DialCallDuration="42")
    await caller.end()
    row = await portal.row("select details, handled_at, handled_by from message where direction = 'in'")
    assert (row["details"]["answered_seconds"], row["handled_at"] is None, row["handled_by"]) == (42, False, None)
    await decide(cast.acme)
    assert await decisions(portal) == [("skipped", "The call was answered.")]
    assert await texts(portal) == []


async def test_after_a_failure_neither_file_nor_phone_stands_in_the_way(
    portal: Portal, cast: Cast, admin_url: str
) -> None:
    key = f"{UUID(int=1)}/{UUID(int=2)}"
    files = {"files": {"open": {"key": key, "ending": "mp3"}}}
    await configure(admin_url, RING | files | {"greeting": "Written words."})
    caller = Caller(portal, cast.acme)
    form = call(cast.acme, CallSid=caller.call_sid, ErrorCode="11200")
    response = await portal.post("voicemail/fallback", cast.acme, form)
    assert verbs(response) == ["Say", "Record", "Say", "Hangup"]
    assert document(response)[0].text == "Written words."


async def test_without_the_database_the_caller_hears_a_greeting(portal: Portal, cast: Cast, admin_url: str) -> None:
    caller = Caller(portal, cast.acme)
    await caller.ring()
    db.use_database("postgresql://portal_web@127.0.0.1:1/nothing")
    await portal.door.line.close()
    await portal.door.events.line.close()
    for path in ("voicemail", "voicemail/fallback"):
        response = await portal.post(path, cast.acme, call(cast.acme, CallSid=sid("CA")))
        assert verbs(response) == ["Say", "Record", "Say", "Hangup"]
    assert not portal.door.spool.is_empty


async def test_hours_decide_which_greeting(portal: Portal, cast: Cast, admin_url: str) -> None:
    never = {"timezone": "UTC", "week": [[] for _ in range(7)], "holidays": []}
    always = {**never, "week": [[["00:00", "24:00"]] for _ in range(7)]}
    both = {"greeting": "Open words", "closed_greeting": "Closed words", "voice": "Polly.Hans"}
    for hours, words in ((never, "Closed words"), (always, "Open words"), ({"timezone": 7}, "Open words")):
        await configure(admin_url, both | {"hours": hours})
        said = document(await Caller(portal, cast.acme).ring())[0]
        assert (said.text, said.attrib) == (words, {"voice": "Polly.Hans", "language": "de-DE"})
    await configure(admin_url, both | {"hours": never, **RING, "ring": RING["ring"] | {"only_open": True}})
    assert verbs(await Caller(portal, cast.acme).ring())[0] == "Say"
