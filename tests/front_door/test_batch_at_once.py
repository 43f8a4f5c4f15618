"""A batch stored at once ends like the same requests one after the other, and each row at its own client."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from tenant_portal.front_door import events
from tenant_portal.models.ids import uuid7
from tests.cast import Cast, Company
from tests.webhook_client import Portal, sid

pytestmark = pytest.mark.database
KNOWN = "select n from front_door.store_known(%s::jsonb) order by n"
PEOPLE = [f"+1415555{number:04d}" for number in range(6)]
# What a client has in the end, but for the ids and times that a second run cannot share.
STATE = """
select l.address, l.profile_name, l.place, l.opted_out_at is not null as opted_out, c.unread_count, c.message_count,
       c.preview, c.last_channel, c.last_direction, (select array_agg(m.body || m.media_count order by m.id)
                                                     from message m where m.conversation_id = c.id) as messages,
       (select sum(h.messages_in) from tenant_hour h where h.tenant_id = l.tenant_id) as counted
from lead l join conversation c on c.lead_id = l.id where l.tenant_id = %s order by 1"""


def row(company: Company, lead: str, **more: Any) -> events.Row:
    """A message from this person, as plain as it comes."""
    plain = {"body": "Hello", "preview": "Hello", "our_number": company.number} | more
    return events.message(
        tenant_id=company.tenant_id,
        message_id=uuid7(),
        kind="sms",
        provider_sid=sid("SM"),
        lead_address=lead,
        channel_number=plain["our_number"],
        lead_number=lead,
        **plain,
    )


@pytest_asyncio.fixture
async def superuser(admin_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A superuser's connection, for the roles that no process may sign in as."""
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        yield connection


async def act_as_intake(superuser: psycopg.AsyncConnection, *tenants: UUID) -> None:
    await superuser.execute("set role portal_intake")
    await superuser.execute("select set_config('app.tenant_ids', %s, false)", (",".join(map(str, tenants)),))


async def settled(superuser: psycopg.AsyncConnection, rows: Sequence[events.Row]) -> list[int]:
    """The numbers of the rows that are stored at once."""
    await superuser.execute("set role portal_app")
    found = await (await superuser.execute(KNOWN, (events.numbered(rows),))).fetchall()
    return [n for (n,) in found]


async def known(portal: Portal, *companies: Company) -> None:
    """Each of the people has written to each company before."""
    rows = [row(company, lead) for company in companies for lead in PEOPLE]
    await portal.door.events.line.call(events.STORE, (events.numbered(rows),))


async def test_what_is_plain_is_stored_at_once(portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection) -> None:
    await known(portal, cast.acme, cast.globex)
    rows = [row(company, lead) for lead in PEOPLE for company in (cast.acme, cast.globex)]
    assert await settled(superuser, rows) == list(range(len(rows)))


@pytest.mark.parametrize(
    "special",
    [
        {"profile_name": "Lea"},
        {"place": "Oslo"},
        {"opt_out": "stop"},
        {"media": [("https://api.twilio.com/x", "image/png")]},
        {"our_number": "+15550000000"},
    ],
    ids=str,
)
async def test_a_thread_with_something_special_keeps_its_order(
    portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection, special: dict[str, Any]
) -> None:
    await known(portal, cast.acme)
    odd = row(cast.acme, PEOPLE[0], **special)
    rows = [row(cast.acme, PEOPLE[0]), odd, row(cast.acme, PEOPLE[1]), row(cast.acme, PEOPLE[0])]
    assert await settled(superuser, rows) == [2]


def story(company: Company, seed: int) -> Iterator[events.Row]:
    """Sixty requests, some of them special in some way, some twice."""
    chance = random.Random(seed)
    last = row(company, PEOPLE[0])
    for number in range(60):
        more = chance.choice(
            [
                *[{}] * 8,
                {"profile_name": chance.choice(["Lea", "Leo"])},
                {"place": "Oslo, NO"},
                {"opt_out": chance.choice(["stop", "start"])},
                {"media": [("https://api.twilio.com/x", "image/png")]},
            ]
        )
        repeats = chance.random() < 0.1
        last = last if repeats else row(company, chance.choice(PEOPLE), body=str(number), preview=str(number), **more)
        yield last


