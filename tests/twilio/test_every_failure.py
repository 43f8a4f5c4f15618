"""Each method of both gateways tells each kind of failure in the same few ways."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tenant_portal.errors import PortalError
from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.content import Content, ContentKind
from tenant_portal.twilio_gateway.errors import TwilioError, TwilioOutcomeUnknown, TwilioRefused, TwilioUnavailable
from tenant_portal.twilio_gateway.gateway import (
    NumberPurchase,
    NumberSearch,
    NumberUrls,
    OutgoingMessage,
    ParentGateway,
    SenderRegistration,
    SenderUrls,
    TenantGateway,
)
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveParentGateway, LiveTenantGateway
from tests.twilio.conftest import StandIn, Tenant
from tests.twilio.test_conformance import methods_of

X32 = "1" * 32
Call = Callable[[Any], Awaitable[object]]

READS: dict[str, Call] = {
    "fetch_account": lambda one: one.fetch_account(),
    "search_numbers": lambda one: one.search_numbers(NumberSearch(country="US")),
    "number_prices": lambda one: one.number_prices("US"),
    "list_numbers": lambda one: one.list_numbers(),
    "find_number": lambda one: one.find_number("+14155550100"),
    "fetch_number": lambda one: one.fetch_number(f"PN{X32}"),
    "fetch_message": lambda one: one.fetch_message(f"SM{X32}"),
    "list_messages": lambda one: one.list_messages(since=datetime.now(UTC)),
    "list_templates": lambda one: one.list_templates(),
    "list_senders": lambda one: one.list_senders(),
    "fetch_sender": lambda one: one.fetch_sender(f"XE{X32}"),
    "list_media": lambda one: one.list_media(f"MM{X32}"),
    "fetch_recording": lambda one: one.fetch_recording(f"RE{X32}"),
    "list_transcriptions": lambda one: one.list_transcriptions(f"RE{X32}"),
    "fetch_transcription": lambda one: one.fetch_transcription(f"TR{X32}"),
    "download": lambda one: one.download(
        f"https://api.twilio.com/2010-04-01/Accounts/{one.account_sid}/Recordings/RE{X32}", max_bytes=1
    ),
}
CHANGES: dict[str, Call] = {
    "buy_number": lambda one: one.buy_number(NumberPurchase(phone_number="+14155550100", urls=NumberUrls())),
    "update_number": lambda one: one.update_number(f"PN{X32}", NumberUrls()),
    "send_message": lambda one: one.send_message(OutgoingMessage(to="+14155550188", from_="+14155550100", body="x")),
    "create_template": lambda one: one.create_template(
        Content(name="x", language="en", kind=ContentKind.TEXT, body="x")
    ),
    "submit_template": lambda one: one.submit_template(f"HX{X32}", "x", "UTILITY"),
    "redact_message": lambda one: one.redact_message(f"SM{X32}"),
    "create_sender": lambda one: one.create_sender(
        SenderRegistration(phone_number="+14155550100", display_name="x", urls=SenderUrls())
    ),
    "verify_sender": lambda one: one.verify_sender(f"XE{X32}", "123456"),
    "update_sender": lambda one: one.update_sender(f"XE{X32}", SenderUrls(callback="https://a.example")),
    "create_secondary_token": lambda one: one.create_secondary_token(),
    "promote_secondary_token": lambda one: one.promote_secondary_token(),
}
DELETIONS: dict[str, Call] = {
    "release_number": lambda one: one.release_number(f"PN{X32}"),
    "delete_message": lambda one: one.delete_message(f"SM{X32}"),
    "delete_template": lambda one: one.delete_template(f"HX{X32}"),
    "delete_sender": lambda one: one.delete_sender(f"XE{X32}"),
    "delete_media": lambda one: one.delete_media(f"MM{X32}", f"ME{X32}"),
    "delete_recording": lambda one: one.delete_recording(f"RE{X32}"),
    "delete_transcription": lambda one: one.delete_transcription(f"TR{X32}"),
    "delete_call": lambda one: one.delete_call(f"CA{X32}"),
}
PARENT_READS: dict[str, Call] = {
    "ensure_subaccount": lambda one: one.ensure_subaccount("Failing"),
    "find_subaccount": lambda one: one.find_subaccount("Failing"),
    "fetch_subaccount": lambda one: one.fetch_subaccount(f"AC{X32}"),
}
PARENT_CHANGES: dict[str, Call] = {
    "suspend_subaccount": lambda one: one.suspend_subaccount(f"AC{X32}"),
    "resume_subaccount": lambda one: one.resume_subaccount(f"AC{X32}"),
    "close_subaccount": lambda one: one.close_subaccount(f"AC{X32}"),
}
FOUND_NOTHING = frozenset({"fetch_number", "fetch_message", "fetch_sender", "list_media", "fetch_recording"})
# One breaks a read that is repeated twice by the client itself, so it takes three to make it fail.
TIMES = 3
every_change = pytest.mark.parametrize("name", [*CHANGES, *DELETIONS])
every_read = pytest.mark.parametrize("name", READS)
every_method = pytest.mark.parametrize("name", [*READS, *CHANGES, *DELETIONS])


def test_no_method_is_left_out() -> None:
    assert {*READS, *CHANGES, *DELETIONS} == methods_of(TenantGateway)
    assert {*PARENT_READS, *PARENT_CHANGES} == methods_of(ParentGateway)


async def failure(name: str, gateway: object) -> TwilioError:
    """The error that a method raises."""
    calls = {**READS, **CHANGES, **DELETIONS, **PARENT_READS, **PARENT_CHANGES}
    with pytest.raises(TwilioError) as caught:
        await calls[name](gateway)
    return caught.value


@every_change
async def test_a_change_that_fails_inside_twilio_has_an_unknown_outcome(
    acme: Tenant, phones: Handset, name: str
) -> None:
    await phones.add_fault("status", account_sid=acme.account.sid, status=502)
    error = await failure(name, acme.gateway)
    assert isinstance(error, TwilioOutcomeUnknown)
    assert (error.permanent, error.unknown_outcome) == (False, True)


@every_change
async def test_a_change_whose_answer_is_lost_is_never_called_certain(
    acme: Tenant, phones: Handset, name: str, stand_in: StandIn
) -> None:
    await phones.add_fault("drop", account_sid=acme.account.sid)
    asked = len(stand_in.recorder.exchanges)
    error = await failure(name, acme.gateway)
    assert not isinstance(error, TwilioUnavailable)
    assert error.unknown_outcome
    tries = [one for one in stand_in.recorder.exchanges[asked:] if one.from_gateway]
    assert len(tries) == 1


@every_read
async def test_a_read_that_fails_is_unavailable_and_changes_nothing(
    http: PortalHttpClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenant_portal.twilio_gateway.http_client.FIRST_PAUSE_SECONDS", 0.0)
    away = PortalHttpClient("http://127.0.0.1:9")
    error = await failure(name, LiveTenantGateway("AC" + "2" * 32, "token", away))
    away.close()
    assert isinstance(error, TwilioUnavailable)
    assert (error.permanent, error.unknown_outcome) == (False, False)


@every_method
async def test_a_wrong_token_is_told_as_a_lost_connection(acme: Tenant, http: PortalHttpClient, name: str) -> None:
    error = await failure(name, LiveTenantGateway(acme.account.sid, "wrong", http))
    assert isinstance(error, TwilioRefused)
    assert (error.code, error.status, error.permanent) == (20003, 401, True)
    assert "connection to Twilio is lost" in error.message


@every_method
async def test_a_suspended_account_is_told_as_a_lost_connection(
    acme: Tenant, parent: LiveParentGateway, name: str
) -> None:
    await parent.suspend_subaccount(acme.account.sid)
    assert (await failure(name, acme.gateway)).code == 20003


@pytest.mark.parametrize("name", DELETIONS)
async def test_what_is_already_gone_is_deleted(acme: Tenant, name: str) -> None:
    assert await DELETIONS[name](acme.gateway) is None


@pytest.mark.parametrize(
    "name", sorted(FOUND_NOTHING | {"fetch_transcription", "download", "update_number", "verify_sender"})
)
async def test_what_is_not_there_is_not_found(acme: Tenant, name: str) -> None:
    error = await failure(name, acme.gateway)
    assert isinstance(error, TwilioRefused)
    assert error.not_found


@pytest.mark.parametrize("name", PARENT_CHANGES)
async def test_a_parents_change_that_fails_has_an_unknown_outcome(
    parent: LiveParentGateway, phones: Handset, name: str
) -> None:
    await phones.add_fault("status", account_sid=f"AC{X32}", status=500)
    assert (await failure(name, parent)).unknown_outcome


@pytest.mark.parametrize("name", [*PARENT_READS, *PARENT_CHANGES])
async def test_a_parent_with_a_wrong_token_is_refused(
    parent: LiveParentGateway, http: PortalHttpClient, name: str
) -> None:
    error = await failure(name, LiveParentGateway(parent.account_sid, "wrong", http))
    assert (error.code, error.permanent) == (20003, True)


@pytest.mark.parametrize("error", [TwilioRefused("x"), TwilioUnavailable("x"), TwilioOutcomeUnknown("x")])
def test_every_failure_is_one_of_the_portals(error: TwilioError) -> None:
    assert isinstance(error, PortalError)
    assert error.unknown_outcome == isinstance(error, TwilioOutcomeUnknown)
    assert error.permanent == isinstance(error, TwilioRefused)
