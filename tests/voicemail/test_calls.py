"""A caller always hears something; what is recorded comes in any order, twice or never."""

from itertools import permutations
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tenant_portal import db
from tenant_portal.front_door.endpoints import Endpoint, open_door
from tenant_portal.front_door.events import Stored
from tenant_portal.front_door.limits import Limits
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.refusal import Refusals
from tenant_portal.voicemail import queries
from tests.cast import Cast, Company
from tests.webhook_client import LEAD, Portal, call, sid

QUICK = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


class Caller:
    """A call as Twilio tells of it, piece by piece."""

    def __init__(self, portal: Portal, company: Company) -> None:
        self.portal, self.company = portal, company
        self.call_sid, self.path = sid("CA"), str(uuid4())

    async def ring(self, **changes: str | None) -> Any:
        form = call(self.company, **{"CallSid": self.call_sid} | changes)
        return await self.portal.post("voicemail", self.company, form)

    async def tell(self, what: str, **extra: str) -> int:
        form = {"CallSid": self.call_sid, "AccountSid": self.company.account_sid} | extra
        return (await self.portal.post(f"voicemail/{self.path}/{what}", self.company, form)).status_code

    def url(self, recording: str) -> str:
        return f"https://api.twilio.com/2010-04-01/Accounts/{self.company.account_sid}/Recordings/{recording}"

    async def action(self, recording: str) -> int:
        return await self.tell(
            "action",
            RecordingSid=recording,
            RecordingUrl=self.url(recording),
            RecordingDuration="9",
            Digits="hangup",
            CallStatus="completed",
        )

    async def recorded(self, recording: str, status: str = "completed") -> int:
        return await self.tell(
            "recording",
            RecordingSid=recording,
            RecordingUrl=self.url(recording),
            RecordingStatus=status,
            RecordingDuration="7",
            RecordingSource="RecordVerb",
        )

    async def transcribed(self, recording: str, status: str = "completed") -> int:
        return await self.tell(
            "transcription",
            RecordingSid=recording,
            RecordingUrl=self.url(recording),
            TranscriptionSid=sid("TR"),
            TranscriptionStatus=status,
            TranscriptionText=f"text of {recording}" if status == "completed" else "",
        )

    async def end(self, sequence: str = "0", status: str = "completed") -> int:
        form = {
            "CallSid": self.call_sid,
            "AccountSid": self.company.account_sid,
            "CallStatus": status,
            "CallDuration": "23",
            "SequenceNumber": sequence,
        }
        return (await self.portal.post("voicemail/status", self.company, form)).status_code


def document(response: Any) -> ET.Element:
    """The TwiML of an answer."""
    return ET.fromstring(response.text)  # noqa: S314 - our own document


def verbs(response: Any) -> list[str]:
    """The verbs of a TwiML document, in order."""
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    assert response.text.startswith("<?xml")
    return [element.tag for element in document(response)]


def record(response: Any) -> dict[str, str]:
    element = document(response).find("Record")
    assert element is not None
    return element.attrib


async def voicemails(portal: Portal) -> list[dict[str, Any]]:
    query = """select v.recording_sid, v.recording_state, v.duration_seconds, v.transcript_state, v.transcript,
        f.source_url, f.state as media_state from voicemail v left join media f on f.id = v.media_id order by 1"""
    return await portal.rows(query)


async def configure(admin_url: str, config: Any) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute("update channel set config = %s where kind = 'voicemail'", (Jsonb(config),))


async def test_a_call_is_in_the_thread_and_hears_the_greeting(portal: Portal, cast: Cast) -> None:
    caller = Caller(portal, cast.acme)
    response = await caller.ring(CallerName="LEA LEAD", FromCity="OAKLAND")
    assert verbs(response) == ["Say", "Record", "Say", "Hangup"]
    message = await portal.row("select * from message")
    assert (message["channel_kind"], message["provider_sid"]) == ("voicemail", caller.call_sid)
    prefix = f"https://portal.example.com/api/webhooks/voicemail/{message['id']}"
    account = f"?account={cast.acme.account_sid}#rc=3&rp=5xx,ct,rt"
    assert record(response)["action"] == f"{prefix}/action{account}"
    assert record(response)["recordingStatusCallback"] == f"{prefix}/recording{account}"
    assert (await portal.row("select address, profile_name, source from lead")) == {
        "address": LEAD,
        "profile_name": "LEA LEAD",
        "source": "voicemail",
    }
    assert (await portal.row("select preview from conversation"))["preview"] == "Call"


