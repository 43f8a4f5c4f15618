"""What could not be given to a client is sealed, kept once, bounded, and can be decided again."""

from uuid import UUID, uuid4

import psycopg
import pytest

from tenant_portal.crypto import CannotOpen, Place, unseal_bytes
from tenant_portal.errors import Conflict, NotFound
from tenant_portal.front_door import quarantine
from tenant_portal.front_door.line import Line
from tenant_portal.front_door.quarantine import Hold
from tenant_portal.front_door.received import Received
from tests.cast import Cast
from tests.webhook_client import Portal, address, sid, text_message


async def change(admin_url: str, query: str, *values: object) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute(query.encode(), values)


async def held_message(portal: Portal, cast: Cast, to: str = "+15005550001", **changes: str) -> UUID:
    """A signed message to a number that is no channel yet."""
    await portal.post("sms", cast.acme, text_message(cast.acme, To=to, **changes))
    return UUID(str((await portal.held())[-1]["id"]))


async def test_the_content_is_sealed_and_bound_to_its_row(portal: Portal, cast: Cast) -> None:
    await held_message(portal, cast, Body="canary-2231")
    (row,) = await portal.held()
    assert b"canary" not in row["request_sealed"]
    assert "canary" not in str({key: value for key, value in row.items() if key != "request_sealed"})
    place = Place("quarantined_request", "request_sealed", None, str(row["id"]))
    assert b"canary-2231" in Received.from_bytes(unseal_bytes(row["request_sealed"], place)).body
    with pytest.raises(CannotOpen):
        unseal_bytes(row["request_sealed"], Place("quarantined_request", "request_sealed", None, str(uuid4())))


async def test_a_repeat_and_its_fallback_are_kept_once(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, To="+15005550001")
    for path, extra in (("sms", {}), ("sms", {}), ("sms/fallback", {"ErrorCode": "11200", "ErrorUrl": "https://x"})):
        assert (await portal.post(path, cast.acme, form | extra)).status_code == 200
    assert len(await portal.held()) == 1
    assert await portal.refusals() == {"unknown-number": 3}


async def test_a_replay_gives_the_message_to_its_client(portal: Portal, cast: Cast, admin_url: str) -> None:
    request_id = await held_message(portal, cast, Body="late")
    still = await quarantine.replay(request_id, "Sam Smith")
    assert (still.settled, still.outcome) == (False, "unknown-number")
    await change(
        admin_url, "update channel set phone_number = '+15005550001' where tenant_id = %s", cast.acme.tenant_id
    )
    done = await quarantine.replay(request_id, "Sam Smith")
    assert (done.settled, done.outcome) == (True, "stored")
    message = await portal.row("select tenant_id, body from message")
    assert message == {"tenant_id": cast.acme.tenant_id, "body": "late"}
    (row,) = await portal.held()
    assert (row["state"], row["settled_by"], row["outcome"]) == ("replayed", "Sam Smith", "stored")


async def test_a_replayed_message_keeps_the_time_it_came(portal: Portal, cast: Cast, admin_url: str) -> None:
    request_id = await held_message(portal, cast)
    await portal.post("sms", cast.acme, text_message(cast.acme, Body="newer"))
    await change(
        admin_url, "update channel set phone_number = '+15005550001' where tenant_id = %s", cast.acme.tenant_id
    )
    await quarantine.replay(request_id, "Sam")
    assert [row["body"] for row in await portal.rows("select body from message order by id")] == ["Hello", "newer"]
    thread = await portal.row("select preview, message_count from conversation")
    assert thread == {"preview": "newer", "message_count": 2}


async def test_nothing_is_settled_twice(portal: Portal, cast: Cast) -> None:
    request_id = await held_message(portal, cast)
    await quarantine.discard(request_id, "Sam")
    for settle in (quarantine.discard, quarantine.replay):
        with pytest.raises(Conflict):
            await settle(request_id, "Sam")
        with pytest.raises(NotFound):
            await settle(uuid4(), "Sam")
    assert (await portal.held())[0]["request_sealed"] == b""


async def test_what_was_discarded_does_not_come_back(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, To="+15005550001")
    await portal.post("sms", cast.acme, form)
    await quarantine.discard((await portal.held())[0]["id"], "Sam")
    await portal.post("sms", cast.acme, form)
    assert [row["state"] for row in await portal.held()] == ["discarded"]


async def test_a_suspended_clients_message_waits_for_its_return(portal: Portal, cast: Cast, admin_url: str) -> None:
    await change(admin_url, "update tenant set state = 'suspended' where id = %s", cast.acme.tenant_id)
    assert (await portal.post("sms", cast.acme, text_message(cast.acme))).status_code == 403
    request_id = (await portal.held())[0]["id"]
    assert (await quarantine.replay(request_id, "Sam")).outcome == "not-active"
    await change(admin_url, "update tenant set state = 'active' where id = %s", cast.acme.tenant_id)
    assert (await quarantine.replay(request_id, "Sam")).settled


