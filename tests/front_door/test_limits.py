"""A signed webhook is stored, up to a high line; wrong ones from an address are cut short, right ones never."""

from typing import Any

import pytest

from tenant_portal.front_door.limits import BURST_SECONDS, FAILURE_BURST_SECONDS, Buckets, Limits
from tenant_portal.front_door.refusal import Refused
from tests.cast import Cast, Company
from tests.webhook_client import Portal, address, call, sid, text_message

HIGH = 10_000.0
# So low a rate that what is refilled during a test does not count; a burst of five is all there is.
FIVE_CLIENT = 5 / BURST_SECONDS
FIVE_ADDRESS = 5 / FAILURE_BURST_SECONDS


async def burst(portal: Portal, company: Company, times: int) -> list[int]:
    """Answers to so many signed messages of this company."""
    return [(await portal.post("sms", company, text_message(company))).status_code for _ in range(times)]


async def failures(portal: Portal, company: Company, times: int, signature: str | None = "x") -> list[int]:
    """Answers to so many forged messages."""
    url = address("sms", company)
    return [(await portal.send(url, text_message(company), signature)).status_code for _ in range(times)]


async def noted(portal: Portal) -> dict[tuple[str, str], float]:
    """(client, line) to how many seconds it still counts."""
    await portal.door.report()
    rows = await portal.rows(
        "select t.name, subject, extract(epoch from until - now())::float as seconds"
        " from throttle join tenant t on t.id = tenant_id"
    )
    return {(row["name"], row["subject"]): row["seconds"] for row in rows}


async def test_beyond_the_soft_line_every_message_is_stored(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, HIGH, HIGH)
    assert await burst(portal, cast.acme, 12) == [200] * 12
    assert (await portal.counts())["message"] == 12
    assert await portal.refusals() == {}


async def test_beyond_the_soft_line_the_jobs_are_told(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, HIGH, HIGH)
    await burst(portal, cast.acme, 5)
    assert await noted(portal) == {}
    await burst(portal, cast.acme, 1)
    ((who, seconds),) = (await noted(portal)).items()
    assert who == ("Acme", "webhooks:soft")
    assert 5 < seconds <= 10


async def test_beyond_the_flood_line_a_message_is_refused_and_counted(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT / 5, FIVE_CLIENT, HIGH)
    assert await burst(portal, cast.acme, 7) == [200] * 5 + [429] * 2
    assert (await portal.counts())["message"] == 5
    assert await portal.refusals() == {"flood": 2}
    assert set(await noted(portal)) == {("Acme", "webhooks:soft"), ("Acme", "webhooks:flood")}
    row = await portal.row("select account_sid from webhook_refusal")
    assert row["account_sid"] == cast.acme.account_sid


async def test_one_clients_flood_leaves_the_others_line_alone(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, FIVE_CLIENT, HIGH)
    await burst(portal, cast.acme, 20)
    assert await burst(portal, cast.globex, 5) == [200] * 5
    assert {name for name, _ in await noted(portal)} == {"Acme"}


async def test_a_flood_says_nothing_against_its_address(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, FIVE_CLIENT, FIVE_ADDRESS)
    await burst(portal, cast.acme, 20)
    assert await failures(portal, cast.acme, 5) == [403] * 5