@pytest.mark.parametrize("seed", range(6))
async def test_a_batch_ends_like_the_same_requests_one_by_one(portal: Portal, cast: Cast, seed: int) -> None:
    together, alone = list(story(cast.acme, seed)), list(story(cast.globex, seed))
    chance = random.Random(seed)
    while together:
        size = chance.randint(1, 30)
        await portal.door.events.line.call(events.STORE, (events.numbered(together[:size]),))
        del together[:size]
    for single in alone:
        await portal.door.events.line.call(events.STORE, (events.numbered([single]),))
    acme, globex = [await portal.rows(STATE, company.tenant_id) for company in (cast.acme, cast.globex)]
    assert acme == globex
    assert sum(len(one["messages"]) for one in acme) == acme[0]["counted"] > 40


async def test_both_clients_rows_of_one_batch_land_at_home(portal: Portal, cast: Cast) -> None:
    await known(portal, cast.acme, cast.globex)
    rows = [row(company, lead, body=company.name) for lead in PEOPLE for company in (cast.acme, cast.globex)]
    await portal.door.events.line.call(events.STORE, (events.numbered(rows),))
    found = await portal.rows(
        "select t.name, m.body, count(*), count(distinct c.lead_id) as people from message m"
        " join conversation c on c.id = m.conversation_id join lead l on l.id = c.lead_id and l.tenant_id = m.tenant_id"
        " join tenant t on t.id = m.tenant_id where m.body <> 'Hello' group by 1, 2 order by 1"
    )
    assert [tuple(one.values()) for one in found] == [("Acme", "Acme", 6, 6), ("Globex", "Globex", 6, 6)]


async def test_two_processes_batches_in_opposite_order_do_not_block_each_other(portal: Portal, cast: Cast) -> None:
    await known(portal, cast.acme, cast.globex)
    stores = [events.EventStore(), events.EventStore()]
    companies = [cast.acme, cast.globex]
    try:
        for _ in range(10):
            waiting = []
            for store, order in zip(stores, (companies, companies[::-1]), strict=True):
                waiting += [store.store(row(company, lead)) for company in order for lead in PEOPLE]
            outcomes = [await one for one in waiting]
            assert {outcome.outcome for outcome in outcomes} == {"stored"}
    finally:
        for store in stores:
            await store.line.close()


async def test_the_intake_sees_the_clients_of_its_batch_and_nobody_else(
    portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection
) -> None:
    await known(portal, cast.acme, cast.globex)
    await act_as_intake(superuser, cast.acme.tenant_id)
    for table in ("channel", "lead", "conversation", "message"):
        query = sql.SQL("select distinct tenant_id from {}").format(sql.Identifier(table))
        assert await (await superuser.execute(query)).fetchall() == [(cast.acme.tenant_id,)], table


async def test_the_intake_sees_nothing_without_a_batch(
    portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection
) -> None:
    await known(portal, cast.acme)
    await superuser.execute("set role portal_intake")
    assert await (await superuser.execute("select count(*) from lead")).fetchone() == (0,)


INSERT = """insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, body, our_number,
    lead_number, media_count, details, author_name, created_at, status_at)
    values (%s, gen_random_uuid(), gen_random_uuid(), 'sms', 'in', 'received', '', '', '', 0, '{}', '', now(), now())"""


@pytest.mark.parametrize(
    "statement",
    [
        "select body from message",
        "select name from lead",
        "update message set body = ''",
        "delete from message",
        "update lead set place = ''",
        "select * from voicemail",
        "select * from subaccount",
        "select * from portal_user",
    ],
)
async def test_the_intake_may_do_no_more_than_its_work(
    portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection, statement: str
) -> None:
    await act_as_intake(superuser, cast.acme.tenant_id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await superuser.execute(statement)


async def test_the_intake_cannot_write_at_a_client_outside_its_batch(
    portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection
) -> None:
    await act_as_intake(superuser, cast.acme.tenant_id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        await superuser.execute(INSERT, (cast.globex.tenant_id,))


async def test_a_message_cannot_enter_the_thread_of_another_client_of_the_batch(
    portal: Portal, cast: Cast, superuser: psycopg.AsyncConnection
) -> None:
    await known(portal, cast.acme, cast.globex)
    await act_as_intake(superuser, cast.acme.tenant_id, cast.globex.tenant_id)
    theirs = await (
        await superuser.execute("select id from conversation where tenant_id = %s", (cast.globex.tenant_id,))
    ).fetchone()
    assert theirs
    statement = INSERT.replace("gen_random_uuid(), 'sms'", "%s, 'sms'")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await superuser.execute(statement, (cast.acme.tenant_id, theirs[0]))


async def test_no_process_may_act_as_the_intake(portal: Portal, admin_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute("set session authorization portal_web")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("set role portal_intake")