async def test_a_signature_that_was_right_stays_right(portal: Portal, cast: Cast, admin_url: str) -> None:
    request_id = await held_message(portal, cast)
    copy = """update subaccount a set auth_token_sealed = b.auth_token_sealed, account_sid = a.account_sid
        from subaccount b where a.tenant_id = %s and b.tenant_id = %s"""
    await change(admin_url, copy, cast.acme.tenant_id, cast.globex.tenant_id)
    assert (await quarantine.replay(request_id, "Sam")).outcome == "unknown-number"


async def unknown(portal: Portal, cast: Cast, token: str) -> UUID:
    """A request of an account that becomes Acme's afterwards, signed with `token`."""
    stranger = sid("AC")
    await portal.post("sms", _as(cast, stranger), text_message(cast.acme, AccountSid=stranger), token=token)
    return UUID(str((await portal.held())[-1]["id"]))


def _as(cast: Cast, account_sid: str) -> object:
    return type("Company", (), {"account_sid": account_sid, "auth_token": cast.acme.auth_token})


@pytest.mark.parametrize(("own", "outcome"), [(True, "stored"), (False, "signature")])
async def test_a_claimed_request_of_an_unknown_account_is_verified_before_it_enters(
    portal: Portal, cast: Cast, admin_url: str, own: bool, outcome: str
) -> None:
    request_id = await unknown(portal, cast, cast.acme.auth_token if own else cast.globex.auth_token)
    assert (await quarantine.replay(request_id, "Sam")).outcome == "unknown-account"
    claimed = (await portal.held())[0]["account_sid"]
    await change(admin_url, "update subaccount set account_sid = %s where tenant_id = %s", claimed, cast.acme.tenant_id)
    replayed = await quarantine.replay(request_id, "Sam")
    assert (replayed.outcome, replayed.settled) == (outcome, own)
    assert (await portal.counts())["message"] == int(own)


async def test_a_poisonous_request_stays_held(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme, MessageSid="SM" + "0" * 50))
    replayed = await quarantine.replay((await portal.held())[0]["id"], "Sam")
    assert (replayed.settled, replayed.outcome) == (False, "processing-fault")


async def fill(admin_url: str, count: int, account_sid: str, *, is_signed: bool) -> None:
    """Put so many requests, each of a source of its own, into quarantine."""
    query = """insert into quarantined_request (id, received_at, reason, kind, account_sid, is_signed, path,
        request_sealed, size_bytes, fingerprint, source, parameter_names, state)
        select gen_random_uuid(), now(), 'x', 'sms', %s, %s, '', '', 0, int8send(n), n::text, '', 'held'
        from generate_series(1, %s) n"""
    await change(admin_url, query, account_sid, is_signed, count)


async def test_unsigned_requests_are_bounded_by_source_and_in_all(portal: Portal, cast: Cast) -> None:
    line = Line()

    async def hold(number: int, source: str) -> bool:
        received = Received("sms", f"/x/{number}", "", b"AccountSid=x", None, source=source)
        return await quarantine.hold(line, Hold(received, "unknown-account", "AC1", is_signed=False))

    assert [await hold(number, "198.51.100.1") for number in range(51)] == [True] * 50 + [False]
    await fill(portal.admin_url, 950, "", is_signed=False)
    assert not await hold(1000, "198.51.100.2")
    await line.close()


async def test_signed_requests_are_bounded_by_account_and_then_refused(portal: Portal, cast: Cast) -> None:
    await fill(portal.admin_url, 5000, cast.acme.account_sid, is_signed=True)
    answers = [await portal.post("sms", who, text_message(who, To="+15005550001")) for who in (cast.acme, cast.globex)]
    assert [answer.status_code for answer in answers] == [503, 200]
    assert await portal.refusals() == {"quarantine-full": 1, "unknown-number": 1}


async def test_staff_cannot_read_what_is_sealed(portal: Portal, cast: Cast, admin_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute("set role portal_staff")
        await connection.execute("select id, reason, parameter_names from public.quarantined_request")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("select request_sealed from public.quarantined_request")


async def test_a_flood_of_unknown_accounts_waits_in_a_small_room(portal: Portal, cast: Cast) -> None:
    for _ in range(150):
        stranger = sid("AC")
        form = text_message(cast.acme, AccountSid=stranger)
        assert (await portal.send(f"/api/webhooks/sms?account={stranger}", form, "x")).status_code == 404
    assert len(await portal.held()) == 50
    assert (await portal.send(address("sms", cast.acme), text_message(cast.acme), "x")).status_code == 403
