"""Requests to Twilio are counted by operation and outcome, and a failed one is logged with Twilio's id of it."""

import logging

import pytest
from prometheus_client import REGISTRY

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.errors import TwilioError, TwilioRefused
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, OwnedNumber
from tests.twilio.conftest import Tenant

CANARY = "canary-in-a-body"
SEND = "POST Accounts/Messages"


def counted(outcome: str, code: str = "", operation: str = SEND) -> float:
    """Requests with this end so far."""
    labels = {"operation": operation, "outcome": outcome, "code": code}
    return REGISTRY.get_sample_value("portal_twilio_calls_total", labels) or 0.0


def timed() -> float:
    """Timed sends so far."""
    return REGISTRY.get_sample_value("portal_twilio_seconds_count", {"operation": SEND}) or 0.0


async def send(tenant: Tenant, number: OwnedNumber, to: str = "") -> None:
    await tenant.gateway.send_message(OutgoingMessage(to=to or tenant.phone, from_=number.phone_number, body=CANARY))


async def test_a_send_is_counted_and_timed(acme: Tenant, number: OwnedNumber) -> None:
    before = counted("ok"), timed()
    await send(acme, number)
    assert (counted("ok"), timed()) == (before[0] + 1, before[1] + 1)


async def test_each_repeat_is_counted_by_itself(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    before = counted("unavailable", "20429")
    await phones.add_fault("status", account_sid=acme.account.sid, status=429, code=20429, times=2)
    await send(acme, number)
    assert counted("unavailable", "20429") == before + 2


@pytest.mark.parametrize(("kind", "code"), [("status", "20500"), ("drop_after", "")])
async def test_what_may_have_been_done_is_counted_as_unknown(
    acme: Tenant, number: OwnedNumber, phones: Handset, kind: str, code: str
) -> None:
    before = counted("unknown", code)
    await phones.add_fault(kind, account_sid=acme.account.sid)  # type: ignore[arg-type]
    with pytest.raises(TwilioError):
        await send(acme, number)
    assert counted("unknown", code) == before + 1


async def test_a_refusal_is_logged_with_twilios_id_and_nobodys_number(
    acme: Tenant, number: OwnedNumber, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("refused", "21211")
    with caplog.at_level(logging.INFO, "tenant_portal"), pytest.raises(TwilioRefused) as caught:
        await send(acme, number, "+15005550001")
    assert counted("refused", "21211") == before + 1
    (record,) = [one for one in caplog.records if one.getMessage() == "a request to Twilio failed"]
    assert vars(record) | {
        "operation": SEND, "status": 400, "code": 21211, "twilio_request_id": caught.value.request_id,
    } == vars(record)  # fmt: skip
    assert caught.value.request_id.startswith("RQ")
    assert "15005550001" not in repr(vars(record))
    assert CANARY not in repr(vars(record))


async def test_a_download_is_one_request(acme: Tenant) -> None:
    operation = "GET Accounts/Messages/Media"
    before = counted("refused", "20404", operation)
    url = f"https://api.twilio.com/2010-04-01/Accounts/{acme.account.sid}/Messages/MM{'0' * 32}/Media/ME{'0' * 32}"
    with pytest.raises(TwilioRefused):
        await acme.gateway.download(url, max_bytes=100)
    assert counted("refused", "20404", operation) == before + 1
