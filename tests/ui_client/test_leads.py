"""The handlers of the pages of leads and of the home page."""

from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.leads import importing, jobs, service, setup
from tenant_portal.leads.queries import list_leads
from tenant_portal.ui.pages.home import HomeState
from tenant_portal.ui.pages.leads import (
    BoardState,
    DuplicatesState,
    LeadImportState,
    LeadSetupState,
    LeadsState,
    LeadState,
    board_state,
    detail_state,
    list_state,
)
from tenant_portal.ui.pages.leads.items import LeadItem
from tests.cast import Cast, Company, Someone
from tests.leads.stage import do, stages
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
    ids = await stages(cast.acme)
    tab = await sign_in(cast.bob)
    assert len((await tab.call(LeadsState.load)).rows) == 2
    assert [row.name for row in (await tab.call(LeadsState.find, "ada")).rows] == ["Ada"]
    assert (await tab.call(LeadsState.set_stage, str(ids["Won"]))).rows == []
    assert (await tab.call(LeadsState.set_stage, "")).filtered
    for choose in (LeadsState.set_owner, LeadsState.set_label, LeadsState.set_source, LeadsState.set_due):
        assert len((await tab.call(choose, "no such thing")).rows) == 1
    assert (await tab.call(LeadsState.set_owner, "nobody")).rows != []
    assert (await tab.call(LeadsState.set_due, "overdue")).rows == []
    assert (await tab.call(LeadsState.show_blocked, True)).rows == []


async def test_pages_are_turned_forward_and_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_state, "PAGE", 2)
    for n in range(5):
        await receive(cast.acme, lead=f"+1415555000{n}")
    tab = await sign_in(cast.bob)
    seen = [[row.number[-1] for row in (await tab.call(LeadsState.load)).rows]]
    for turn in (LeadsState.next_page, LeadsState.next_page, LeadsState.next_page, LeadsState.previous_page):
        state = await tab.call(turn)
        seen.append([row.number[-1] for row in state.rows])
    assert seen == [["4", "3"], ["2", "1"], ["0"], ["0"], ["2", "1"]]
    assert (state.page_number, state.has_more) == (2, True)
    assert (await tab.call(LeadsState.order, "name")).page_number == 1


async def test_a_lead_is_added_by_hand_and_errors_stand_beside_their_field(cast: Cast) -> None:
    tab = await sign_in(cast.bob)
    state = await tab.call(LeadsState.open_add, True)
    await tab.call(LeadsState.add, {"number": "nonsense", "name": "Ada"})
    assert ("country code" in state.number_error, state.is_adding) == (True, True)
    await tab.call(LeadsState.add, {"number": "+14155550177", "name": "x" * 300})
    assert "at most 200" in state.name_error
    await tab.call(LeadsState.add, {"number": "+14155550177", "name": "Ada"})
    assert not state.is_adding
    assert [row.source_name for row in (await tab.call(LeadsState.load)).rows] == ["Entered by your team"]


async def test_the_board_has_a_column_for_each_stage_and_cards_move(cast: Cast) -> None:
    lead_id, ids = await a_lead(cast.acme, profile_name="Ada"), await stages(cast.acme)
    tab = await sign_in(cast.bob)
    await (await opened(cast.bob, lead_id)).call(LeadState.edit, {"value": "1250"})
    state = await tab.call(BoardState.load)
    assert [(one.name, one.count) for one in state.columns][:2] == [("New", "1"), ("Contacted", "0")]
    assert state.columns[0].value == "$1,250.00"
    await tab.call(BoardState.move, str(lead_id), str(ids["Won"]))
    assert [card.name for one in state.columns if one.name == "Won" for card in one.cards] == ["Ada"]
    await tab.call(BoardState.move, str(lead_id), str((await stages(cast.globex))["New"]))
    assert state.notice == "There is no such stage."
    await tab.call(BoardState.find, "nobody")
    assert sum(len(one.cards) for one in state.columns) == 0


async def test_a_column_shows_more_on_demand(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_state, "COLUMN_PAGE", 2)
    for n in range(5):
        await receive(cast.acme, lead=f"+1415555000{n}")
    tab = await sign_in(cast.bob)
    state = await tab.call(BoardState.load)
    first = state.columns[0]
    assert (len(first.cards), first.count, first.has_more) == (2, "5", True)
    for shown in (4, 5):
        await tab.call(BoardState.show_more, first.id)
        assert len(state.columns[0].cards) == shown
    assert not state.columns[0].has_more
    await tab.call(BoardState.show_more, "junk")


