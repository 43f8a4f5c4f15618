"""Reading leads: pages, search, and nobody else's."""

from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.errors import NotFound
from tenant_portal.leads import queries
from tenant_portal.leads.queries import LeadRow
from tenant_portal.models.enums import ChannelKind, Stage
from tests.cast import Cast, Company
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(5)]


async def listed(company: Company, **filters: object) -> list[LeadRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_leads(session, company.tenant_id, **filters)  # type: ignore[arg-type]


async def five_leads(company: Company) -> None:
    for number in NUMBERS:
        await receive(company, lead=number, profile_name=f"Person {number[-1]}")


async def test_the_newest_lead_comes_first(cast: Cast) -> None:
    await five_leads(cast.acme)
    assert [row.address for row in await listed(cast.acme)] == NUMBERS[::-1]


async def test_pages_follow_each_other_without_gap_or_repeat(cast: Cast) -> None:
    await five_leads(cast.acme)
    first = await listed(cast.acme, limit=2)
    second = await listed(cast.acme, limit=2, after=first[-1].cursor)
    third = await listed(cast.acme, limit=2, after=second[-1].cursor)
    assert [row.address for row in (*first, *second, *third)] == NUMBERS[::-1]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("PERSON 3", 1),
        ("person", 5),
        ("(415) 555-0003", 1),
        ("+1 415 555", 5),
        ("0003", 1),
        ("nobody", 0),
        ("%", 0),
        ("_", 0),
        ("  ", 5),
    ],
)
async def test_search_finds_names_and_numbers_however_they_are_typed(cast: Cast, search: str, found: int) -> None:
    await five_leads(cast.acme)
    assert len(await listed(cast.acme, search=search)) == found


async def test_a_lead_can_be_found_by_stage(cast: Cast) -> None:
    await five_leads(cast.acme)
    assert len(await listed(cast.acme, stage=Stage.NEW)) == 5
    assert await listed(cast.acme, stage=Stage.WON) == []


async def test_a_lead_knows_its_thread_and_where_it_came_from(cast: Cast) -> None:
    thread = await open_thread(cast.acme, kind="whatsapp", profile_name="Ada")
    (row,) = await listed(cast.acme)
    assert (row.conversation_id, row.source, row.profile_name) == (thread, ChannelKind.WHATSAPP, "Ada")
    assert row.last_message_at is not None


async def test_a_tenant_lists_and_finds_its_own_leads_only(cast: Cast) -> None:
    await five_leads(cast.acme)
    assert await listed(cast.globex) == []
    assert await listed(cast.globex, search="Person") == []


async def test_anothers_lead_is_as_unknown_as_a_made_up_one(cast: Cast) -> None:
    await receive(cast.acme)
    (theirs,) = await listed(cast.acme)
    assert await answer_for(cast.globex, theirs.id) == await answer_for(cast.globex, uuid4())


async def answer_for(company: Company, lead_id: UUID) -> str:
    with pytest.raises(NotFound) as caught:
        async with db.tenant_session(company.tenant_id) as session:
            await queries.get_lead(session, company.tenant_id, lead_id)
    return caught.value.message


async def test_the_channels_a_lead_used_are_counted_latest_first(cast: Cast) -> None:
    thread = await open_thread(cast.acme, kind="sms")
    await receive(cast.acme, kind="sms")
    await receive(cast.acme, kind="whatsapp")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        used = await queries.channels_used(session, cast.acme.tenant_id, thread)
    assert [(use.channel_kind, use.messages) for use in used] == [(ChannelKind.WHATSAPP, 1), (ChannelKind.SMS, 2)]


async def test_new_leads_are_counted_from_a_moment_on(cast: Cast) -> None:
    await five_leads(cast.acme)
    (newest, *_) = await listed(cast.acme)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await queries.count_new_leads(session, cast.acme.tenant_id, newest.created_at) == 1
