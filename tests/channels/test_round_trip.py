"""The test button: proves what it says, and says what it proves."""

from typing import Any
from uuid import UUID

import pytest

from tenant_portal import db
from tenant_portal.channels import queries, round_trip, service
from tenant_portal.errors import Conflict
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tests.channels.stage import OTHER_NUMBER, SMS, VOICEMAIL, WHATSAPP, Stage


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_trip, "WAIT_SECONDS", 3.0)
    monkeypatch.setattr(round_trip, "POLL_SECONDS", 0.05)


async def outcome_of(acme: Stage, channel_id: UUID) -> dict[str, Any]:
    await acme.do(service.start_test, channel_id)
    await round_trip.run_tests(acme.tenant_id)
    report = (await acme.row(channel_id)).test_report
    assert report is not None
    return report


def oks(report: dict[str, Any]) -> list[bool]:
    return [check["ok"] for check in report["checks"]]


async def leads(acme: Stage) -> int:
    async with db.tenant_session(acme.tenant_id) as session:
        connection = await session.connection()
        return int((await connection.exec_driver_sql("select count(*) from lead")).scalar_one())


@pytest.mark.parametrize("kind", [SMS, VOICEMAIL])
async def test_a_connected_channel_passes(acme: Stage, portal: str, kind: Any) -> None:
    [channel_id] = await acme.connect(kind)
    report = await outcome_of(acme, channel_id)
    assert (report["ok"], report["route"], oks(report)) == (True, "signed", [True, True, True])
    row = await acme.row(channel_id)
    assert row.test_passed_at is not None
    assert "PORTALTEST" in str(row.test_result)


async def test_with_a_second_number_a_real_text_goes_through_twilio(acme: Stage, portal: str) -> None:
    first, _ = [*await acme.connect(SMS), *await acme.connect(SMS, number=OTHER_NUMBER)]
    report = await outcome_of(acme, first)
    assert (report["ok"], report["route"]) == (True, "text")
    assert "from your number +1 212-555-0102" in report["checks"][1]["text"]


async def test_a_test_leaves_no_lead_and_no_message(acme: Stage, portal: str) -> None:
    [sms, voicemail] = await acme.connect(SMS, VOICEMAIL)
    await outcome_of(acme, sms)
    await outcome_of(acme, voicemail)
    assert await leads(acme) == 0


async def test_changed_urls_at_twilio_fail_the_test(acme: Stage, portal: str) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.change(acme.twilio.numbers()[0], sms_url="https://elsewhere.example/")
    report = await outcome_of(acme, channel_id)
    assert (report["ok"], oks(report)) == (False, [False, True, True])
    assert "not the portal's any more" in report["checks"][0]["text"]


async def test_an_unreachable_portal_fails_the_test(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    report = await outcome_of(acme, channel_id)
    assert (report["ok"], oks(report)) == (False, [True, False, False])
    assert "could not be reached" in report["checks"][1]["text"]


async def test_a_lost_number_fails_the_test(acme: Stage, portal: str) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.delete(acme.twilio.numbers()[0])
    report = await outcome_of(acme, channel_id)
    assert oks(report) == [False, True, True]


async def test_a_wrong_token_fails_the_test(acme: Stage, portal: str) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.change(acme.twilio.accounts()[0], auth_token="0" * 32)
    assert oks(await outcome_of(acme, channel_id))[0] is False


async def test_a_refused_text_fails_the_test_with_the_reason(acme: Stage, portal: str) -> None:
    first, _ = [*await acme.connect(SMS), *await acme.connect(SMS, number=OTHER_NUMBER)]
    acme.twilio.fail("status", status=400, code=21606, method="POST", path_contains="/Messages.json")
    report = await outcome_of(acme, first)
    assert oks(report) == [True, False, False]
    assert "cannot be used for sending" in report["checks"][1]["text"]


async def test_only_a_connected_channel_is_tested(acme: Stage) -> None:
    [channel_id] = await acme.ask(SMS)
    with pytest.raises(Conflict):
        await acme.do(service.start_test, channel_id)


async def test_a_test_is_carried_out_once(acme: Stage, portal: str) -> None:
    [channel_id] = await acme.connect(SMS)
    await outcome_of(acme, channel_id)
    before = (await acme.row(channel_id)).test_report
    await round_trip.run_tests(acme.tenant_id)
    assert (await acme.row(channel_id)).test_report == before


async def test_a_new_test_forgets_the_old_result(acme: Stage, portal: str) -> None:
    [channel_id] = await acme.connect(SMS)
    await outcome_of(acme, channel_id)
    await acme.do(service.start_test, channel_id)
    row = await acme.row(channel_id)
    assert (row.test_report, row.test_passed_at, row.test_result) == (None, None, None)


async def test_a_whatsapp_channel_is_tested_over_its_own_address(acme: Stage, portal: str) -> None:
    [channel_id] = await acme.connect(WHATSAPP, number_sid="PN" + "0" * 32)
    account = acme.twilio.accounts()[0]
    async with db.tenant_session(acme.tenant_id) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("update channel set state = 'active', sender_status = 'ONLINE'")
    acme.twilio.world.store.change(acme.twilio.senders()[0], status="ONLINE")
    report = await outcome_of(acme, channel_id)
    assert report["ok"], report
    assert (await tenant_gateway(account.sid, account.auth_token).list_senders())[0].phone_number
    async with db.tenant_session(acme.tenant_id) as session:
        [row] = await queries.channels(session, acme.tenant_id)
    assert "whatsapp:" in str(row.test_result)
