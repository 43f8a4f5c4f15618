"""Stored once, together, in order, and never at the neighbour's cost."""

import asyncio
import json
from uuid import RFC_4122, uuid4

import psycopg
import pytest

from tenant_portal.front_door import events
from tenant_portal.front_door.batcher import Batcher
from tenant_portal.models.ids import uuid7
from tests.cast import Cast, Company
from tests.webhook_client import LEAD, Portal, address, sid, text_message


async def test_a_message_sent_fifty_times_at_once_is_stored_once(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, NumMedia="1", MediaUrl0="https://api.twilio.com/x", MediaContentType0="image/png")
    answers = await asyncio.gather(*(portal.post("sms", cast.acme, form) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert await portal.counts() == {
        "lead": 1,
        "conversation": 1,
        "message": 1,
        "media": 1,
        "voicemail": 0,
        "tenant_hour": 1,
    }
    assert (await portal.row("select unread_count, message_count from conversation")) == {
        "unread_count": 1,
        "message_count": 1,
    }
    assert (await portal.row("select messages_in from tenant_hour"))["messages_in"] == 1
    assert len(await portal.rows("select from jobs.procrastinate_jobs where task_name = 'inbox.fetch_media'")) == 1


async def test_two_processes_with_the_same_message_store_it_once(portal: Portal, cast: Cast) -> None:
    rows = [row_for(cast.acme, sid("SM")) for _ in range(20)]
    stores = [events.EventStore(), events.EventStore()]
    outcomes = await asyncio.gather(*(store.store(row) for row in rows for store in stores))
    assert sorted(outcome.outcome for outcome in outcomes) == ["duplicate"] * 20 + ["stored"] * 20
    assert (await portal.row("select message_count from conversation"))["message_count"] == 20
    for store in stores:
        await store.line.close()


def row_for(company: Company, message_sid: str, **changes: object) -> events.Row:
    return events.message(
        tenant_id=company.tenant_id,
        message_id=uuid4(),
        kind="sms",
        provider_sid=message_sid,
        lead_address=LEAD,
        channel_number=company.number,
        our_number=company.number,
        lead_number=LEAD,
        body="Hello",
        preview="Hello",
    ) | dict(changes)


async def test_both_clients_messages_of_one_commit_land_at_home(portal: Portal, cast: Cast) -> None:
    companies = [cast.acme, cast.globex] * 10
    rows = [row_for(company, sid("SM"), body=company.name) for company in companies]
    outcomes = await asyncio.gather(*map(portal.door.events.store, rows))
    assert {outcome.outcome for outcome in outcomes} == {"stored"}
    found = await portal.rows(
        "select t.name, m.body, count(*) from message m join tenant t on t.id = m.tenant_id group by 1, 2"
    )
    assert sorted((row["name"], row["body"], row["count"]) for row in found) == [
        ("Acme", "Acme", 10),
        ("Globex", "Globex", 10),
    ]


async def test_the_same_sid_at_two_clients_is_two_messages(portal: Portal, cast: Cast) -> None:
    same = sid("SM")
    for company in (cast.acme, cast.globex):
        await portal.post("sms", company, text_message(company, MessageSid=same))
    assert (await portal.counts())["message"] == 2


async def test_a_poisonous_row_does_not_take_its_neighbours_with_it(portal: Portal, cast: Cast) -> None:
    forms = [text_message(cast.acme) for _ in range(9)] + [text_message(cast.acme, MessageSid="SM" + "0" * 40)]
    answers = await asyncio.gather(*(portal.post("sms", cast.acme, form) for form in forms))
    assert {answer.status_code for answer in answers} == {200}
    assert (await portal.counts())["message"] == 9
    (held,) = await portal.held()
    assert (held["reason"], held["is_signed"]) == ("processing-fault", True)
    assert portal.door.spool.is_empty


async def test_what_arrives_during_a_commit_shares_the_next_one() -> None:
    calls: list[list[int]] = []

    async def work(items: list[int]) -> list[int]:
        calls.append(list(items))
        await asyncio.sleep(0.01)
        return [item * 2 for item in items]

    batcher: Batcher[int, int] = Batcher(work, 4)  # type: ignore[arg-type]
    first = asyncio.create_task(batcher.submit(0))
    await asyncio.sleep(0)
    rest = asyncio.gather(*(batcher.submit(number) for number in range(1, 8)))
    assert [await first, *await rest] == [0, 2, 4, 6, 8, 10, 12, 14]
    assert calls == [[0], [1, 2, 3, 4], [5, 6, 7]]


async def test_a_call_that_fails_tells_all_its_waiters_and_the_next_one_works() -> None:
    async def work(items: list[int]) -> list[int]:
        if 1 in items:
            raise ValueError("one")
        return items

    batcher: Batcher[int, int] = Batcher(work, 8)  # type: ignore[arg-type]
    failed = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)
    assert [type(error) for error in failed] == [ValueError, ValueError]
    assert await batcher.submit(3) == 3


async def test_a_client_that_hangs_up_does_not_stop_the_batch(portal: Portal, cast: Cast) -> None:
    leaving = asyncio.create_task(portal.door.events.store(row_for(cast.acme, sid("SM"))))
    staying = asyncio.create_task(portal.door.events.store(row_for(cast.acme, sid("SM"))))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).outcome == "stored"
    assert (await portal.counts())["message"] == 2


