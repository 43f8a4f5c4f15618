"""One order of everything that happened with a lead."""

from uuid import UUID

import pytest

from tenant_portal import db
from tenant_portal.leads import service, timeline
from tenant_portal.leads.service import LeadForm
from tenant_portal.leads.timeline import Moment
from tests.cast import Cast, Company
from tests.leads.stage import a_lead, do, stages
from tests.threads import receive

pytestmark = pytest.mark.database


async def moments(company: Company, lead_id: UUID, **more: object) -> list[Moment]:
    async with db.tenant_session(company.tenant_id) as session:
        return await timeline.list_moments(session, company.tenant_id, lead_id, **more)  # type: ignore[arg-type]


async def a_life(cast: Cast) -> UUID:
    lead = await a_lead(cast.acme, body="Hello")
    await do(cast.bob, service.add_note, lead.id, "A note")
    await do(cast.bob, service.set_stage, lead.id, (await stages(cast.acme))["Won"])
    await receive(cast.acme, kind="voicemail", body="")
    await do(cast.alice, service.edit, lead.id, LeadForm(name="Ada"))
    return lead.id


async def test_messages_calls_notes_and_changes_stand_in_one_order(cast: Cast) -> None:
    found = await moments(cast.acme, await a_life(cast))
    assert [(one.kind, one.text or one.action or one.channel_kind, one.author_name) for one in found] == [
        ("event", "lead:edited", "Alice Archer"),
        ("message", "voicemail", ""),
        ("event", "lead:stage-changed", "Bob Baker"),
        ("note", "A note", "Bob Baker"),
        ("message", "Hello", ""),
    ]
    assert found[2].details == {"before": "New", "after": "Won"}


async def test_pages_follow_each_other_without_gap_or_repeat(cast: Cast) -> None:
    lead_id = await a_life(cast)
    whole, paged, before = await moments(cast.acme, lead_id), [], None
    while page := await moments(cast.acme, lead_id, before=before, limit=2):
        paged += page
        before = page[-1].cursor
    assert paged == whole


async def test_another_client_sees_nothing_of_it(cast: Cast) -> None:
    assert await moments(cast.globex, await a_life(cast)) == []