async def test_a_lead_shows_who_it_is_and_what_happened(cast: Cast) -> None:
    lead_id = await a_lead(cast.acme, body="Are you open?", profile_name="Ada", place="Oakland, CA, US")
    state = (await opened(cast.bob, lead_id)).state(LeadState)
    assert (state.lead.name, state.lead.number, state.lead.place) == ("Ada", "+1 415-555-0999", "Oakland, CA, US")
    assert [line.text for line in state.moments] == ["Are you open?"]
    assert [(use.name, use.count) for use in state.uses] == [("SMS", "1 message")]


async def test_everything_is_changed_on_the_page_and_told_in_the_timeline(cast: Cast) -> None:
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    field = str(await do(cast.alice, setup.add_field, "Rooms", "number", ""))
    tab = await opened(cast.bob, await a_lead(cast.acme))
    form = {"name": "Ada Lovelace", "value": "12.5", "next_step": "Call", "next_step_on": "2020-01-01"}
    await tab.call(LeadState.edit, form | {f"field-{field}": "3"})
    await tab.call(LeadState.set_stage, str((await stages(cast.acme))["Qualified"]))
    await tab.call(LeadState.set_owner, str(cast.alice.user_id))
    await tab.call(LeadState.toggle_label, str(label))
    state = await tab.call(LeadState.add_note, {"note": "Wants a quote"})
    lead = state.lead
    assert (lead.name, lead.stage_name, lead.owner_name, lead.value) == (
        "Ada Lovelace",
        "Qualified",
        "Alice Archer",
        "$12.50",
    )
    assert (lead.next_step, lead.is_overdue, state.fields[0].value) == ("Call", True, "3")
    assert [one.name for one in lead.labels] == ["VIP"]
    assert [one.text for one in state.moments] == [
        "Wants a quote",
        "put on the label VIP",
        "gave this lead to Alice Archer",
        "moved it from New to Qualified",
        "changed the name, the value, the next step, its day, own fields",
        "Hello",
    ]
    assert [one.is_mine for one in state.moments] == [True, False, False, False, False, False]
    await tab.call(LeadState.toggle_label, str(label))
    await tab.call(LeadState.set_owner, "")
    assert (state.lead.labels, state.lead.owner_name) == ([], "")


async def test_only_the_author_is_offered_to_delete_a_note(cast: Cast) -> None:
    lead_id = await a_lead(cast.acme)
    await (await opened(cast.bob, lead_id)).call(LeadState.add_note, {"note": "Mine"})
    tab = await opened(cast.alice, lead_id)
    (note,) = [one for one in tab.state(LeadState).moments if one.look == "note"]
    assert not note.is_mine
    state = await tab.call(LeadState.delete_note, note.id)
    assert (state.notice, state.tone) == ("Only the author can delete a note.", "bad")


async def test_bad_input_gets_a_sentence_beside_its_field_and_stays_in_the_form(cast: Cast) -> None:
    field = str(await do(cast.alice, setup.add_field, "Rooms", "number", ""))
    tab = await opened(cast.bob, await a_lead(cast.acme))
    wrong = {"name": "x" * 300, "value": "much", "next_step_on": "soon", f"field-{field}": "many"}
    state = await tab.call(LeadState.edit, wrong)
    assert {name for name, sentence in state.errors.items() if sentence} == {"name", "value", "next_step_on", field}
    assert (state.form_round, state.notice) == (0, "")
    state = await tab.call(LeadState.add_note, {"note": "x" * 5000})
    assert "at most 4000" in state.errors["note"]
    assert (state.errors["name"], len(state.note_draft), state.note_round) == ("", 4001, 1)


