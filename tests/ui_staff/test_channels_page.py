"""What the Channels page shows and does, and for whom."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tenant_portal import db
from tenant_portal.channels import queries
from tenant_portal.errors import NotAllowed
from tenant_portal.models import Channel
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState
from tenant_portal.tenants.service import suspend
from tenant_portal.ui.pages.channels import ChannelsState
from tenant_portal.ui.pages.channels.cards import Card
from tests.cast import Cast, Someone
from tests.ui_client.browser import Tab, sign_in

SMS, WHATSAPP, VOICEMAIL = ChannelKind.SMS, ChannelKind.WHATSAPP, ChannelKind.VOICEMAIL


async def opened(someone: Someone) -> Tab:
    tab = await sign_in(someone)
    await tab.call(ChannelsState.load)
    return tab


def cards(tab: Tab) -> dict[str, Card]:
    return {card.kind: card for group in tab.state(ChannelsState).groups for card in group.cards}


async def change(cast: Cast, kind: ChannelKind, **columns: object) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        row = await session.get_one(Channel, (cast.acme.tenant_id, cast.acme.channels[kind]))
        for name, value in columns.items():
            setattr(row, name, value)


async def row_of(cast: Cast, kind: ChannelKind) -> queries.ChannelRow:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return await queries.channel(session, cast.acme.tenant_id, cast.acme.channels[kind])


def id_of(cast: Cast, kind: ChannelKind) -> str:
    return str(cast.acme.channels[kind])


async def test_channels_stand_below_their_number(cast: Cast) -> None:
    [group] = (await opened(cast.alice)).state(ChannelsState).groups
    assert group.number == "+1 415-555-0100"
    assert [card.title for card in group.cards] == ["Text messages", "WhatsApp", "Voicemail"]


async def test_a_connected_channel_says_what_it_shares_its_number_with(cast: Cast) -> None:
    card = cards(await opened(cast.alice))["sms"]
    assert (card.label, card.tone, card.can_release) == ("Connected", "good", False)
    assert card.shared_with == "WhatsApp and Voicemail"


async def test_steps_show_how_far_a_channel_is(cast: Cast) -> None:
    await change(cast, WHATSAPP, state=ChannelState.VERIFYING, sender_status="PENDING_VERIFICATION")
    card = cards(await opened(cast.alice))["whatsapp"]
    assert [step.status for step in card.steps] == ["done", "done", "now", "todo", "todo"]
    assert card.needs_code
    assert "has sent a code" in card.hint


async def test_a_failed_step_is_marked_and_can_be_repeated(cast: Cast) -> None:
    await change(cast, SMS, state=ChannelState.FAILED, number_sid=None, last_error="Somebody else has it.")
    card = cards(await opened(cast.alice))["sms"]
    assert ([step.status for step in card.steps], card.can_repeat) == (["failed", "todo", "todo"], True)
    assert (card.label, card.problem) == ("Not working", "Somebody else has it.")


async def test_a_pause_after_a_failure_is_explained(cast: Cast) -> None:
    await change(cast, SMS, state=ChannelState.CONFIGURING, last_error="Twilio is away.", next_attempt_at=now())
    assert cards(await opened(cast.alice))["sms"].problem == "Twilio is away. The portal tries again by itself."


async def test_a_connected_channel_with_a_problem_needs_attention(cast: Cast) -> None:
    await change(cast, SMS, last_error="The addresses were changed.", next_attempt_at=now())
    card = cards(await opened(cast.alice))["sms"]
    assert (card.label, card.tone, card.problem) == ("Needs attention", "warn", "The addresses were changed.")


TESTS: tuple[tuple[int | None, dict[str, object] | None, str], ...] = (
    (None, None, ""),
    (1, None, "running"),
    (1, {}, "running"),
    (300, None, "failed"),
    (1, {"ok": True, "checks": []}, "passed"),
    (1, {"ok": False, "checks": []}, "failed"),
)


async def test_the_state_of_a_test_is_shown(cast: Cast) -> None:
    tab = await sign_in(cast.alice)
    for age, report, shown in TESTS:
        started = now() - timedelta(seconds=age) if age else None
        await change(cast, SMS, test_started_at=started, test_report=report)
        await tab.call(ChannelsState.refresh)
        assert cards(tab)["sms"].test == shown


async def test_the_test_button_begins_a_test(cast: Cast) -> None:
    tab = await opened(cast.alice)
    await tab.call(ChannelsState.test, id_of(cast, SMS))
    assert cards(tab)["sms"].test == "running"
    assert (await row_of(cast, SMS)).test_started_at is not None


async def test_disconnecting_asks_first(cast: Cast) -> None:
    tab = await opened(cast.alice)
    state = await tab.call(ChannelsState.ask_disconnect, id_of(cast, SMS))
    assert (state.asked_title, state.asked_can_release) == ("Text messages", False)
    assert (await row_of(cast, SMS)).state is ChannelState.ACTIVE
    await tab.call(ChannelsState.disconnect)
    assert (await row_of(cast, SMS)).state is ChannelState.DISCONNECTED
    assert cards(tab)["sms"].label == "Disconnecting"


async def test_the_question_can_be_answered_with_no(cast: Cast) -> None:
    tab = await opened(cast.alice)
    await tab.call(ChannelsState.ask_disconnect, id_of(cast, SMS))
    await tab.call(ChannelsState.keep_connected, False)
    state = await tab.call(ChannelsState.disconnect)
    assert (state.tone, (await row_of(cast, SMS)).state) == ("bad", ChannelState.ACTIVE)


async def test_giving_the_number_back_must_be_chosen_each_time(cast: Cast) -> None:
    tab = await opened(cast.alice)
    await tab.call(ChannelsState.ask_disconnect, id_of(cast, SMS))
    await tab.call(ChannelsState.choose_release, True)
    await tab.call(ChannelsState.keep_connected, False)
    assert (await tab.call(ChannelsState.ask_disconnect, id_of(cast, SMS))).release_number is False


async def test_an_agent_sees_everything_and_changes_nothing(cast: Cast) -> None:
    tab = await opened(cast.bob)
    state = await tab.call(ChannelsState.test, id_of(cast, SMS))
    assert (len(cards(tab)), state.may_change, state.tone) == (3, False, "bad")
    assert state.notice == "Only an owner can change channels."
    assert (await row_of(cast, SMS)).test_started_at is None


async def test_another_clients_channel_answers_as_a_made_up_one(cast: Cast) -> None:
    tab = await opened(cast.charlie)
    answers = set()
    for channel_id in (id_of(cast, SMS), str(uuid4()), "no id"):
        answers.add((await tab.call(ChannelsState.test, channel_id)).notice)
        answers.add((await tab.call(ChannelsState.repeat, channel_id)).notice)
        answers.add((await tab.call(ChannelsState.submit_code, {"channel_id": channel_id, "code": "123456"})).notice)
    assert answers == {"This channel no longer exists."}


async def test_a_suspended_client_reads_and_is_told_why(cast: Cast) -> None:
    async with db.staff_session() as session:
        await suspend(session, cast.acme.tenant_id)
    state = (await opened(cast.alice)).state(ChannelsState)
    assert (state.standing, state.may_change, len(state.groups)) == ("suspended", False, 1)


async def test_staff_do_not_open_a_clients_channels(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        await opened(cast.sam)


async def test_nobody_opens_channels_without_signing_in(cast: Cast) -> None:
    tab = await sign_in(None)
    for handler in (ChannelsState.load, ChannelsState.refresh, ChannelsState.disconnect, ChannelsState.close_notice):
        with pytest.raises(NotAllowed):
            await tab.call(handler)
