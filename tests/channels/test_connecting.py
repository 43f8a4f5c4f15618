"""Connecting a channel: bought once, set up completely, each step repeatable."""

from datetime import timedelta

import pytest

from tenant_portal import db
from tenant_portal.channels import jobs, progress, rules, service, steps
from tenant_portal.config import settings
from tenant_portal.errors import BadInput, Conflict, PortalFault
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState
from tenant_portal.tenants.jobs import settle
from tenant_portal.tenants.service import create
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tests.channels.stage import NUMBER, OTHER_NUMBER, SMS, VOICEMAIL, WHATSAPP, Stage


async def test_a_number_is_bought_and_set_up(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    [number] = acme.twilio.numbers()
    row = await acme.row(channel_id)
    assert (row.state, row.number_sid, row.monthly_price) == (ChannelState.ACTIVE, number.sid, "1.15 USD")
    assert (number.phone_number, number.account_sid) == (NUMBER, acme.account_sid)


async def test_the_webhook_urls_are_the_documented_ones(acme: Stage) -> None:
    await acme.connect(SMS, VOICEMAIL)
    [number] = acme.twilio.numbers()
    base, account = f"{settings().origin}/api/webhooks", f"account={acme.account_sid}"
    assert number.sms_url == f"{base}/sms?{account}#rc=3&rp=5xx,ct,rt"
    assert number.sms_fallback_url == f"{base}/sms/fallback?{account}"
    assert number.voice_url == f"{base}/voicemail?{account}#rc=3&rp=5xx,ct,rt"
    assert number.voice_fallback_url == f"{base}/voicemail/fallback?{account}"
    assert number.status_callback == f"{base}/voicemail/status?{account}"


async def test_one_number_carries_several_channels_and_is_bought_once(acme: Stage) -> None:
    ids = await acme.connect(SMS, VOICEMAIL)
    assert [await acme.state(channel_id) for channel_id in ids] == [ChannelState.ACTIVE] * 2
    assert len(acme.twilio.numbers()) == 1


async def test_a_channel_leaves_the_other_ones_urls_alone(acme: Stage) -> None:
    await acme.connect(SMS)
    before = acme.twilio.numbers()[0].sms_url
    await acme.connect(VOICEMAIL, number_sid=acme.twilio.numbers()[0].sid)
    [number] = acme.twilio.numbers()
    assert number.sms_url == before
    assert "voicemail" in number.voice_url


async def test_what_somebody_else_set_on_a_number_stays(acme: Stage) -> None:
    await acme.connect(SMS)
    number = acme.twilio.numbers()[0]
    acme.twilio.world.store.change(number, voice_url="https://elsewhere.example/answer")
    await acme.drain()
    [channel] = await acme.ask(SMS, number=OTHER_NUMBER)
    await acme.drain()
    assert "https://elsewhere.example/answer" in {one.voice_url for one in acme.twilio.numbers()}
    assert await acme.state(channel) is ChannelState.ACTIVE


@pytest.mark.parametrize("kind", ["drop_after", "drop", "status"])
async def test_a_lost_answer_to_a_purchase_buys_no_second_number(acme: Stage, kind: str) -> None:
    acme.twilio.fail(kind, method="POST", path_contains="/IncomingPhoneNumbers.json")
    [channel_id] = await acme.connect(SMS)
    assert await acme.state(channel_id) is ChannelState.BUYING
    await acme.drain()
    assert await acme.state(channel_id) is ChannelState.ACTIVE
    assert len(acme.twilio.numbers()) == 1


async def test_a_worker_that_dies_after_buying_finds_the_number_again(acme: Stage) -> None:
    [channel_id] = await acme.ask(SMS)
    async with db.tenant_session(acme.tenant_id) as session:
        task = await progress.claim(session, acme.tenant_id)
    assert task is not None
    await steps.carry_out(task, tenant_gateway(task.credentials.account_sid, task.credentials.auth_token))
    await acme.drain()
    assert await acme.state(channel_id) is ChannelState.ACTIVE
    assert len(acme.twilio.numbers()) == 1


async def test_an_unclear_purchase_waits_longer_than_twilio_takes(acme: Stage) -> None:
    acme.twilio.fail("drop_after", method="POST", path_contains="/IncomingPhoneNumbers.json")
    [channel_id] = await acme.connect(SMS)
    row = await acme.row(channel_id)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > now() + timedelta(seconds=40)
    assert row.last_error == "Twilio did not confirm the request; it may have been carried out."


@pytest.mark.parametrize(
    ("number", "code", "sentence"),
    [
        ("+15005550000", 21422, "Somebody else has just taken this number. Please choose another one. (Twilio 21422)"),
        ("+15005550001", 21421, "This is not a valid phone number to buy. (Twilio 21421)"),
        (
            "+4915228817300",
            21631,
            "This number can only be bought with a registered address. Please contact your agency. (Twilio 21631)",
        ),
    ],
)
async def test_a_refused_purchase_says_why(acme: Stage, number: str, code: int, sentence: str) -> None:
    [channel_id] = await acme.connect(SMS, number=number)
    row = await acme.row(channel_id)
    assert (row.state, row.error_code, row.last_error) == (ChannelState.FAILED, code, sentence)
    assert row.next_attempt_at is None


async def test_an_unknown_code_shows_its_number_and_twilios_page(acme: Stage) -> None:
    acme.twilio.fail("status", status=400, code=29999, method="POST", path_contains="/IncomingPhoneNumbers.json")
    [channel_id] = await acme.connect(SMS)
    assert "https://www.twilio.com/docs/errors/29999" in str((await acme.row(channel_id)).last_error)


async def test_a_failed_channel_can_be_tried_again_by_hand(acme: Stage) -> None:
    acme.twilio.fail("status", status=400, code=21422, method="POST", path_contains="/IncomingPhoneNumbers.json")
    [channel_id] = await acme.connect(SMS)
    await acme.do(service.repeat, channel_id)
    await acme.drain(due=False)
    assert await acme.state(channel_id) is ChannelState.ACTIVE


async def test_setting_up_is_repeated_without_buying_again(acme: Stage) -> None:
    acme.twilio.fail("status", status=400, code=11100, method="GET", path_contains="/IncomingPhoneNumbers/PN")
    [channel_id] = await acme.connect(SMS)
    assert await acme.state(channel_id) is ChannelState.FAILED
    await acme.do(service.repeat, channel_id)
    assert await acme.state(channel_id) is ChannelState.CONFIGURING
    await acme.drain(due=False)
    assert await acme.state(channel_id) is ChannelState.ACTIVE
    assert len(acme.twilio.numbers()) == 1


async def test_changed_urls_are_noticed_and_set_again(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.change(acme.twilio.numbers()[0], sms_url="https://elsewhere.example/")
    await acme.drain()
    assert (await acme.row(channel_id)).last_error == steps.CHANGED
    await acme.do(service.repeat, channel_id)
    await acme.drain(due=False)
    assert (await acme.row(channel_id)).last_error is None
    assert acme.twilio.numbers()[0].sms_url.startswith(settings().origin)


async def test_a_number_lost_at_twilio_fails_the_channel(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.delete(acme.twilio.numbers()[0])
    await acme.drain()
    row = await acme.row(channel_id)
    assert (row.state, row.error_code) == (ChannelState.FAILED, 20404)


async def test_a_dead_token_has_the_parent_account_asked(acme: Stage) -> None:
    [channel_id] = await acme.connect(SMS)
    acme.twilio.world.store.change(acme.twilio.accounts()[0], auth_token="0" * 32)
    await acme.drain()
    assert (await acme.row(channel_id)).error_code == 20003
    await settle(acme.tenant_id)
    await acme.do(service.repeat, channel_id)
    await acme.drain(due=False)
    assert await acme.state(channel_id) is ChannelState.ACTIVE


UNFIT: tuple[tuple[tuple[ChannelKind, ...], dict[str, object]], ...] = (
    ((), {}),
    ((SMS,), {"sms": False}),
    ((VOICEMAIL,), {"voice": False}),
    ((WHATSAPP,), {"display_name": ""}),
    ((WHATSAPP,), {"verification_method": "pigeon"}),
    ((SMS,), {"own_number": True}),
    *(((SMS,), {"number": number}) for number in ("", "12", "hello", "+1", "0171 1234567")),
)


async def test_a_wish_that_cannot_work_is_refused(acme: Stage) -> None:
    for kinds, details in UNFIT:
        with pytest.raises(BadInput):
            await acme.ask(*kinds, **details)  # type: ignore[arg-type]
    assert acme.twilio.numbers() == []


async def test_the_same_channel_is_not_connected_twice(acme: Stage) -> None:
    await acme.connect(SMS)
    with pytest.raises(Conflict, match=r"\+1 212-555-0100 is already connected"):
        await acme.ask(SMS)


async def test_a_client_without_a_subaccount_waits(acme: Stage) -> None:
    async with db.staff_session() as session:
        tenant_id = await create(session, "Newcomer")
    with pytest.raises(Conflict, match="still being set up"):
        await Stage(acme.twilio, tenant_id).ask(SMS)


async def test_a_new_voicemail_greets_with_the_clients_name(acme: Stage) -> None:
    [channel_id] = await acme.connect(VOICEMAIL)
    config = (await acme.row(channel_id)).config
    assert config["greeting"].startswith("You have reached Acme.")
    assert (config["language"], config["max_seconds"], config["transcribe"]) == ("en-US", 120, True)


async def test_too_many_requests_are_heeded_as_long_as_twilio_asks(acme: Stage) -> None:
    acme.twilio.fail("status", method="POST", path_contains="/IncomingPhoneNumbers.json", status=429, retry_after=90)
    [channel_id] = await acme.connect(SMS)
    row = await acme.row(channel_id)
    assert row.next_attempt_at is not None
    assert now() + timedelta(seconds=80) < row.next_attempt_at <= now() + timedelta(seconds=90)


async def test_a_step_that_breaks_the_portal_is_given_up_in_the_end(
    acme: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def carry_out(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(steps, "carry_out", carry_out)
    [channel_id] = await acme.connect(SMS)
    for _ in range(rules.MOST_ATTEMPTS):
        await acme.drain()
    row = await acme.row(channel_id)
    assert (row.state, row.next_attempt_at, row.last_error) == (ChannelState.FAILED, None, PortalFault().message)
    monkeypatch.undo()
    await acme.do(service.repeat, channel_id)
    await acme.drain()
    assert await acme.state(channel_id) is ChannelState.ACTIVE


async def test_a_slice_of_steps_ends_after_its_time_and_is_taken_up_again(
    acme: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0)
    [channel_id] = await acme.connect(SMS)
    assert await acme.state(channel_id) is ChannelState.CONFIGURING
    await acme.drain(due=False)
    assert await acme.state(channel_id) is ChannelState.ACTIVE