async def test_the_timeline_goes_back_on_demand(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_id = await a_lead(cast.acme)
    for _ in range(2):
        await receive(cast.acme)
    monkeypatch.setattr(detail_state, "PAGE", 2)
    tab = await opened(cast.bob, lead_id)
    assert (len(tab.state(LeadState).moments), tab.state(LeadState).has_older) == (2, True)
    state = await tab.call(LeadState.load_older)
    assert (len(state.moments), state.has_older) == (3, False)


async def test_a_lead_is_blocked_and_unblocked(cast: Cast) -> None:
    tab = await opened(cast.bob, await a_lead(cast.acme))
    assert (await tab.call(LeadState.set_blocked, True)).lead.blocked_at != ""
    assert (await tab.call(LeadState.set_blocked, False)).lead.blocked_at == ""


async def test_another_lead_of_the_person_is_found_merged_and_taken_out_again(cast: Cast) -> None:
    lead_id = await a_lead(cast.acme, lead="+14155550001")
    other = await a_lead(cast.acme, lead="+14155550002", profile_name="Ada at work")
    tab = await opened(cast.bob, lead_id)
    state = await tab.call(LeadState.find_twin, "ada")
    assert [one.id for one in state.candidates] == [str(other)]
    assert (await tab.call(LeadState.find_twin, "0001")).candidates == []
    await tab.call(LeadState.merge, str(other))
    assert [one.name for one in state.merges] == ["Ada at work"]
    await tab.call(LeadState.undo_merge, state.merges[0].id)
    assert (state.merges, state.notice) == ([], "They are two leads again.")


async def test_duplicates_are_merged_or_kept_apart(cast: Cast) -> None:
    for n in range(3):
        await do(cast.bob, service.create, f"+1415555000{n}", "Ada")
    tab = await sign_in(cast.bob)
    state = await tab.call(DuplicatesState.load)
    assert {pair.reason for pair in state.pairs} == {"The same name"}
    pair = state.pairs[0]
    await tab.call(DuplicatesState.keep_apart, pair.first.id, pair.second.id)
    assert len(state.pairs) == 2
    pair = state.pairs[0]
    await tab.call(DuplicatesState.merge, pair.first.id, pair.second.id)
    assert (state.pairs, state.tone) == ([], "good")
    await tab.call(DuplicatesState.merge, pair.first.id, pair.second.id)
    assert (state.notice, state.tone) == ("This lead does not exist.", "bad")


async def test_an_owner_sets_up_stages_labels_and_fields(cast: Cast) -> None:
    await a_lead(cast.acme)
    tab = await sign_in(cast.alice)
    state = await tab.call(LeadSetupState.load)
    await tab.call(LeadSetupState.open_form, "new-stage")
    await tab.call(LeadSetupState.save_stage, {"name": "New", "colour": "red", "kind": "open"})
    assert ("already" in state.name_error, state.editing) == (True, "new-stage")
    await tab.call(LeadSetupState.save_stage, {"name": "Offer", "colour": "red", "kind": "open"})
    assert [one.name for one in state.stages] == ["New", "Contacted", "Qualified", "Offer", "Won", "Lost"]
    await tab.call(LeadSetupState.shift_stage, state.stages[3].id, -1)
    await tab.call(LeadSetupState.ask_delete_stage, state.stages[0].id)
    assert (state.doomed_name, state.doomed_count, len(state.goals)) == ("New", 1, 5)
    await tab.call(LeadSetupState.delete_stage, {"goal": state.goals[1].value})
    assert [(one.name, one.count) for one in state.stages][:2] == [("Contacted", 0), ("Offer", 1)]
    await tab.call(LeadSetupState.open_form, "new-label")
    await tab.call(LeadSetupState.save_label, {"name": "VIP", "colour": "amber"})
    await tab.call(LeadSetupState.open_form, "new-field")
    await tab.call(LeadSetupState.choose_kind, "choice")
    await tab.call(LeadSetupState.save_field, {"name": "Size", "choices": ""})
    assert "at least one choice" in state.choices_error
    await tab.call(LeadSetupState.save_field, {"name": "Size", "choices": "Small\nLarge"})
    await tab.call(LeadSetupState.set_currency, "EUR")
    assert ([one.name for one in state.labels], state.fields[0].choices, state.currency) == (
        ["VIP"],
        "Small\nLarge",
        "EUR",
    )
    await tab.call(LeadSetupState.delete_label, state.labels[0].id)
    await tab.call(LeadSetupState.delete_field, state.fields[0].id)
    assert (state.labels, state.fields) == ([], [])


async def test_a_file_is_mapped_checked_imported_and_undone_on_the_page(cast: Cast) -> None:
    tab = await sign_in(cast.bob)
    await do(cast.bob, importing.start, "x.csv", b"Phone,Who\n+14155550001,Ada\nnobody,Grace\n")
    state = await tab.call(LeadImportState.load)
    assert [one.word for one in state.imports] == ["Being read"]
    await jobs.drain(cast.acme.tenant_id)
    await tab.call(LeadImportState.refresh)
    assert [(one.name, one.sample, one.target) for one in state.current.columns] == [
        ("Phone", "+14155550001", "number"),
        ("Who", "Ada", ""),
    ]
    await tab.call(LeadImportState.choose_target, 0, "")
    await tab.call(LeadImportState.check)
    assert "phone number" in state.mapping_error
    for place, target in ((0, "number"), (1, "name"), (1, "no such thing"), (7, "value")):
        await tab.call(LeadImportState.choose_target, place, target)
    await tab.call(LeadImportState.check)
    await jobs.drain(cast.acme.tenant_id)
    await tab.call(LeadImportState.refresh)
    assert (state.current.state, state.current.good, state.current.bad) == ("ready", "1", 1)
    assert (await tab.call(LeadImportState.remap)).current.state == "mapping"
    await tab.call(LeadImportState.check)
    await jobs.drain(cast.acme.tenant_id)
    await tab.call(LeadImportState.refresh)
    await tab.call(LeadImportState.confirm)
    await jobs.drain(cast.acme.tenant_id)
    await tab.call(LeadImportState.refresh)
    assert [(one.word, one.outcome) for one in state.imports] == [("Imported", "1 leads were made.")]
    await tab.call(LeadImportState.undo, state.imports[0].id)
    await jobs.drain(cast.acme.tenant_id)
    await tab.call(LeadImportState.refresh)
    assert state.imports[0].word == "Undone"
    await tab.call(LeadImportState.discard, state.imports[0].id)
    assert state.imports == []


@pytest.mark.parametrize(("problem", "shown"), [("busy", "Another file"), ("<script>", ""), ("", "")])
async def test_an_upload_that_was_refused_says_why_in_words_of_ours(cast: Cast, problem: str, shown: str) -> None:
    tab = await sign_in(cast.bob)
    state = await tab.call(LeadImportState.load, problem=problem)
    assert state.notice[: len(shown) or 1] == shown


async def test_an_agent_is_refused_the_set_up(cast: Cast) -> None:
    tab = await sign_in(cast.bob)
    state = await tab.call(LeadSetupState.load)
    await tab.call(LeadSetupState.open_form, "new-label")
    await tab.call(LeadSetupState.save_label, {"name": "VIP", "colour": "amber"})
    assert (state.notice, state.tone, state.labels) == (
        "Only an owner can change stages, labels and fields.",
        "bad",
        [],
    )


async def test_anothers_lead_looks_like_a_made_up_one(cast: Cast) -> None:
    theirs = await a_lead(cast.globex)
    seen = [(await opened(cast.bob, target)).state(LeadState) for target in (theirs, uuid4(), "junk")]
    assert seen[0].is_missing
    assert seen[0].lead == LeadItem()
    assert seen[0].dict() == seen[1].dict() == seen[2].dict()


async def test_a_lead_that_is_not_there_cannot_be_changed(cast: Cast) -> None:
    theirs = await a_lead(cast.globex)
    tab = await opened(cast.bob, theirs)
    state = await tab.call(LeadState.edit, {"name": "Ours now"})
    assert (state.notice, state.tone) == ("This lead does not exist.", "bad")


async def test_nothing_of_another_client_is_on_any_page_of_leads(cast: Cast) -> None:
    for number in ("+14155550001", "+14155550002"):
        lead_id = await a_lead(cast.globex, lead=number)
        await do(cast.charlie, service.edit, lead_id, service.LeadForm(name="Secret"))
    await do(cast.charlie, setup.add_label, "Secret", "amber")
    await do(cast.charlie, setup.add_field, "Secret", "text", "")
    tab = await sign_in(cast.bob)
    await do(cast.charlie, importing.start, "Secret.csv", b"Secret\nSecret\n")
    await jobs.drain(cast.globex.tenant_id)
    states = (LeadsState, BoardState, DuplicatesState, LeadSetupState, LeadImportState)
    for load in [kind.load for kind in states]:
        state = await tab.call(load)
        assert "Secret" not in repr(state.dict())
        assert "+1 415-555-000" not in repr(state.dict())


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


async def test_an_owner_deletes_a_person_and_sees_how_far_it_is(cast: Cast) -> None:
    lead_id = await a_lead(cast.acme)
    agent = await opened(cast.bob, lead_id)
    assert (await agent.call(LeadState.erase)).notice == "Only an owner can delete a person."
    await (await opened(cast.alice, lead_id)).call(LeadState.erase)
    assert (await opened(cast.bob, lead_id)).state(LeadState).is_missing
    state = await (await sign_in(cast.bob)).call(LeadImportState.load)
    (row,) = state.erasures
    assert (row.about, row.who, row.is_done) == ("Number ending in 99", "Alice Archer", False)
    assert row.words.startswith("0 of 1 things")
    assert (await (await sign_in(cast.charlie)).call(LeadImportState.load)).erasures == []
