"""The parts of the simulated Twilio that misbehave on purpose, and those that make requests, one by one."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import ValidationError
from starlette.responses import Response

from tenant_portal.simulator.stand_in.documents import Unreadable, read
from tenant_portal.simulator.stand_in.faults import Fault, Faults
from tenant_portal.simulator.stand_in.records import Account, Call, Number, now
from tenant_portal.simulator.stand_in.samples import decoded, pictures, seconds
from tenant_portal.simulator.stand_in.shapes import iso8601, rfc2822
from tenant_portal.simulator.stand_in.store import Store
from tenant_portal.simulator.stand_in.webhooks import Outcome, Webhooks, overrides_of
from tenant_portal.simulator.stand_in.world import World
from tests.twilio.servers import FakePortal, xml

SID, OTHER = "AC" + "1" * 32, "AC" + "2" * 32
ACCOUNT = Account(sid=SID, account_sid=SID, friendly_name="Acme", auth_token="token", owner_sid=OTHER)
FORM = [("Body", "x"), ("ToCity", "")]


@pytest_asyncio.fixture
async def webhooks(portal: FakePortal) -> AsyncIterator[Webhooks]:
    sender = Webhooks(portal.origin)
    yield sender
    await sender.close()


@pytest_asyncio.fixture
async def world(tmp_path: Path, webhooks: Webhooks) -> AsyncIterator[World]:
    started = World(Store(tmp_path), webhooks, speed=1000)
    yield started
    await started.stop()


def fault(**what: object) -> Fault:
    return Fault.model_validate({"kind": "status", **what})


async def test_a_webhook_is_a_signed_form(webhooks: Webhooks, portal: FakePortal) -> None:
    outcome = await webhooks.deliver(ACCOUNT, portal.url("/w1"), "POST", FORM)
    [got] = portal.at("/w1")
    assert (outcome.ok, outcome.status, outcome.content_type) == (True, 200, "text/xml")
    assert got.pairs == FORM
    assert got.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert got.signed_with("token")


async def test_each_attempt_is_written_down(webhooks: Webhooks, portal: FakePortal) -> None:
    portal.answer("/w2", Response(status_code=503), xml(""))
    await webhooks.deliver(ACCOUNT, portal.url("/w2", "#rc=2&rp=5xx"), "POST", FORM)
    assert [(one.status, one.error_code) for one in webhooks.attempts] == [(503, 11200), (200, None)]
    assert {one.account_sid for one in webhooks.attempts} == {SID}
    assert all("#" not in one.url for one in webhooks.attempts)


@pytest.mark.parametrize(
    ("status", "cause", "count"), [(404, "4xx", 3), (404, "5xx", 1), (500, "all", 3), (500, "4xx", 1)]
)
async def test_only_the_named_causes_are_repeated(
    webhooks: Webhooks, portal: FakePortal, status: int, cause: str, count: int
) -> None:
    path = f"/w3/{status}/{cause}"
    portal.answer(path, Response(status_code=status))
    outcome = await webhooks.deliver(ACCOUNT, portal.url(path, f"#rc=2&rp={cause}"), "POST", FORM)
    assert (outcome.ok, len(portal.at(path))) == (False, count)


async def test_a_fallback_is_asked_once_and_may_fail_too(webhooks: Webhooks, portal: FakePortal) -> None:
    for path in ("/w4", "/w4b"):
        portal.answer(path, Response(status_code=500))
    outcome = await webhooks.deliver(ACCOUNT, portal.url("/w4"), "POST", FORM, portal.url("/w4b"))
    assert (outcome.ok, len(portal.at("/w4")), len(portal.at("/w4b"))) == (False, 1, 1)


async def test_a_fallback_is_not_asked_without_need(webhooks: Webhooks, portal: FakePortal) -> None:
    await webhooks.deliver(ACCOUNT, portal.url("/w5"), "POST", FORM, portal.url("/w5b"))
    assert portal.at("/w5b") == []


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/x",
        "http://192.168.0.1/x",
        "http://127.0.0.1.elsewhere.example/x",
        "file:///etc/passwd",
        "ftp://localhost/x",
        "http://[fd00::1]/x",
    ],
)
async def test_no_request_leaves_for_a_foreign_place(webhooks: Webhooks, url: str) -> None:
    assert (await webhooks.deliver(ACCOUNT, url, "POST", FORM)).error_code == 11100
    with pytest.raises(PermissionError):
        await webhooks.fetch(url)


async def test_a_redirect_to_a_foreign_place_is_not_followed(webhooks: Webhooks, portal: FakePortal) -> None:
    portal.answer("/w6", Response(status_code=307, headers={"Location": "https://elsewhere.example/x"}))
    assert (await webhooks.deliver(ACCOUNT, portal.url("/w6"), "POST", FORM)).error_code == 11100


async def test_a_file_is_fetched_with_its_type(webhooks: Webhooks, portal: FakePortal) -> None:
    portal.answer("/w7.png", Response(b"x", media_type="image/png; charset=binary"))
    assert await webhooks.fetch(portal.url("/w7.png")) == (b"x", "image/png")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "/w8"])
async def test_a_file_that_cannot_be_had_is_an_os_error(webhooks: Webhooks, portal: FakePortal, url: str) -> None:
    portal.answer("/w8", Response(status_code=403))
    with pytest.raises(OSError, match=r"."):
        await webhooks.fetch(url if url.startswith("http") else portal.url(url))


@pytest.mark.parametrize("name", ["ct", "rt", "tt"])
@pytest.mark.parametrize(("given", "seconds"), [("100", 0.1), ("1", 0.1), ("99999", None), ("-5", None), ("", None)])
def test_time_limits_stay_within_twilios(name: str, given: str, seconds: float | None) -> None:
    found = overrides_of(f"https://portal.example.com/x#{name}={given}")
    limits = {"ct": found.connect_seconds, "rt": found.read_seconds, "tt": found.total_seconds}
    assert limits[name] == (seconds or limits[name])
    assert 0.1 <= limits[name] <= 15


@pytest.mark.parametrize(
    ("waiting", "meets"),
    [
        (fault(), True),
        (fault(account_sid=SID), True),
        (fault(account_sid=OTHER), False),
        (fault(method="POST"), True),
        (fault(method="GET"), False),
        (fault(path_contains="Messages"), True),
        (fault(path_contains="Calls"), False),
    ],
)
def test_a_fault_meets_only_what_it_is_for(waiting: Fault, meets: bool) -> None:
    faults = Faults()
    faults.add(waiting)
    assert (faults.take({SID}, "POST", f"/2010-04-01/Accounts/{SID}/Messages.json") is not None) == meets


def test_a_fault_is_used_up() -> None:
    faults = Faults()
    faults.add(fault(times=2))
    assert [faults.take(set(), "GET", "/") is not None for _ in range(3)] == [True, True, False]


def test_the_oldest_fault_comes_first() -> None:
    faults = Faults()
    for status in (500, 503):
        faults.add(fault(status=status))
    assert [found.status for found in (faults.take(set(), "GET", "/"), faults.take(set(), "GET", "/")) if found] == [
        500,
        503,
    ]


@pytest.mark.parametrize("what", [{"kind": "explode"}, {"times": 0}, {"seconds": -1}, {"kind": "hang", "seconds": 1e9}])
def test_a_fault_that_makes_no_sense_is_refused(what: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        fault(**what)


async def test_a_link_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.new_link("file", "image/png").rpartition("/")[2]
    assert world.follow_link(name) == ("file", "image/png")
    monkeypatch.setattr("tenant_portal.simulator.stand_in.world.time.monotonic", lambda: 1e12)
    assert world.follow_link(name) is None


async def test_simulated_time_passes_faster(world: World) -> None:
    started = asyncio.get_running_loop().time()
    await world.wait(100)
    assert asyncio.get_running_loop().time() - started < 5


async def test_what_is_under_way_ends_with_the_world(world: World) -> None:
    done = []

    async def slow() -> None:
        try:
            await world.wait(1e9)
        finally:
            done.append(True)

    world.spawn(slow())
    await asyncio.sleep(0)
    await world.stop()
    assert done == [True]


async def test_a_phone_number_is_found_in_whichever_account(world: World) -> None:
    number = Number(
        sid="PN1", account_sid=OTHER, phone_number="+1415", friendly_name="x", country="US", number_type="local"
    )
    world.store.put(number)
    assert world.number("+1415") == number
    assert world.number("+1416") is None


@pytest.mark.parametrize(
    ("outcome", "code", "answered"),
    [
        (Outcome(error_code=11205), 11205, False),
        (Outcome(200, "text/plain", "<Response/>"), 12300, True),
        (Outcome(200, "", "<Response/>"), 12300, True),
        (Outcome(200, "text/xml", ""), 12100, True),
        (Outcome(200, "text/xml", " <?xml version='1.0'?><Response/>"), 12100, True),
        (Outcome(200, "text/xml", "<response/>"), 12100, True),
        (Outcome(200, "text/xml", "<Response>" + " " * 65536 + "</Response>"), 11750, True),
    ],
)
def test_a_document_is_read_strictly(outcome: Outcome, code: int, answered: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        read(outcome)
    assert (caught.value.code, caught.value.answered) == (code, answered)


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "text/html"])
def test_a_document_may_come_as_any_xml(content_type: str) -> None:
    outcome = Outcome(200, content_type, '<?xml version="1.0"?><Response><Say>x</Say></Response>', url="u")
    assert [verb.tag for verb in read(outcome).verbs] == ["Say"]


def test_times_are_written_as_each_api_does() -> None:
    moment = now().replace(year=2026, month=3, day=4, hour=5, minute=6, second=7)
    assert rfc2822(moment) == "Wed, 04 Mar 2026 05:06:07 +0000"
    assert rfc2822(None) is None
    assert iso8601(moment) == "2026-03-04T05:06:07Z"


def test_a_call_that_has_not_ended_has_no_length() -> None:
    call = Call(sid="CA1", account_sid=SID, from_="+1", to="+2", number_sid="PN1", started_at=now())
    assert call.seconds == 0


def test_the_sample_picture_is_a_picture() -> None:
    [(content_type, content), _] = pictures(2)
    assert (content_type, content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert len(content) < 100_000


@pytest.mark.parametrize("text", ["!", "abc", "eA"])
def test_a_file_that_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base64"):
        decoded([("image/png", text)])


def test_a_sound_is_at_least_a_second_long() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
    assert seconds(file.getvalue()) == 1
