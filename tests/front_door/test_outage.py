"""The database goes away in every way it can: what is answered 2xx is never lost, and enters once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from tenant_portal import database_setup, db
from tenant_portal.config import settings
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.front_door.line import FAILURES_TO_OPEN, PROBE_SECONDS, Breaker
from tenant_portal.webhook_routes import lifespan, webhook_app
from tests.cast import Cast, enter_cast
from tests.front_door.test_quarantine import fill
from tests.webhook_client import Portal, call, sid, text_message

Switch = Callable[[bool], None]


@pytest.fixture(autouse=True)
def own_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test, with the keys of all."""
    keys = settings().data_dir / "secret_keys"
    assert settings().keys
    (tmp_path / "secret_keys").write_text(keys.read_text())
    monkeypatch.setitem(settings().__dict__, "data_dir", tmp_path)
    return tmp_path / "spool"


@pytest.fixture
def database_there(server_url: str, admin_url: str) -> Switch:
    """Takes this test's database away (every connection cut, none let in) and gives it back."""
    name = urlsplit(admin_url).path[1:]

    def switch(there: bool) -> None:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("alter database {} allow_connections {}").format(sql.Identifier(name), there))
            if not there:
                server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))

    return switch


async def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.05)


async def flushed(portal: Portal, spool: Path) -> None:
    """Wait until nothing waits on the disk."""
    await until(lambda: portal.door.spool.is_empty and not list(spool.glob("*.spool")))


async def send(portal: Portal, cast: Cast, count: int, **changes: str) -> list[str]:
    """Messages one after the other; the SIDs of those that were acknowledged."""
    acknowledged = []
    for _ in range(count):
        form = text_message(cast.acme, **changes)
        if (await portal.post("sms", cast.acme, form)).status_code == 200:
            acknowledged.append(form["MessageSid"])
    return acknowledged


async def stored(portal: Portal) -> list[str]:
    return [row["provider_sid"] for row in await portal.rows("select provider_sid from message order by id")]


async def test_an_outage_loses_nothing_and_keeps_the_order(
    portal: Portal, cast: Cast, database_there: Switch, own_spool: Path
) -> None:
    before = await send(portal, cast, 3)
    database_there(False)
    during = await send(portal, cast, 20)
    assert len(during) == 20
    assert not portal.door.spool.is_empty
    database_there(True)
    await flushed(portal, own_spool)
    after = await send(portal, cast, 3)
    assert await stored(portal) == before + during + after


async def test_the_token_cache_outlives_the_database(portal: Portal, cast: Cast, database_there: Switch) -> None:
    await send(portal, cast, 1)
    database_there(False)
    forged = await portal.post("sms", cast.acme, text_message(cast.acme), token=cast.globex.auth_token)
    assert forged.status_code == 403
    assert (await portal.post("sms", cast.acme, text_message(cast.acme))).status_code == 200
    database_there(True)


