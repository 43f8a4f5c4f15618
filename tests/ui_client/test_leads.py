"""The handlers of the pages of leads and of the home page."""

from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.leads.queries import list_leads
from tenant_portal.ui.pages.home import HomeState
from tenant_portal.ui.pages.leads import LeadsState, LeadState
from tenant_portal.ui.pages.leads.items import LeadItem
from tests.cast import Cast, Company, Someone
from tests.threads import receive
from tests.ui_client.browser import Tab, sign_in

pytestmark = pytest.mark.database


async def a_lead(company: Company, **more: object) -> UUID:
    await receive(company, **more)  # type: ignore[arg-type]
    async with db.tenant_session(company.tenant_id) as session:
        return (await list_leads(session, company.tenant_id))[0].id


async def opened(someone: Someone, lead_id: UUID | str) -> Tab:
    tab = await sign_in(someone)
    await tab.call(LeadState.load, lead_id=lead_id)
    return tab


async def test_the_list_is_searched_and_filtered(cast: Cast) -> None:
    await receive(cast.acme, lead="+14155550001", profile_name="Ada")
    await receive(cast.acme, lead="+14155550002")
    tab = await sign_in(cast.bob)
    assert len((await tab.call(LeadsState.load)).rows) == 2
    assert [row.name for row in (await tab.call(LeadsState.find, "ada")).rows] == ["Ada"]
    assert (await tab.call(LeadsState.set_stage, "won")).rows == []
    assert len((await tab.call(LeadsState.set_stage, "no such stage")).rows) == 1


async def test_more_leads_are_loaded_on_demand(cast: Cast) -> None:
    for n in range(3):
        await receive(cast.acme, lead=f"+1415555000{n}")
    tab = await sign_in(cast.bob)
    tab.state(LeadsState)._shown = 2
    assert (await tab.call(LeadsState.refresh)).has_more
    assert len((await tab.call(LeadsState.load_more)).rows) == 3


async def test_a_lead_shows_who_it_is_and_what_was_said(cast: Cast) -> None:
    lead_id = await a_lead(cast.acme, body="Are you open?", profile_name="Ada", place="Oakland, CA, US")
    state = (await opened(cast.bob, lead_id)).state(LeadState)
    assert (state.lead.name, state.lead.number, state.lead.place) == ("Ada", "+1 415-555-0999", "Oakland, CA, US")
    assert [line.text for line in state.lines] == ["Are you open?"]
    assert [(use.name, use.count) for use in state.uses] == [("SMS", "1 message")]


async def test_name_stage_and_notes_are_changed_on_the_page(cast: Cast) -> None:
    tab = await opened(cast.bob, await a_lead(cast.acme))
    await tab.call(LeadState.rename, {"name": "Ada Lovelace"})
    await tab.call(LeadState.set_stage, "qualified")
    state = await tab.call(LeadState.add_note, {"note": "Wants a quote"})
    assert (state.lead.name, state.lead.stage_name) == ("Ada Lovelace", "Qualified")
    assert [(note.body, note.is_mine) for note in state.notes] == [("Wants a quote", True)]


async def test_only_the_author_is_offered_to_delete_a_note(cast: Cast) -> None:
    lead_id = await a_lead(cast.acme)
    await (await opened(cast.bob, lead_id)).call(LeadState.add_note, {"note": "Mine"})
    tab = await opened(cast.alice, lead_id)
    (note,) = tab.state(LeadState).notes
    assert not note.is_mine
    state = await tab.call(LeadState.delete_note, note.id)
    assert (state.notice, state.tone, len(state.notes)) == ("Only the author can delete a note.", "bad", 1)


async def test_bad_input_gets_a_sentence_beside_its_field_and_comes_back(cast: Cast) -> None:
    tab = await opened(cast.bob, await a_lead(cast.acme))
    state = await tab.call(LeadState.rename, {"name": "x" * 300})
    assert "at most 200" in state.name_error
    state = await tab.call(LeadState.add_note, {"note": "x" * 5000})
    assert "at most 4000" in state.note_error
    assert (state.name_error, len(state.note_draft), state.note_round) == ("", 4001, 1)


async def test_a_stage_that_does_not_exist_is_refused(cast: Cast) -> None:
    tab = await opened(cast.bob, await a_lead(cast.acme))
    state = await tab.call(LeadState.set_stage, "billionaire")
    assert (state.notice, state.tone) == ("There is no such stage.", "bad")


async def test_anothers_lead_looks_like_a_made_up_one(cast: Cast) -> None:
    theirs = await a_lead(cast.globex)
    seen = [(await opened(cast.bob, target)).state(LeadState) for target in (theirs, uuid4(), "junk")]
    assert seen[0].is_missing
    assert seen[0].lead == LeadItem()
    assert seen[0].dict() == seen[1].dict() == seen[2].dict()


async def test_a_lead_that_is_not_there_cannot_be_changed(cast: Cast) -> None:
    theirs = await a_lead(cast.globex)
    tab = await opened(cast.bob, theirs)
    state = await tab.call(LeadState.rename, {"name": "Ours now"})
    assert (state.notice, state.tone) == ("This lead does not exist.", "bad")


async def test_home_counts_the_last_day(cast: Cast) -> None:
    await receive(cast.acme, kind="sms")
    await receive(cast.acme, kind="voicemail")
    state = await (await sign_in(cast.bob)).call(HomeState.load)
    assert (state.new_leads, state.messages_in, state.calls, state.unread) == (1, 1, 1, 1)
    assert [(item.name, item.word) for item in state.channels] == [
        ("SMS", "Connected"),
        ("WhatsApp", "Connected"),
        ("Voicemail", "Connected"),
    ]


async def test_home_of_another_client_shows_nothing_of_it(cast: Cast) -> None:
    await receive(cast.acme)
    state = await (await sign_in(cast.charlie)).call(HomeState.load)
    assert (state.new_leads, state.messages_in, state.threads) == (0, 0, [])
