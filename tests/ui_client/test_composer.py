"""The composer's helpers, as its page calls them: drafts, canned replies, messages that wait."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.inbox import canned, jobs
from tenant_portal.ui.pages.inbox import ComposerState, InboxState
from tenant_portal.ui.pages.settings import RepliesState
from tests.cast import Cast, Someone
from tests.signed_in import person
from tests.threads import open_thread
from tests.ui_client.browser import Tab, sign_in

pytestmark = pytest.mark.database
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


async def at_thread(someone: Someone, thread: UUID | str) -> Tab:
    tab = await sign_in(someone)
    await tab.call(InboxState.load, conversation_id=thread)
    await tab.call(ComposerState.load)
    return tab


async def drafted(someone: Someone, thread: UUID) -> str:
    return (await at_thread(someone, thread)).state(InboxState).draft


async def test_a_draft_is_there_in_another_browser_until_it_is_sent(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(InboxState.measure, "On my way")
    assert (await drafted(cast.bob, thread), await drafted(cast.alice, thread)) == ("On my way", "")
    await tab.call(InboxState.choose_noting, True)
    assert (await tab.call(InboxState.choose_noting, False)).draft == "On my way"
    await tab.call(InboxState.send, {"body": "On my way"})
    # The last keystroke is told after the text was sent.
    await tab.call(InboxState.measure, "On my way")
    assert await drafted(cast.bob, thread) == ""
    await tab.call(InboxState.measure, "On my way back")
    assert await drafted(cast.bob, thread) == "On my way back"
    await tab.call(InboxState.measure, "")
    assert await drafted(cast.bob, thread) == ""


async def test_an_answer_is_undone_and_comes_back(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings_anew: None
) -> None:
    monkeypatch.setenv("PORTAL_UNDO_SEND_SECONDS", "5")
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    state = await tab.call(InboxState.send, {"body": "Wrong price"})
    (item,) = state.planned
    assert (item.state, item.is_own, [one.body for one in state.messages]) == ("held", True, ["Hello"])
    seen = (await at_thread(cast.alice, thread)).state(InboxState).planned
    assert [one.is_own for one in seen] == [False]
    await tab.call(InboxState.measure, "And more")
    await tab.call(ComposerState.cancel, item.id)
    assert (state.planned, state.draft, await drafted(cast.bob, thread)) == ([], *["Wrong price\nAnd more"] * 2)
    await tab.call(ComposerState.cancel, item.id)
    assert "already been sent or canceled" in state.notice


async def test_a_message_is_scheduled_changed_and_sent(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    state, composer = tab.state(InboxState), tab.state(ComposerState)
    await tab.call(ComposerState.schedule, "", "See you")
    assert (state.notice, state.planned) == ("Choose a day and a time.", [])
    await tab.call(ComposerState.schedule, TOMORROW, "See you")
    (item,) = state.planned
    assert (item.state, item.body, item.due_at, state.draft, state.notice) == ("scheduled", "See you", TOMORROW, "", "")
    await tab.call(ComposerState.edit, item.id)
    await tab.call(ComposerState.save, {"planned_body": " ", "until": TOMORROW})
    assert (composer.editing, composer.body_error) == (item.id, "Write a message first.")
    await tab.call(ComposerState.save, {"planned_body": "See you soon", "until": "2020-01-01T00:00:00Z"})
    assert composer.until_error == "Choose a time that is still to come."
    await tab.call(ComposerState.save, {"planned_body": "See you soon", "until": TOMORROW})
    assert ([one.body for one in state.planned], composer.editing) == (["See you soon"], "")
    await jobs.drain_planned(cast.acme.tenant_id)
    assert len(state.messages) == 1


async def test_a_reply_is_offered_for_the_open_thread(cast: Cast) -> None:
    owner = await sign_in(cast.alice)
    await owner.call(RepliesState.load)
    await owner.call(RepliesState.add)
    state = await owner.call(RepliesState.save, {"name": "Hours", "body": "Hi {nobody}"})
    assert (state.editing, state.body_error[:26]) == ("new", "There is no variable {nobo")
    await owner.call(RepliesState.save, {"name": "Hours", "body": "Hi {lead name}, until six. {agent name}"})
    assert (state.editing, state.notice, [one.name for one in state.replies]) == ("", "The reply is added.", ["Hours"])
    tab = await at_thread(cast.bob, await open_thread(cast.acme, profile_name="Ada"))
    await tab.call(ComposerState.find_replies, "six")
    assert [one.body for one in tab.state(ComposerState).replies] == ["Hi Ada, until six. Bob Baker"]
    agent = await sign_in(cast.bob)
    refused = await agent.call(RepliesState.delete, state.replies[0].id)
    assert refused.notice == "Only an owner can change canned replies."
    await owner.call(RepliesState.edit, state.replies[0].id)
    await owner.call(RepliesState.delete, state.replies[0].id)
    assert state.replies == []


async def test_another_client_sees_and_reaches_none_of_it(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(ComposerState.schedule, TOMORROW, "Secret")
    await tab.call(InboxState.measure, "Secret draft")
    (item,) = tab.state(InboxState).planned
    async with db.tenant_session(cast.acme.tenant_id) as session:
        reply = await canned.add_reply(session, person(cast.alice), "Secret", "Secret")
    theirs = await at_thread(cast.charlie, thread)
    state, composer = theirs.state(InboxState), theirs.state(ComposerState)
    assert (state.planned, state.draft, state.is_missing) == ([], "", True)
    notices = []
    for target in (item.id, str(uuid4()), "x"):
        await theirs.call(ComposerState.edit, target)
        await theirs.call(ComposerState.cancel, target)
        await theirs.call(ComposerState.find_replies, "")
        notices.append((composer.editing, state.notice, composer.replies))
    assert notices[0] == notices[1]
    replies = await sign_in(cast.charlie)
    told = [(await replies.call(RepliesState.delete, str(one))).notice for one in (reply, uuid4())]
    assert told == ["This reply does not exist."] * 2
    await tab.call(InboxState.refresh)
    assert [one.body for one in tab.state(InboxState).planned] == ["Secret"]
