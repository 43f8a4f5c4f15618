"""The inbox's handlers, as its page calls them."""

from uuid import UUID, uuid4

import pytest

from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui.pages.inbox import InboxState
from tenant_portal.ui.pages.inbox.items import OpenThread
from tenant_portal.ui.session_state import SessionState
from tests.cast import Cast
from tests.threads import open_thread, receive
from tests.ui_client.browser import Tab, sign_in

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(3)]
MADE_UP = "01a20000-0000-7000-8000-000000000000"


async def opened(cast: Cast, thread: UUID | str) -> Tab:
    tab = await sign_in(cast.bob)
    await tab.call(InboxState.load, conversation_id=thread)
    return tab


async def test_the_list_shows_every_thread_and_the_badge_what_is_unread(cast: Cast) -> None:
    for number in NUMBERS:
        await receive(cast.acme, lead=number)
    tab = await sign_in(cast.bob)
    state = await tab.call(InboxState.load)
    assert [item.name for item in state.threads] == ["+1 415-555-0002", "+1 415-555-0001", "+1 415-555-0000"]
    assert tab.state(SessionState).unread == 3
    assert (state.is_loaded, state.thread) == (True, OpenThread())


async def test_a_thread_is_read_once_the_tab_is_seen(cast: Cast) -> None:
    thread = await open_thread(cast.acme, body="Are you open?", profile_name="Ada")
    tab = await opened(cast, thread)
    assert tab.state(InboxState).threads[0].unread == 1
    await tab.call(InboxState.look, False)
    assert tab.state(InboxState).threads[0].unread == 1
    await tab.call(InboxState.look, True)
    state = tab.state(InboxState)
    assert (state.thread.name, [item.body for item in state.messages]) == ("Ada", ["Are you open?"])
    assert (state.threads[0].unread, state.threads[0].is_open) == (0, True)
    assert tab.state(SessionState).unread == 0


async def test_another_thread_replaces_the_open_one(cast: Cast) -> None:
    first = await open_thread(cast.acme, lead=NUMBERS[0], body="first")
    second = await open_thread(cast.acme, lead=NUMBERS[1], body="second")
    tab = await opened(cast, first)
    state = await tab.call(InboxState.load, conversation_id=second)
    assert [item.body for item in state.messages] == ["second"]


async def test_a_new_message_is_there_after_a_refresh(cast: Cast) -> None:
    tab = await opened(cast, await open_thread(cast.acme, body="one"))
    await receive(cast.acme, body="two")
    state = await tab.call(InboxState.refresh)
    assert [item.body for item in state.messages] == ["one", "two"]


@pytest.mark.parametrize("address", [MADE_UP, "not-an-id", "../../leads", "' or 1=1 --"])
async def test_a_made_up_address_shows_that_there_is_nothing(cast: Cast, address: str) -> None:
    state = (await opened(cast, address)).state(InboxState)
    assert (state.is_missing, state.thread, state.messages) == (True, OpenThread(), [])


async def test_anothers_thread_looks_like_a_made_up_one(cast: Cast) -> None:
    theirs = await open_thread(cast.globex)
    seen = [(await opened(cast, target)).state(InboxState) for target in (theirs, uuid4())]
    assert seen[0].dict() == seen[1].dict()


async def test_views_and_channels_narrow_the_list(cast: Cast) -> None:
    await receive(cast.acme, lead=NUMBERS[0], kind="sms")
    whatsapp = await open_thread(cast.acme, lead=NUMBERS[1], kind="whatsapp")
    tab = await opened(cast, whatsapp)
    await tab.call(InboxState.look, True)
    assert [item.channel for item in (await tab.call(InboxState.set_channel, "whatsapp")).threads] == ["whatsapp"]
    assert (await tab.call(InboxState.set_channel, "voicemail")).threads == []
    assert len((await tab.call(InboxState.set_channel, "")).threads) == 2
    state = await tab.call(InboxState.set_view, "unread")
    assert [item.channel for item in state.threads] == ["sms"]
    assert (state.counts["unread"], state.counts["open"]) == ("1", "2")


