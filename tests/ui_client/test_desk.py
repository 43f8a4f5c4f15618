"""What the inbox does with whole threads, notes and colleagues, as its page calls it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.inbox import service
from tenant_portal.ui.live import Live, hub
from tenant_portal.ui.pages.inbox import DeskState, InboxState
from tenant_portal.ui.presence import WRITING_SECONDS, Presence, presence
from tests.cast import Cast, Someone
from tests.signed_in import person
from tests.threads import open_thread
from tests.ui_client.browser import Tab, sign_in

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(3)]


async def at_thread(someone: Someone, thread: UUID) -> Tab:
    tab = await sign_in(someone)
    await tab.call(InboxState.load, conversation_id=thread)
    return tab


async def hears(payload: str) -> None:
    """As if another process had told this one."""
    await Live(SimpleNamespace(event_namespace=None, sio=None))._receive("portal_presence", payload)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _nobody_writes() -> Iterator[None]:
    yield
    presence.writing.clear()
    presence.told.clear()


async def test_a_thread_is_closed_and_opened_again(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(DeskState.close, str(thread))
    state = tab.state(InboxState)
    assert (state.thread.state, state.threads, state.counts["closed"]) == ("closed", [], "1")
    assert (state.messages[-1].kind, state.messages[-1].body) == ("event", "Bob Baker closed this")
    await tab.call(DeskState.reopen, str(thread))
    assert (state.thread.state, len(state.threads)) == ("open", 1)


async def test_a_thread_is_assigned_and_snoozed(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(DeskState.assign, str(thread), str(cast.bob.user_id))
    until = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    await tab.call(DeskState.snooze, str(thread), until)
    state = tab.state(InboxState)
    assert (state.thread.assignee_id, state.thread.snoozed_until) == (str(cast.bob.user_id), until)
    assert [item.body for item in state.messages[1:]] == ["Bob Baker took this", "Bob Baker snoozed this until"]
    await tab.call(DeskState.assign, str(thread), "")
    assert state.thread.assignee_id == ""


async def test_what_is_left_for_later_is_not_read_at_once(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(InboxState.look, True)
    await tab.call(DeskState.mark_unread, str(thread))
    await tab.call(InboxState.refresh)
    assert tab.state(InboxState).threads[0].unread == 1
    await tab.call(InboxState.look, True)
    assert tab.state(InboxState).threads[0].unread == 0


async def test_what_is_picked_is_changed_together(cast: Cast) -> None:
    threads = [str(await open_thread(cast.acme, lead=number)) for number in NUMBERS]
    tab = await sign_in(cast.bob)
    await tab.call(InboxState.load)
    await tab.call(DeskState.pick, threads[0])
    await tab.call(DeskState.pick, threads[1])
    desk = await tab.call(DeskState.pick, threads[0])
    assert desk.picked == [threads[1]]
    assert len((await tab.call(DeskState.pick_all)).picked) == 3
    await tab.call(DeskState.read_picked)
    assert (tab.state(InboxState).counts["unread"], desk.picked) == ("", [])
    for handler, arguments in (
        (DeskState.unread_picked, ()),
        (DeskState.assign_picked, (str(cast.alice.user_id),)),
        (DeskState.snooze_picked, ((datetime.now(UTC) + timedelta(days=1)).isoformat(),)),
        (DeskState.close_picked, ()),
    ):
        await tab.call(DeskState.pick, threads[2])
        await tab.call(handler, *arguments)
        await tab.call(InboxState.set_view, "snoozed" if handler is DeskState.snooze_picked else "open")
    assert tab.state(InboxState).counts["closed"] == "1"
    assert (await tab.call(DeskState.pick_none)).picked == []


async def test_a_thread_that_is_not_shown_cannot_be_picked(cast: Cast) -> None:
    theirs = await open_thread(cast.globex)
    tab = await sign_in(cast.bob)
    await tab.call(InboxState.load)
    for target in (str(theirs), str(uuid4()), "x"):
        assert (await tab.call(DeskState.pick, target)).picked == []


@pytest.mark.parametrize(
    ("handler", "more"),
    [
        (DeskState.close, ()),
        (DeskState.reopen, ()),
        (DeskState.mark_unread, ()),
        (DeskState.assign, ("",)),
        (DeskState.snooze, ("2999-01-01",)),
    ],
)
async def test_anothers_thread_answers_as_a_made_up_one(cast: Cast, handler: Any, more: tuple[str, ...]) -> None:
    theirs = await open_thread(cast.globex)
    tab = await sign_in(cast.bob)
    told = [(await tab.call(handler, str(target), *more)).notice for target in (theirs, uuid4(), "not-an-id")]
    assert told[0]
    assert told[0] == told[1]
    assert told[2]
    assert (await tab.call(DeskState.close_notice)).notice == ""


async def test_a_note_stands_between_the_messages_and_is_never_sent(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(InboxState.choose_noting, True)
    state = await tab.call(InboxState.write_note, {"note": "Ask @Alice Archer"})
    assert [(item.kind, item.author) for item in state.messages] == [("message", ""), ("note", "Bob Baker")]
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert (await service.reply_options(session, cast.acme.tenant_id, thread)).preferred.reason is None
    mentioned = await at_thread(cast.alice, thread)
    assert mentioned.state(InboxState).counts["mentions"] == "1"
    state = await tab.call(InboxState.write_note, {"note": " "})
    assert state.note_error
    theirs = await at_thread(cast.charlie, thread)
    assert (await theirs.call(InboxState.write_note, {"note": "x"})).note_error


async def test_a_colleague_who_writes_is_seen_and_forgotten(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    place = f"{cast.acme.tenant_id}:{thread}"
    await hears(f"{place}:{cast.alice.user_id}:1")
    assert (await tab.call(InboxState.see_writers)).writers == "Alice Archer is answering"
    await hears(f"{place}:{cast.bob.user_id}:1")
    assert (await tab.call(InboxState.see_writers)).writers == "Alice Archer is answering"
    await hears(f"{place}:{cast.alice.user_id}:0")
    assert (await tab.call(InboxState.see_writers)).writers == ""


async def test_an_answer_beside_anothers_comes_back_once(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await hears(f"{cast.acme.tenant_id}:{thread}:{cast.alice.user_id}:1")
    state = await tab.call(InboxState.send, {"body": "On my way"})
    assert (state.draft, len(state.messages)) == ("On my way", 1)
    assert state.notice == "Alice Archer is answering here too. Press Enter again to send yours."
    state = await tab.call(InboxState.send, {"body": "On my way"})
    assert (state.notice, state.messages[-1].body) == ("", "On my way")


async def test_an_answer_that_came_while_one_wrote_is_pointed_out(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    tab = await at_thread(cast.bob, thread)
    await tab.call(InboxState.measure, "On")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await service.queue_reply(session, person(cast.alice), thread, "We are coming")
    await tab.call(InboxState.refresh)
    assert "has answered since" in (await tab.call(InboxState.send, {"body": "On my way"})).notice
    assert (await tab.call(InboxState.send, {"body": "On my way"})).notice == ""


async def test_keystrokes_are_told_at_most_every_few_seconds(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    async def note(*_: object, is_writing: bool) -> None:
        told.append(is_writing)

    monkeypatch.setattr("tenant_portal.ui.pages.inbox.state.tell", note)
    tab = await at_thread(cast.bob, await open_thread(cast.acme))
    for body in ("O", "On", "", "On my"):
        await tab.call(InboxState.measure, body)
    await tab.call(InboxState.send, {"body": "On my way"})
    assert told == [True, False]


@pytest.mark.parametrize(
    "payload", ["", ":::", "a:b:c:1", f"{uuid4()}:{uuid4()}"], ids=["nothing", "no ids", "a word more", "half"]
)
async def test_a_strange_word_about_presence_is_ignored(payload: str) -> None:
    await hears(payload)
    assert presence.writing == {}


def test_silence_ends_it() -> None:
    people, place, who = Presence(), (uuid4(), uuid4()), uuid4()
    assert people.note(place, who, 0.0, is_writing=True) is True
    assert people.note(place, who, 1.0, is_writing=True) is False
    assert people.forget(place, WRITING_SECONDS) is False
    assert people.others(place, uuid4(), WRITING_SECONDS) == [who]
    assert people.forget(place, WRITING_SECONDS + 1.0) is True
    assert people.writing == {}


async def test_presence_goes_to_those_who_look_at_the_thread_and_to_no_other(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    sent: list[str] = []

    async def emit(_: str, __: object, *, to: str) -> None:
        sent.append(to)

    live = Live(SimpleNamespace(event_namespace=SimpleNamespace(emit=emit), sio=None))  # type: ignore[arg-type]
    seats = {"bob": cast.bob, "elsewhere": cast.alice, "charlie": cast.charlie}
    for sid, someone in seats.items():
        hub.enter(sid, person(someone))
        who = hub.sockets[sid]
        who.thread = thread if sid != "elsewhere" else uuid4()
        who.on_presence = InboxState.see_writers
    try:
        await live._receive("portal_presence", f"{cast.acme.tenant_id}:{thread}:{cast.alice.user_id}:1")
        await asyncio.sleep(0)
        assert sent == ["bob"]
    finally:
        for sid in seats:
            hub.leave(sid)