async def test_the_channel_decides_what_is_said(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(
        admin_url, {"greeting": "Hi & <welcome>", "language": "en-GB", "max_seconds": 30, "transcribe": True}
    )
    response = await Caller(portal, cast.acme).ring()
    said = document(response).find("Say")
    assert said is not None
    assert (said.text, said.attrib["language"]) == ("Hi & <welcome>", "en-GB")
    assert (record(response)["maxLength"], record(response)["transcribe"]) == ("30", "true")
    assert "/transcription?" in record(response)["transcribeCallback"]


NONSENSE: list[Any] = [
    "text",
    [1],
    {"max_seconds": "soon"},
    {"max_seconds": -5},
    {"max_seconds": [1]},
    {"greeting": 7},
    {"greeting": "\x0b"},
    {"transcribe": "maybe"},
    {"language": {}},
]


@pytest.mark.parametrize("config", NONSENSE)
async def test_a_wrong_setting_does_not_leave_the_caller_in_silence(
    portal: Portal, cast: Cast, admin_url: str, config: Any
) -> None:
    await configure(admin_url, config)
    assert verbs(await Caller(portal, cast.acme).ring()) == ["Say", "Record", "Say", "Hangup"]


async def test_a_call_to_no_connected_number_hears_an_apology(portal: Portal, cast: Cast) -> None:
    response = await Caller(portal, cast.acme).ring(To="+15005550001")
    assert verbs(response) == ["Say", "Hangup"]
    assert [row["reason"] for row in await portal.held()] == ["unknown-number"]


async def test_a_call_that_cannot_be_stored_hears_an_apology(portal: Portal, cast: Cast) -> None:
    assert verbs(await Caller(portal, cast.acme).ring(CallSid="CA" + "0" * 40)) == ["Say", "Hangup"]
    assert [row["reason"] for row in await portal.held()] == ["processing-fault"]


class BrokenDoor:
    """A front door with a fault of ours in it."""

    refusals = Refusals()
    limits = Limits(100, 2000, 20)

    async def take(self, endpoint: Endpoint, received: Received) -> Stored:
        raise ZeroDivisionError


async def test_whatever_breaks_the_caller_hears_something(portal: Portal, cast: Cast) -> None:
    open_door(BrokenDoor())
    caller = Caller(portal, cast.acme)
    assert verbs(await caller.ring()) == ["Say", "Hangup"]
    form = {"CallSid": caller.call_sid, "AccountSid": cast.acme.account_sid}
    assert verbs(await portal.post(f"voicemail/{caller.path}/action", cast.acme, form)) == ["Say", "Hangup"]
    with pytest.raises(ZeroDivisionError):
        await portal.post(f"voicemail/{caller.path}/recording", cast.acme, form)


async def test_the_same_call_asked_twice_is_one_call_with_the_same_callbacks(portal: Portal, cast: Cast) -> None:
    caller = Caller(portal, cast.acme)
    first, second = await caller.ring(), await caller.ring()
    assert record(first) == record(second)
    assert (await portal.counts())["message"] == 1


@pytest.mark.parametrize("hidden", ["anonymous", "", "Restricted", "+266696687", "unavailable"])
async def test_each_call_without_a_number_is_a_person_of_its_own(portal: Portal, cast: Cast, hidden: str) -> None:
    callers = [Caller(portal, cast.acme), Caller(portal, cast.acme)]
    for caller in callers:
        await caller.ring(From=hidden)
    addresses = {row["address"] for row in await portal.rows("select address from lead")}
    assert addresses == {f"anonymous/{caller.call_sid}" for caller in callers}


async def test_a_call_by_sip_is_kept_by_its_address(portal: Portal, cast: Cast) -> None:
    await Caller(portal, cast.acme).ring(From="sip:lea@example.com")
    assert (await portal.row("select address from lead"))["address"] == "sip:lea@example.com"


async def test_a_recording_is_fetched_by_a_job(portal: Portal, cast: Cast) -> None:
    caller, recording = Caller(portal, cast.acme), sid("RE")
    await caller.ring()
    assert await caller.recorded(recording) == 204
    assert await voicemails(portal) == [
        {
            "recording_sid": recording,
            "recording_state": "completed",
            "duration_seconds": 7,
            "transcript_state": "none",
            "transcript": None,
            "source_url": f"{caller.url(recording)}.mp3",
            "media_state": "waiting",
        }
    ]
    (job,) = await portal.rows("select args from jobs.procrastinate_jobs where task_name = 'inbox.fetch_media'")
    assert job["args"] == {"tenant_id": str(cast.acme.tenant_id)}
    assert (await portal.row("select preview from conversation"))["preview"] == "Voicemail"
    assert (await portal.row("select media_count from message"))["media_count"] == 1


async def test_a_transcript_is_its_own_recordings(portal: Portal, cast: Cast) -> None:
    caller, first, second = Caller(portal, cast.acme), "RE" + "1" * 32, "RE" + "2" * 32
    await caller.ring()
    await caller.recorded(first)
    await caller.recorded(second)
    await caller.transcribed(second)
    assert [row["transcript"] for row in await voicemails(portal)] == [None, f"text of {second}"]


async def test_a_transcript_may_come_before_its_recording(portal: Portal, cast: Cast) -> None:
    caller, recording = Caller(portal, cast.acme), sid("RE")
    await caller.ring()
    await caller.transcribed(recording)
    await caller.recorded(recording)
    (row,) = await voicemails(portal)
    assert (row["transcript"], row["recording_state"]) == (f"text of {recording}", "completed")


STEPS = ("action", "recorded", "recorded", "transcribed", "end")


async def play(caller: Caller, recording: str, steps: tuple[str, ...]) -> None:
    for step in steps:
        await (caller.end() if step == "end" else getattr(caller, step)(recording))


async def test_every_order_of_callbacks_ends_alike(portal: Portal, cast: Cast) -> None:
    ends = set()
    for order in sorted(set(permutations(STEPS))):
        caller, recording = Caller(portal, cast.acme), sid("RE")
        await caller.ring()
        await play(caller, recording, order)
        (row,) = [row for row in await voicemails(portal) if row["recording_sid"] == recording]
        ends.add(str(row).replace(recording, "RE"))
    assert len(ends) == 1
    assert "completed" in ends.pop()


RECORDING_ENDS = st.sampled_from(["completed", "absent", "failed", "in-progress", "new-word"])


@given(
    told=st.lists(
        st.tuples(st.sampled_from(["recorded", "transcribed"]), RECORDING_ENDS) | st.just(("action", "")), max_size=6
    )
)
@QUICK
async def test_any_callbacks_end_at_the_most_that_was_told(
    portal: Portal, cast: Cast, told: list[tuple[str, str]]
) -> None:
    caller, recording = Caller(portal, cast.acme), sid("RE")
    await caller.ring()
    for step, status in told:
        await (caller.action(recording) if step == "action" else getattr(caller, step)(recording, status))
    rows = [row for row in await voicemails(portal) if row["recording_sid"] == recording]
    assert len(rows) == (1 if told else 0)
    states = [status for step, status in told if step == "recorded"]
    for state in ("completed", "failed", "absent"):
        if state in states:
            assert rows[0]["recording_state"] == state
            break
    if "completed" in states:
        assert rows[0]["source_url"] == f"{caller.url(recording)}.mp3"
    elif "absent" in states and "failed" not in states:
        assert rows[0]["source_url"] is None


async def test_without_any_callback_the_hint_is_fetched_later(portal: Portal, cast: Cast) -> None:
    caller, recording = Caller(portal, cast.acme), sid("RE")
    await caller.ring()
    assert await caller.action(recording) == 200
    row = await portal.row("select next_attempt_at > now() + interval '1 minute' as later, source_url from media")
    assert row == {"later": True, "source_url": f"{caller.url(recording)}.mp3"}
    await caller.recorded(recording)
    assert (await portal.row("select next_attempt_at <= now() as now from media"))["now"] is True


async def test_the_end_of_the_recording_says_goodbye(portal: Portal, cast: Cast) -> None:
    caller = Caller(portal, cast.acme)
    await caller.ring()
    form = {"CallSid": caller.call_sid, "AccountSid": cast.acme.account_sid, "RecordingUrl": caller.url(sid("RE"))}
    assert verbs(await portal.post(f"voicemail/{caller.path}/action", cast.acme, form)) == ["Say", "Hangup"]


async def test_a_call_without_a_recording_stays_a_call(portal: Portal, cast: Cast) -> None:
    caller = Caller(portal, cast.acme)
    await caller.ring()
    assert await caller.end() == 204
    assert await voicemails(portal) == []
    details = (await portal.row("select details from message"))["details"]
    assert (details["call_status"], details["call_seconds"]) == ("completed", 23)


async def test_an_older_call_status_does_not_overwrite_a_newer_one(portal: Portal, cast: Cast) -> None:
    caller = Caller(portal, cast.acme)
    await caller.ring()
    await caller.end("3", "completed")
    await caller.end("1", "in-progress")
    assert (await portal.row("select details from message"))["details"]["call_status"] == "completed"


@pytest.mark.parametrize("step", ["recorded", "transcribed", "action"])
async def test_another_clients_call_is_out_of_reach(portal: Portal, cast: Cast, step: str) -> None:
    theirs, mine = Caller(portal, cast.globex), Caller(portal, cast.acme)
    await theirs.ring()
    mine.call_sid, mine.path = theirs.call_sid, str((await portal.row("select id from message"))["id"])
    before = await portal.row("select * from message")
    await getattr(mine, step)(sid("RE"))
    assert await voicemails(portal) == []
    assert await portal.row("select * from message") == before
    assert [row["reason"] for row in await portal.held()] == ["unknown-call"]


async def test_a_recording_of_an_unknown_call_is_held(portal: Portal, cast: Cast) -> None:
    caller = Caller(portal, cast.acme)
    assert await caller.recorded(sid("RE")) == 204
    assert await caller.transcribed(sid("RE")) == 204
    assert [row["kind"] for row in await portal.held()] == ["recording", "transcription"]


async def test_a_recording_of_another_call_does_not_move(portal: Portal, cast: Cast) -> None:
    first, second, recording = Caller(portal, cast.acme), Caller(portal, cast.acme), sid("RE")
    for caller in (first, second):
        await caller.ring()
    await first.recorded(recording)
    await second.transcribed(recording)
    (row,) = await voicemails(portal)
    assert row["transcript"] is None


async def test_a_promised_transcript_is_expected(portal: Portal, cast: Cast, admin_url: str) -> None:
    await configure(admin_url, {"transcribe": True})
    caller, recording = Caller(portal, cast.acme), sid("RE")
    await caller.ring()
    await caller.recorded(recording)
    assert [row["transcript_state"] for row in await voicemails(portal)] == ["expected"]
    await caller.transcribed(recording, "failed")
    assert [row["transcript_state"] for row in await voicemails(portal)] == ["failed"]


async def test_a_page_reads_the_recordings_of_its_calls(portal: Portal, cast: Cast) -> None:
    caller, recording = Caller(portal, cast.acme), sid("RE")
    await caller.ring()
    await caller.recorded(recording)
    message_id: UUID = (await portal.row("select id from message"))["id"]
    async with db.tenant_session(cast.acme.tenant_id) as session:
        found = await queries.of_messages(session, cast.acme.tenant_id, [message_id, uuid4()])
    (row,) = found[message_id]
    assert (row.recording_state, row.duration_seconds, row.is_playable) == ("completed", 7, False)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await queries.of_messages(session, cast.globex.tenant_id, [message_id]) == {}
        assert await queries.of_messages(session, cast.acme.tenant_id, [message_id]) == {}