async def test_an_unknown_filter_changes_nothing(cast: Cast) -> None:
    await receive(cast.acme)
    tab = await sign_in(cast.bob)
    assert (await tab.call(InboxState.set_view, "secret")).view == "open"
    assert (await tab.call(InboxState.set_channel, "fax")).channel == ""


async def test_more_threads_and_older_messages_are_loaded_on_demand(cast: Cast) -> None:
    thread = await open_thread(cast.acme, body="0")
    for n in range(1, 4):
        await receive(cast.acme, body=str(n))
    await receive(cast.acme, lead=NUMBERS[0])
    tab = await opened(cast, thread)
    state = tab.state(InboxState)
    state._messages_shown = state._threads_shown = 1
    await tab.call(InboxState.refresh)
    assert (len(state.messages), state.has_older, len(state.threads), state.has_more) == (1, True, 1, True)
    await tab.call(InboxState.load_older)
    await tab.call(InboxState.load_more)
    assert (len(state.messages), state.has_older, len(state.threads), state.has_more) == (4, False, 2, False)


async def test_an_answer_appears_as_being_sent(cast: Cast) -> None:
    tab = await opened(cast, await open_thread(cast.acme))
    state = await tab.call(InboxState.send, {"body": "On my way"})
    assert (state.messages[-1].body, state.messages[-1].status_name) == ("On my way", "Sending…")
    assert (state.notice, state.messages[-1].author) == ("", "Bob Baker")


async def test_an_empty_answer_does_nothing_and_complains_about_nothing(cast: Cast) -> None:
    tab = await opened(cast, await open_thread(cast.acme))
    state = await tab.call(InboxState.send, {"body": " \n "})
    assert (len(state.messages), state.notice) == (1, "")


async def test_a_refused_answer_comes_back_into_the_field_with_the_reason(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await opened(cast, thread)
    await receive(cast.acme, body="STOP", opt_out="stop")
    state = await tab.call(InboxState.send, {"body": "One more thing"})
    assert (state.draft, state.draft_round) == ("One more thing", 1)
    assert "STOP" in state.notice
    assert state.thread.reason


@pytest.mark.parametrize("form", [{}, {"body": None}, {"body": {"$ne": 1}}, {"body": 7}])
async def test_a_form_of_another_shape_sends_nothing(cast: Cast, form: dict[str, object]) -> None:
    tab = await opened(cast, await open_thread(cast.acme))
    assert len((await tab.call(InboxState.send, form)).messages) == 1


async def test_the_reader_can_answer_on_the_leads_other_channel(cast: Cast) -> None:
    thread = await open_thread(cast.acme, kind="whatsapp")
    tab = await opened(cast, thread)
    assert (tab.state(InboxState).thread.channel, tab.state(InboxState).thread.other_channel) == ("whatsapp", "sms")
    await tab.call(InboxState.choose_channel, "sms")
    state = await tab.call(InboxState.send, {"body": "By SMS"})
    assert state.messages[-1].channel == "sms"


@pytest.mark.parametrize("kind", ["fax", "", "voicemail"])
async def test_a_channel_that_cannot_send_is_not_chosen(cast: Cast, kind: str) -> None:
    tab = await opened(cast, await open_thread(cast.acme, kind="whatsapp"))
    state = await tab.call(InboxState.choose_channel, kind)
    assert state.thread.channel == ChannelKind.WHATSAPP


async def test_segments_are_counted_for_an_sms_only(cast: Cast) -> None:
    tab = await opened(cast, await open_thread(cast.acme))
    assert (await tab.call(InboxState.measure, "x" * 161)).counter == "2 SMS segments · 145 characters left"
    assert (await tab.call(InboxState.measure, "")).counter == ""
    tab = await opened(cast, await open_thread(cast.acme, kind="whatsapp", lead=NUMBERS[0]))
    assert (await tab.call(InboxState.measure, "x")).counter == ""


@pytest.mark.parametrize("target", ["not-an-id", MADE_UP, ""])
async def test_repeating_something_made_up_gives_a_sentence(cast: Cast, target: str) -> None:
    tab = await opened(cast, await open_thread(cast.acme))
    for handler in (InboxState.retry, InboxState.fetch_again):
        assert (await tab.call(handler, target)).notice
        assert (await tab.call(InboxState.close_notice)).notice == ""
