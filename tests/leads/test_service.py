"""Changing leads: names, stages, notes, and what the trail says about it."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tenant_portal import db
from tenant_portal.errors import BadInput, NotAllowed, NotFound
from tenant_portal.leads import queries, service, setup
from tenant_portal.leads.queries import NoteRow
from tenant_portal.leads.rules import FieldErrors
from tenant_portal.leads.service import LeadForm
from tests.cast import Cast, Company
from tests.leads.stage import a_lead, do, read, stages, trail
from tests.threads import receive

pytestmark = pytest.mark.database


async def notes(company: Company, lead_id: UUID) -> list[NoteRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_notes(session, company.tenant_id, lead_id)


async def test_a_lead_gets_a_name_and_the_trail_says_who_gave_it(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.edit, lead.id, LeadForm(name=" Ada  Lovelace "))
    assert (await read(cast.acme, lead.id)).name == "Ada Lovelace"
    assert await trail(cast.acme) == [("lead:edited", "Bob Baker")]


async def test_the_same_again_is_no_news(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.edit, lead.id, LeadForm())
    assert await trail(cast.acme) == []


async def test_everything_about_a_lead_is_changed_at_once(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    field = str(await do(cast.alice, setup.add_field, "Rooms", "number", ""))
    form = LeadForm("Ada", "1,250.50", "Call back", "2026-12-01", {field: "2,5", str(uuid4()): "unknown"})
    await do(cast.bob, service.edit, lead.id, form)
    now = await read(cast.acme, lead.id)
    assert (now.name, now.value, now.next_step, now.next_step_on) == (
        "Ada",
        Decimal("1250.50"),
        "Call back",
        date(2026, 12, 1),
    )
    assert now.fields == {field: "2.5"}


async def test_each_wrong_field_gets_its_sentence_and_nothing_is_changed(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    field = str(await do(cast.alice, setup.add_field, "Rooms", "number", ""))
    with pytest.raises(FieldErrors) as caught:
        await do(cast.bob, service.edit, lead.id, LeadForm("x" * 300, "much", "y" * 300, "soon", {field: "many"}))
    assert set(caught.value.fields) == {"name", "value", "next_step", "next_step_on", field}
    assert await read(cast.acme, lead.id) == lead


async def test_a_lead_moves_to_another_stage(cast: Cast) -> None:
    lead, ids = await a_lead(cast.acme), await stages(cast.acme)
    await do(cast.alice, service.set_stage, lead.id, ids["Won"])
    await do(cast.alice, service.set_stage, lead.id, ids["Won"])
    assert (await read(cast.acme, lead.id)).stage_name == "Won"
    assert await trail(cast.acme) == [("lead:stage-changed", "Alice Archer")]


async def test_neither_a_stage_nor_a_label_nor_a_person_of_another_client_can_be_used(cast: Cast) -> None:
    lead, theirs = await a_lead(cast.acme), await stages(cast.globex)
    label = await do(cast.charlie, setup.add_label, "VIP", "amber")
    for target in (theirs["Won"], uuid4()):
        with pytest.raises(BadInput, match="no such stage"):
            await do(cast.bob, service.set_stage, lead.id, target)
    for target in (cast.charlie.user_id, cast.sam.user_id, uuid4()):
        with pytest.raises(BadInput, match="not in your team"):
            await do(cast.bob, service.set_owner, lead.id, target)
    for target in (label, uuid4()):
        with pytest.raises(BadInput, match="no such label"):
            await do(cast.bob, service.set_label, lead.id, target, on=True)
    assert await read(cast.acme, lead.id) == lead


async def test_a_lead_gets_an_owner_and_loses_it(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.alice, service.set_owner, lead.id, cast.bob.user_id)
    assert (await read(cast.acme, lead.id)).owner_name == "Bob Baker"
    await do(cast.alice, service.set_owner, lead.id, None)
    assert (await read(cast.acme, lead.id)).owner_id is None
    assert [action for action, _ in await trail(cast.acme)] == ["lead:owner-changed"] * 2


async def test_who_has_left_the_team_owns_nothing_new(cast: Cast, admin_url: str) -> None:
    lead = await a_lead(cast.acme)
    with psycopg.connect(admin_url) as connection:
        connection.execute("update portal_user set disabled_at = now() where id = %s", (cast.bob.user_id,))
    with pytest.raises(BadInput, match="not in your team"):
        await do(cast.alice, service.set_owner, lead.id, cast.bob.user_id)


async def test_labels_go_on_and_off_and_twice_is_no_news(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    for on in (True, True, False, False):
        await do(cast.bob, service.set_label, lead.id, label, on=on)
    assert (await read(cast.acme, lead.id)).labels == ()
    assert [action for action, _ in await trail(cast.acme)][1:] == ["lead:labelled", "lead:unlabelled"]


async def test_a_lead_is_entered_by_hand_once(cast: Cast) -> None:
    lead_id = await do(cast.bob, service.create, "(415) 555-0177", "Grace")
    lead = await read(cast.acme, lead_id)
    assert (lead.address, lead.name, lead.source, lead.stage_name) == ("+14155550177", "Grace", None, "New")
    with pytest.raises(BadInput, match="already") as caught:
        await do(cast.bob, service.create, "+1 415 555 0177", "Grace again")
    assert caught.value.field == "number"
    await receive(cast.acme, lead="+14155550177")
    assert (await read(cast.acme, lead_id)).conversation_id is not None


async def test_a_note_carries_its_author(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.add_note, lead.id, "Wants a quote\nfor two rooms ")
    (note,) = await notes(cast.acme, lead.id)
    assert (note.author_name, note.body) == ("Bob Baker", "Wants a quote\nfor two rooms")


async def test_the_author_deletes_a_note(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    note_id = await do(cast.bob, service.add_note, lead.id, "Oops")
    await do(cast.bob, service.delete_note, note_id)
    assert await notes(cast.acme, lead.id) == []


async def test_nobody_else_of_the_team_deletes_it(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    note_id = await do(cast.bob, service.add_note, lead.id, "Mine")
    with pytest.raises(NotAllowed, match="Only the author"):
        await do(cast.alice, service.delete_note, note_id)
    assert len(await notes(cast.acme, lead.id)) == 1


TRIES = [
    (service.edit, (LeadForm(name="Ours now"),), {}),
    (service.set_stage, (uuid4(),), {}),
    (service.set_owner, (None,), {}),
    (service.set_label, (uuid4(),), {"on": True}),
    (service.set_blocked, (), {"blocked": True}),
    (service.add_note, ("Ours now",), {}),
]


@pytest.mark.parametrize(("change", "arguments", "named"), TRIES)
async def test_anothers_lead_cannot_be_changed_and_looks_made_up(
    cast: Cast, change: Any, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    lead, answers = await a_lead(cast.acme), []
    for target in (lead.id, uuid4()):
        with pytest.raises(NotFound) as caught:
            await do(cast.charlie, change, target, *arguments, **named)
        answers.append(caught.value.message)
    assert answers[0] == answers[1]
    assert await read(cast.acme, lead.id) == lead


async def test_anothers_note_cannot_be_deleted(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    note_id = await do(cast.bob, service.add_note, lead.id, "Ours")
    with pytest.raises(NotFound):
        await do(cast.charlie, service.delete_note, note_id)
    assert len(await notes(cast.acme, lead.id)) == 1