async def test_a_caller_hears_an_apology_instead(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, FIVE_CLIENT, HIGH)
    answers = [await portal.post("voicemail", cast.acme, call(cast.acme)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert ["<Record" in answer.text for answer in answers] == [True] * 5 + [False]
    assert await portal.refusals() == {"flood": 1}


async def test_what_was_spooled_is_let_in_whatever_the_line(
    portal: Portal, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, FIVE_CLIENT, HIGH)
    await burst(portal, cast.acme, 1)
    with monkeypatch.context() as away:
        away.setattr(portal.door.events.line.breaker, "lets_through", lambda: False)
        assert await burst(portal, cast.acme, 4) == [200] * 4
    assert await burst(portal, cast.acme, 1) == [429]
    await portal.door.flush()
    assert (await portal.counts())["message"] == 5


async def test_a_suspended_clients_flood_is_refused_before_it_is_kept(
    portal: Portal, cast: Cast, admin_url: str
) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, FIVE_CLIENT, HIGH)
    await portal.rows("update tenant set state = 'suspended' where id = %s returning id", cast.acme.tenant_id)
    assert await burst(portal, cast.acme, 7) == [403] * 5 + [429] * 2
    assert len(await portal.held()) == 5


async def test_too_many_failures_of_an_address_are_cut_short(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    assert await failures(portal, cast.acme, 8) == [403] * 5 + [429] * 3
    assert await portal.refusals() == {"signature": 5, "too-many-failures": 3}


async def test_a_success_from_a_shut_address_is_taken_at_once(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    await failures(portal, cast.acme, 8)
    assert await burst(portal, cast.acme, 3) == [200] * 3
    assert await burst(portal, cast.globex, 3) == [200] * 3


async def test_successes_do_not_count_as_failures(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    await burst(portal, cast.acme, 20)
    assert await failures(portal, cast.acme, 5) == [403] * 5


async def test_a_signed_request_that_has_no_place_is_no_failure_of_its_address(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    for _ in range(10):
        await portal.post("sms", cast.acme, text_message(cast.acme, From=None))
    assert await failures(portal, cast.acme, 5) == [403] * 5


@pytest.mark.parametrize("request_of", ["GET", "unsigned", "unknown account", "too large"])
async def test_every_kind_of_failure_counts(portal: Portal, cast: Cast, request_of: str) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    for _ in range(5):
        await fail(portal, cast, request_of)
    assert (await fail(portal, cast, request_of)).status_code == 429


async def fail(portal: Portal, cast: Cast, how: str) -> Any:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    if how == "GET":
        return await portal.http.get(url)
    if how == "unknown account":
        stranger = sid("AC")
        return await portal.send(f"/api/webhooks/sms?account={stranger}", form | {"AccountSid": stranger}, "x")
    return await portal.send(url, form | ({"Body": "x" * 70_000} if how == "too large" else {}), None)


async def test_a_shut_addresss_unknown_accounts_are_not_kept(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    for _ in range(8):
        await fail(portal, cast, "unknown account")
    assert len(await portal.held()) == 5


async def test_an_unsigned_request_of_a_shut_address_is_not_worth_its_body(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(HIGH, HIGH, FIVE_ADDRESS)
    await failures(portal, cast.acme, 6)
    read: list[int] = []

    async def body() -> Any:
        for number in range(3):
            read.append(number)
            yield b"x"

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await portal.http.post(address("sms", cast.acme), content=body(), headers=headers)
    assert (response.status_code, response.headers["connection"], read) == (429, "close", [])


async def test_the_portal_goes_on_when_a_noted_client_is_gone(portal: Portal, cast: Cast) -> None:
    portal.door.limits = Limits(FIVE_CLIENT, HIGH, HIGH)
    await burst(portal, cast.acme, 6)
    await burst(portal, cast.globex, 6)
    await portal.rows("delete from tenant where id = %s returning id", cast.acme.tenant_id)
    assert set(await noted(portal)) == {("Globex", "webhooks:soft")}


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = Buckets(per_second=8, burst_seconds=2, most=10)
    assert sum(bucket.take("a", 100.0) for _ in range(50)) == 16
    assert sum(bucket.take("a", 100.0 + step / 16) for step in range(1, 81)) == 40
    assert sum(bucket.take("a", 1000.0) for _ in range(50)) == 16


def test_what_was_refused_does_not_count() -> None:
    bucket = Buckets(per_second=1, burst_seconds=1, most=10)
    assert [bucket.take("a", 100.0) for _ in range(5)] == [True, False, False, False, False]
    assert bucket.is_full("a", 100.5)
    assert bucket.take("a", 101.0)


def test_each_key_has_its_own_bucket() -> None:
    bucket = Buckets(per_second=1, burst_seconds=1, most=10)
    assert all(bucket.take(key, 100.0) for key in "abc")


def test_ten_thousand_addresses_take_no_more_room_than_the_last_few() -> None:
    bucket = Buckets(per_second=1, burst_seconds=1, most=100)
    for number in range(10_000):
        bucket.take(str(number), 100.0)
    assert len(bucket) == 100
    assert bucket.is_full("9999", 100.0)


def refused() -> Refused:
    return Refused(403, "signature")


def test_an_ipv6_network_counts_as_one_address() -> None:
    limits = Limits(HIGH, HIGH, 1 / FAILURE_BURST_SECONDS)
    from_one = [limits.judge(refused(), f"2001:db8::{host}").status for host in range(3)]
    assert from_one == [403, 429, 429]
    assert limits.judge(refused(), "2001:db8:0:1::1").status == 403
    assert [limits.judge(refused(), f"::ffff:192.0.2.{host}").status for host in (1, 2)] == [403, 403]