async def test_what_cannot_be_verified_is_verified_before_it_enters(
    portal: Portal, cast: Cast, database_there: Switch, own_spool: Path
) -> None:
    database_there(False)
    await until(lambda: not portal.door.accounts.is_listening)
    stranger = sid("AC")
    url = f"/api/webhooks/sms?account={stranger}"
    answers = [
        await portal.post("sms", cast.acme, text_message(cast.acme, Body="true")),
        await portal.post("sms", cast.acme, text_message(cast.acme, Body="forged"), token=cast.globex.auth_token),
        await portal.send(url, text_message(cast.acme, AccountSid=stranger), "x"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    database_there(True)
    await flushed(portal, own_spool)
    assert [row["body"] for row in await portal.rows("select body from message")] == ["true"]
    assert await portal.refusals() == {"signature": 1, "unknown-account": 1}
    assert [row["reason"] for row in await portal.held()] == ["unknown-account"]


async def test_a_process_that_dies_leaves_its_spool_to_the_next(
    cast: Cast, admin_url: str, database_there: Switch, own_spool: Path
) -> None:
    async with opened(admin_url) as first:
        await send(first, cast, 1)
        database_there(False)
        during = await send(first, cast, 5)
    database_there(True)
    assert len(list(own_spool.glob("*.spool"))) == 1
    async with opened(admin_url) as second:
        await until(lambda: not list(own_spool.glob("*.spool")))
        assert set(during) <= set(await stored(second))


@asynccontextmanager
async def opened(admin_url: str) -> AsyncIterator[Portal]:
    """One more process with its front door."""
    async with lifespan() as door:
        transport = httpx.ASGITransport(webhook_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://portal") as http:
            yield Portal(http, door, admin_url)


async def test_a_caller_during_an_outage_is_recorded(
    portal: Portal, cast: Cast, database_there: Switch, own_spool: Path
) -> None:
    database_there(False)
    form = call(cast.acme)
    answer = await portal.post("voicemail", cast.acme, form)
    assert (answer.status_code, "<Record" in answer.text) == (200, True)
    path = answer.text.partition("/voicemail/")[2].partition("/")[0]
    told = {
        "CallSid": form["CallSid"],
        "AccountSid": cast.acme.account_sid,
        "RecordingSid": sid("RE"),
        "RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC/Recordings/RE",
        "RecordingStatus": "completed",
    }
    assert (await portal.post(f"voicemail/{path}/recording", cast.acme, told)).status_code == 204
    database_there(True)
    await flushed(portal, own_spool)
    assert (await portal.row("select m.id::text from voicemail v join message m on m.id = v.message_id"))["id"] == path


async def test_a_database_that_hangs_costs_one_deadline_and_nothing_twice(
    portal: Portal, cast: Cast, admin_url: str, own_spool: Path
) -> None:
    known = await send(portal, cast, 1)
    async with await psycopg.AsyncConnection.connect(admin_url) as blocker:
        await blocker.execute("lock table message in access exclusive mode")
        begun = time.monotonic()
        forms = [text_message(cast.acme) for _ in range(30)]
        answers = await asyncio.gather(*(portal.post("sms", cast.acme, form) for form in forms))
        assert {answer.status_code for answer in answers} == {200}
        assert time.monotonic() - begun < 6
        await blocker.rollback()
    await flushed(portal, own_spool)
    assert sorted(await stored(portal)) == sorted(known + [form["MessageSid"] for form in forms])


async def test_where_nothing_can_be_kept_twilio_is_asked_to_come_again(
    portal: Portal, cast: Cast, database_there: Switch, own_spool: Path
) -> None:
    await send(portal, cast, 1)
    database_there(False)
    own_spool.write_text("a file where the folder should be")
    assert (await portal.post("sms", cast.acme, text_message(cast.acme))).status_code == 503
    answer = await portal.post("voicemail", cast.acme, call(cast.acme))
    assert (answer.status_code, "<Say" in answer.text, "<Record" in answer.text) == (200, True, False)
    database_there(True)
    await eventually(portal, cast, 200)
    assert (await portal.refusals())["spool-full"] >= 2


async def test_what_was_acknowledged_waits_aside_where_the_quarantine_is_full(
    portal: Portal, cast: Cast, admin_url: str, database_there: Switch, own_spool: Path
) -> None:
    known = await send(portal, cast, 1)
    await fill(admin_url, 5000, cast.acme.account_sid, is_signed=True)
    database_there(False)
    during = [*await send(portal, cast, 1, To="+15005550001"), *await send(portal, cast, 2)]
    database_there(True)
    await flushed(portal, own_spool)
    assert await stored(portal) == known + during[1:]
    (aside,) = own_spool.iterdir()
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute("delete from quarantined_request")
    aside.rename(aside.with_suffix(".spool"))
    await flushed(portal, own_spool)
    assert [row["reason"] for row in await portal.held()] == ["unknown-number"]


async def test_refusals_counted_during_an_outage_are_written_after_it(
    portal: Portal, cast: Cast, database_there: Switch
) -> None:
    await send(portal, cast, 1)
    database_there(False)
    for _ in range(3):
        await portal.post("sms", cast.acme, text_message(cast.acme), token="0" * 32)
    await asyncio.sleep(1.2)
    database_there(True)
    await until(lambda: portal.door.accounts.is_listening)
    await asyncio.sleep(PROBE_SECONDS)
    assert await portal.refusals() == {"signature": 3}


async def test_a_suspension_during_an_outage_of_notices_is_seen_after_it(
    portal: Portal, cast: Cast, server_url: str, admin_url: str, database_there: Switch
) -> None:
    await send(portal, cast, 1)
    database_there(False)
    await until(lambda: not portal.door.accounts.is_listening)
    database_there(True)
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute("alter table tenant disable trigger user")
        await connection.execute("update tenant set state = 'suspended'")
    await eventually(portal, cast, 403)


async def eventually(portal: Portal, cast: Cast, status: int) -> None:
    """Wait until a message is answered so."""
    for _ in range(40):
        if (await portal.post("sms", cast.acme, text_message(cast.acme))).status_code == status:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no message was answered {status}")


async def test_the_whole_server_stopped_and_started_again(tmp_path: Path, own_spool: Path) -> None:
    server = EmbeddedServer(tmp_path / "server")
    server.start()
    admin = database_setup.create_database(server.admin_url)
    db.use_database(database_setup.prepare(admin))
    cast = await enter_cast()
    async with opened(admin) as portal:
        before = await send(portal, cast, 2)
        await db.close()
        server.stop()
        during = await send(portal, cast, 10)
        server.start()
        await flushed(portal, own_spool)
        assert await stored(portal) == before + during
    await db.close()
    server.stop()


def test_the_breaker_opens_after_three_failures_in_a_row_and_lets_one_probe_through() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.note(worked=False)
    assert breaker.lets_through()
    breaker.note(worked=False)
    assert not breaker.lets_through()
    time.sleep(PROBE_SECONDS)
    assert [breaker.lets_through(), breaker.lets_through()] == [True, False]
    breaker.note(worked=True)
    assert breaker.lets_through()