async def test_a_thread_keeps_the_order_of_one_batch(portal: Portal, cast: Cast) -> None:
    rows = [
        events.message(
            tenant_id=cast.acme.tenant_id,
            message_id=uuid,
            kind="sms",
            provider_sid=sid("SM"),
            lead_address=LEAD,
            channel_number=cast.acme.number,
            our_number="",
            lead_number="",
            body=str(n),
            preview=str(n),
        )
        for n, uuid in enumerate(sorted(uuid4() for _ in range(30)))
    ]
    await asyncio.gather(*map(portal.door.events.store, rows))
    found = await portal.rows("select body from message order by id")
    assert [row["body"] for row in found] == [str(n) for n in range(30)]
    assert (await portal.row("select preview from conversation"))["preview"] == "29"


async def test_one_commit_sends_one_notice_that_names_every_client(portal: Portal, cast: Cast, admin_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as listener:
        await listener.execute("listen portal_live")
        payload = events.numbered([row_for(company, sid("SM")) for company in (cast.acme, cast.globex) * 3])
        await portal.door.events.line.call(events.STORE, (payload,))
        notices = [notice.payload async for notice in listener.notifies(timeout=1, stop_after=1)]
    assert [set(notice.split(",")) for notice in notices] == [{str(cast.acme.tenant_id), str(cast.globex.tenant_id)}]


async def test_a_notice_that_names_many_clients_stays_below_the_limit(portal: Portal, admin_url: str) -> None:
    query = """with t as (insert into tenant (id, name, state, is_synthetic, created_at)
        select gen_random_uuid(), 'x', 'active', true, now() from generate_series(1, 256) returning id)
        insert into channel (tenant_id, id, kind, state, phone_number, country, monthly_price, config, attempts,
            created_at, changed_at)
        select id, id, 'sms', 'active', '+15550001', 'US', '', '{}', 0, now(), now() from t returning tenant_id"""
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        tenants = [row[0] for row in await (await connection.execute(query)).fetchall()]
    rows = [
        events.message(
            tenant_id=tenant,
            message_id=uuid4(),
            kind="sms",
            provider_sid="SM1",
            lead_address=LEAD,
            channel_number="+15550001",
            our_number="",
            lead_number="",
        )
        for tenant in tenants
    ]
    found = await portal.door.events.line.call(events.STORE, (events.numbered(rows),))
    assert {row[1] for row in found} == {"stored"}


async def test_a_message_of_a_running_test_ends_the_test_and_makes_no_lead(
    portal: Portal, cast: Cast, admin_url: str
) -> None:
    begin = "update channel set test_token = 'word-1', test_started_at = now() where kind = 'sms'"
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute(begin)
    response = await portal.post("sms", cast.acme, text_message(cast.acme, Body="Test of your connection: word-1"))
    assert response.status_code == 200
    assert (await portal.counts())["lead"] == 0
    done = await portal.rows("select test_result from channel where test_passed_at is not null")
    assert [row["test_result"] for row in done] == [f"{LEAD} sent: Test of your connection: word-1"]


async def test_a_channel_shows_when_its_last_webhook_came(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme))
    seen = await portal.rows("select tenant_id, kind from channel where last_webhook_at is not null")
    assert [(row["tenant_id"], row["kind"]) for row in seen] == [(cast.acme.tenant_id, "sms")]


STATEMENTS = [
    "select * from public.message",
    "select * from public.tenant",
    "select * from public.subaccount",
    "select * from public.quarantined_request",
    "select front_door.store_status(null, null)",
]


async def test_the_login_of_the_door_can_do_nothing_but_its_calls(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        for statement in STATEMENTS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement.encode())


async def test_ids_made_in_the_database_are_of_version_7_and_rise(portal: Portal, cast: Cast) -> None:
    begun = uuid7()
    for number in range(3):
        await portal.post("sms", cast.acme, text_message(cast.acme, From=f"+1415555010{number}"))
    ids = [row["id"] for row in await portal.rows("select id from lead order by created_at")]
    assert {(made.version, made.variant) for made in ids} == {(7, RFC_4122)}
    stamps = [made.int >> 80 for made in (begun, *ids, uuid7())]
    assert stamps == sorted(stamps)


def test_rows_are_numbered_for_their_answers() -> None:
    assert [row["n"] for row in json.loads(events.numbered([{"event": "x"}, {"event": "y"}]))] == [0, 1]


async def test_the_answer_comes_after_the_commit(portal: Portal, cast: Cast, admin_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url) as blocker:
        await portal.post("sms", cast.acme, text_message(cast.acme))
        await blocker.execute("select from conversation for update")
        waiting = asyncio.create_task(portal.post("sms", cast.acme, text_message(cast.acme)))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await blocker.rollback()
        assert (await waiting).status_code == 200
    assert (await portal.counts())["message"] == 2


async def test_a_number_in_a_messaging_service_is_found_by_its_number(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, MessagingServiceSid=sid("MG"))
    assert (await portal.send(address("sms", cast.acme), form, None)).status_code == 403
    assert (await portal.post("sms", cast.acme, form)).status_code == 200
    assert (await portal.row("select details from message"))["details"]["messaging_service"].startswith("MG")
