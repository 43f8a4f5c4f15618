"""Search, labels and the place in a thread, as the inbox's page calls them."""

from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.identity.queries import Person
from tenant_portal.inbox.queries import get_thread
from tenant_portal.leads import service as leads
from tenant_portal.leads import setup
from tenant_portal.ui.pages.inbox import DeskState, FindState, FoundState, InboxState
from tests.cast import Cast, Company, Someone
from tests.threads import open_thread, receive
from tests.ui_client.browser import Tab, sign_in

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(3)]


def person(someone: Someone) -> Person:
    return Person(someone.user_id, someone.tenant_id, someone.name, someone.email, someone.role, uuid4())


def body_of(number: int) -> str:
    return f"<b>parcel</b> {number}" if number == 5 else f"message {number}"


async def labelled(company: Company, owner: Someone, thread: UUID) -> str:
    """A label of the company on the lead of this thread; its id."""
    async with db.tenant_session(company.tenant_id) as session:
        row = await get_thread(session, company.tenant_id, thread)
        label = await setup.add_label(session, person(owner), "Urgent", "red")
        await leads.set_label(session, person(owner), row.lead_id, label, on=True)
    return str(label)


async def opened(someone: Someone, thread: UUID) -> Tab:
    tab = await sign_in(someone)
    await tab.call(InboxState.load, conversation_id=thread)
    return tab


async def test_a_search_shows_messages_in_context_and_opens_the_thread_there(cast: Cast) -> None:
    thread = await open_thread(cast.acme, lead=NUMBERS[0], body="message 0")
    for number in range(1, 90):
        await receive(
            cast.acme, lead=NUMBERS[0], body=f"<b>parcel</b> {number}" if number == 5 else f"message {number}"
        )
    await receive(cast.acme, lead=NUMBERS[1], body="other")
    tab = await sign_in(cast.bob)
    await tab.call(InboxState.load)
    state = await tab.call(InboxState.find, "parc")
    found = tab.state(FoundState)
    assert (state.threads, found.has_more_hits) == ([], False)
    assert [(part.text, part.is_hit) for part in found.hits[0].parts] == [
        ("<b>", False), ("parc", True), ("el</b> 5", False)
    ]  # fmt: skip
    await tab.call(FindState.open_hit, found.hits[0].id)
    state = await tab.call(InboxState.load, conversation_id=thread)
    assert [item.body for item in state.messages] == [body_of(number) for number in range(31)]
    assert (found.found_id, found.newer) == (found.hits[0].id, "59")
    await tab.call(FindState.show_later)
    assert (state.messages[-1].body, found.newer) == ("message 55", "34")
    await tab.call(FindState.to_newest)
    assert (state.messages[-1].body, found.newer, len(state.messages)) == ("message 89", "", 50)


async def test_another_thread_shows_its_newest_page(cast: Cast) -> None:
    first = await open_thread(cast.acme, lead=NUMBERS[0], body="parcel")
    second = await open_thread(cast.acme, lead=NUMBERS[1], body="two")
    tab = await opened(cast.bob, first)
    await tab.call(InboxState.find, "parcel")
    await tab.call(FindState.open_hit, tab.state(FoundState).hits[0].id)
    await tab.call(InboxState.load, conversation_id=second)
    assert tab.state(FoundState).found_id == ""


async def test_a_message_of_the_other_tenant_opens_as_one_that_nobody_has(cast: Cast) -> None:
    theirs = await receive(cast.acme, body="canary")
    tab = await sign_in(cast.charlie)
    await tab.call(InboxState.load)
    answers = []
    for wanted in (theirs, uuid4()):
        await tab.call(FindState.open_hit, str(wanted))
        answers.append((tab.state(InboxState).notice, tab.state(FoundState).found_id))
    assert answers[0] == answers[1] == ("This message does not exist.", "")
    await tab.call(InboxState.find, "canary")
    assert tab.state(FoundState).hits == []


async def test_threads_are_filtered_by_label_and_labelled_from_the_thread(cast: Cast) -> None:
    thread = await open_thread(cast.acme, lead=NUMBERS[0])
    await receive(cast.acme, lead=NUMBERS[1])
    label = await labelled(cast.acme, cast.alice, thread)
    tab = await opened(cast.bob, thread)
    state, found = tab.state(InboxState), tab.state(FoundState)
    await tab.call(FindState.set_label, label)
    assert [(item.id, [one.name for one in item.labels]) for item in state.threads] == [(str(thread), ["Urgent"])]
    assert [(item.name, item.is_on) for item in found.thread_labels] == [("Urgent", True)]
    await tab.call(FindState.toggle_label, label)
    assert (state.threads, found.thread_labels[0].is_on) == ([], False)
    await tab.call(FindState.set_label, "")
    assert len(state.threads) == 2


async def test_the_other_tenants_label_filters_and_labels_nothing(cast: Cast) -> None:
    theirs = await labelled(cast.acme, cast.alice, await open_thread(cast.acme))
    tab = await opened(cast.charlie, await open_thread(cast.globex))
    answers = []
    for wanted in (theirs, str(uuid4())):
        await tab.call(FindState.set_label, wanted)
        await tab.call(FindState.toggle_label, wanted)
        state, found = tab.state(InboxState), tab.state(FoundState)
        answers.append((state.notice, found.label_id, len(state.threads), found.thread_labels))
    assert answers[0] == answers[1] == ("There is no such label.", "", 1, [])
    assert tab.state(DeskState).notice == ""
