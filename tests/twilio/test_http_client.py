"""What the client under Twilio's library repeats, what it never repeats, and how each failure is told."""

import httpx
import pytest

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.errors import TwilioOutcomeUnknown, TwilioRefused, TwilioUnavailable
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, OwnedNumber
from tenant_portal.twilio_gateway.http_client import HOSTS, PortalHttpClient, at_origin, error_of
from tenant_portal.twilio_gateway.live import LiveTenantGateway
from tests.twilio.conftest import StandIn, Tenant
from tests.twilio.servers import running

ORIGIN = "http://127.0.0.1:3001"


async def send(tenant: Tenant, number: OwnedNumber) -> str:
    message = OutgoingMessage(to=tenant.phone, from_=number.phone_number, body="Hello")
    return (await tenant.gateway.send_message(message)).sid


async def sent(tenant: Tenant) -> int:
    return len(await tenant.gateway.list_messages())


async def test_a_send_is_repeated_when_twilio_has_too_much_to_do(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await phones.add_fault("status", account_sid=acme.account.sid, status=429, code=20429, times=2)
    await send(acme, number)
    assert await sent(acme) == 1


async def test_too_much_to_do_for_too_long_is_told_with_the_time_to_wait(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await phones.add_fault("status", account_sid=acme.account.sid, status=429, code=20429, retry_after=60)
    with pytest.raises(TwilioUnavailable) as caught:
        await send(acme, number)
    assert (caught.value.retry_after, caught.value.code, caught.value.permanent) == (60.0, 20429, False)
    assert not caught.value.unknown_outcome


async def test_a_send_that_failed_inside_twilio_is_not_repeated(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    before = stand_in.asked(acme.account.sid, "/Messages.json")
    await phones.add_fault("status", account_sid=acme.account.sid, status=500, times=1)
    with pytest.raises(TwilioOutcomeUnknown) as caught:
        await send(acme, number)
    assert caught.value.unknown_outcome
    assert caught.value.status == 500
    assert stand_in.asked(acme.account.sid, "/Messages.json") == before + 1


async def test_a_send_whose_answer_is_lost_is_found_again_and_not_sent_twice(
    acme: Tenant, number: OwnedNumber, phones: Handset
) -> None:
    await phones.add_fault("drop_after", account_sid=acme.account.sid)
    with pytest.raises(TwilioOutcomeUnknown):
        await send(acme, number)
    found = await acme.gateway.list_messages(to=acme.phone, from_=number.phone_number)
    assert [message.body for message in found] == ["Hello"]


async def test_a_send_that_never_arrived_is_unknown_too(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.add_fault("drop", account_sid=acme.account.sid)
    with pytest.raises(TwilioOutcomeUnknown):
        await send(acme, number)
    assert await sent(acme) == 0


async def test_a_send_without_an_answer_ends_at_the_time_limit(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    hasty = PortalHttpClient(stand_in.origin, timeout=httpx.Timeout(0.2))
    gateway = LiveTenantGateway(acme.account.sid, acme.account.auth_token, hasty)
    await phones.add_fault("hang", account_sid=acme.account.sid, seconds=0.5)
    with pytest.raises(TwilioOutcomeUnknown):
        await gateway.send_message(OutgoingMessage(to=acme.phone, from_=number.phone_number, body="x"))
    hasty.close()


@pytest.mark.parametrize("kind", ["status", "drop"])
async def test_a_read_is_repeated_twice(acme: Tenant, number: OwnedNumber, phones: Handset, kind: str) -> None:
    await phones.add_fault(kind, account_sid=acme.account.sid, method="GET", times=2)  # type: ignore[arg-type]
    assert await acme.gateway.fetch_number(number.sid) == number


async def test_a_read_that_keeps_failing_is_unavailable(acme: Tenant, phones: Handset) -> None:
    await phones.add_fault("status", account_sid=acme.account.sid, method="GET", status=503, code=20503, times=3)
    with pytest.raises(TwilioUnavailable) as caught:
        await acme.gateway.fetch_account()
    assert not caught.value.unknown_outcome
    assert (caught.value.code, caught.value.status) == (20503, 503)


async def test_a_fault_of_one_account_leaves_the_other_alone(acme: Tenant, globex: Tenant, phones: Handset) -> None:
    await phones.add_fault("status", account_sid=acme.account.sid, times=5)
    assert (await globex.gateway.fetch_account()).sid == globex.account.sid
    await phones.clear_faults()
    assert (await acme.gateway.fetch_account()).sid == acme.account.sid


async def test_an_unreachable_twilio_certainly_did_nothing() -> None:
    http = PortalHttpClient("http://127.0.0.1:9", timeout=httpx.Timeout(1.0))
    gateway = LiveTenantGateway("AC" + "1" * 32, "token", http)
    with pytest.raises(TwilioUnavailable) as caught:
        await gateway.send_message(OutgoingMessage(to="+14155550188", from_="+14155550100", body="x"))
    assert not caught.value.unknown_outcome
    http.close()


async def test_a_page_of_something_in_between_is_no_answer() -> None:
    async def proxy(scope, receive, send):  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>Please sign in to the network</html>"})

    with running(proxy) as origin:
        http = PortalHttpClient(origin)
        gateway = LiveTenantGateway("AC" + "1" * 32, "token", http)
        with pytest.raises(TwilioOutcomeUnknown):
            await gateway.send_message(OutgoingMessage(to="+14155550188", from_="+14155550100", body="x"))
        with pytest.raises(TwilioUnavailable):
            await gateway.list_messages()
        http.close()


async def test_a_region_in_the_environment_does_not_redirect_credentials(
    acme: Tenant, http: PortalHttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "de1")
    monkeypatch.setenv("TWILIO_EDGE", "frankfurt")
    gateway = LiveTenantGateway(acme.account.sid, acme.account.auth_token, http)
    assert (await gateway.fetch_account()).sid == acme.account.sid


@pytest.mark.parametrize("host", sorted(HOSTS))
def test_every_twilio_host_is_replaced_and_the_path_kept(host: str) -> None:
    url = f"https://{host}/v1/A%20b/Things.json?To=%2B1&PageSize=2"
    assert at_origin(url, ORIGIN) == f"{ORIGIN}/v1/A%20b/Things.json?To=%2B1&PageSize=2"
    assert at_origin(url, "") == url


@pytest.mark.parametrize(
    "url",
    [
        "https://api.twilio.com.evil.example/x",
        "http://api.twilio.com/x",
        "https://user@api.twilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://127.0.0.1/x",
        "/2010-04-01/Accounts.json",
    ],
)
def test_an_address_that_is_not_twilios_is_refused(url: str) -> None:
    for origin in ("", ORIGIN):
        with pytest.raises(ValueError, match="not a Twilio address"):
            at_origin(url, origin)


def test_a_refusal_tells_the_clients_sentence_and_keeps_twilios_words() -> None:
    body = {"code": 21422, "message": "PhoneNumber is not available", "status": 400}
    error = error_of("POST", httpx.Response(400, json=body))
    assert isinstance(error, TwilioRefused)
    assert (error.code, error.status, error.permanent) == (21422, 400, True)
    assert error.message.startswith("Somebody else has just taken this number")
    assert error.detail == "PhoneNumber is not available"


def test_a_problem_of_the_newer_apis_is_understood() -> None:
    body = {"type": "about:blank", "title": "Not found", "status": 404, "code": 20404, "detail": "No such sender"}
    error = error_of("GET", httpx.Response(404, json=body))
    assert isinstance(error, TwilioRefused)
    assert error.not_found
    assert error.detail == "Not found: No such sender"


def test_a_deletion_that_comes_too_early_may_be_repeated() -> None:
    assert not error_of("DELETE", httpx.Response(400, json={"code": 20009, "message": "x"})).permanent


@pytest.mark.parametrize("text", ["", "<html>", "[]", "null", '{"code": "x"}'])
def test_an_error_without_a_readable_body_shows_its_status(text: str) -> None:
    assert error_of("POST", httpx.Response(403, text=text)).message == "Twilio answered with HTTP status 403."


@pytest.mark.parametrize("value", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_time_to_wait_that_is_no_number_is_left_out(value: str) -> None:
    answer = httpx.Response(429, headers={"Retry-After": value}, json={"code": 20429})
    assert error_of("GET", answer).retry_after is None
