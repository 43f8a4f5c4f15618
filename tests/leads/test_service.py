"""Changing leads: names, stages, notes, and what the trail says about it."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import db
from tenant_portal.errors import BadInput, NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads import queries, service
from tenant_portal.leads.queries import LeadRow, NoteRow
from tenant_portal.models.enums import Stage
from tests.cast import Cast, Company, Someone
from tests.signed_in import person
from tests.threads import receive

pytestmark = pytest.mark.database


async def a_lead(company: Company) -> LeadRow:
    async with db.tenant_session(company.tenant_id) as session:
        found = await queries.list_leads(session, company.tenant_id)
    if not found:
        await receive(company)
        return await a_lead(company)
    return found[0]


async def notes(company: Company, lead_id: UUID) -> list[NoteRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_notes(session, company.tenant_id, lead_id)


async def trail(company: Company) -> list[tuple[str, str]]:
    async with db.tenant_session(company.tenant_id) as session:
        rows = await session.execute(text("select action, actor_name from audit_event order by id"))
        return [(action, name) for action, name in rows]


async def do(someone: Someone, change: Callable[..., Awaitable[object]], *arguments: object) -> object:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await change(session, person(someone), *arguments)


async def test_a_lead_gets_a_name_and_the_trail_says_who_gave_it(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.rename, lead.id, " Ada  Lovelace ")
    assert (await a_lead(cast.acme)).name == "Ada Lovelace"
    assert await trail(cast.acme) == [("lead:renamed", "Bob Baker")]


async def test_the_same_name_again_is_no_news(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.rename, lead.id, "")
    assert await trail(cast.acme) == []


async def test_a_name_that_is_too_long_changes_nothing(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    with pytest.raises(BadInput):
        await do(cast.bob, service.rename, lead.id, "x" * 300)
    assert (await a_lead(cast.acme)).name == ""


async def test_a_lead_moves_to_another_stage(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.alice, service.set_stage, lead.id, "won")
    await do(cast.alice, service.set_stage, lead.id, "won")
    assert (await a_lead(cast.acme)).stage is Stage.WON
    assert await trail(cast.acme) == [("lead:stage-changed", "Alice Archer")]


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


@pytest.mark.parametrize("change", [service.rename, service.set_stage, service.add_note])
async def test_anothers_lead_cannot_be_changed_and_looks_made_up(
    cast: Cast, change: Callable[[AsyncSession, Person, UUID, str], Awaitable[object]]
) -> None:
    lead, answers = await a_lead(cast.acme), []
    for target in (lead.id, uuid4()):
        with pytest.raises(NotFound) as caught:
            await do(cast.charlie, change, target, "won")
        answers.append(caught.value.message)
    assert answers[0] == answers[1]
    assert await a_lead(cast.acme) == lead


async def test_anothers_note_cannot_be_deleted(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    note_id = await do(cast.bob, service.add_note, lead.id, "Ours")
    with pytest.raises(NotFound):
        await do(cast.charlie, service.delete_note, note_id)
    assert len(await notes(cast.acme, lead.id)) == 1
