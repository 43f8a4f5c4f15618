"""Reading leads: pages, search, and nobody else's."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.errors import NotFound
from tenant_portal.leads import queries, service, setup
from tenant_portal.leads.queries import Due, Filter, Sort, Source
from tenant_portal.models.enums import ChannelKind
from tests.cast import Cast, Company
from tests.leads.stage import a_lead, do, listed, stages
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database
NUMBERS = [f"+1415555{n:04}" for n in range(5)]


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
    assert len(await listed(cast.acme, Filter(search=search))) == found


async def test_a_lead_can_be_found_by_stage(cast: Cast) -> None:
    await five_leads(cast.acme)
    ids = await stages(cast.acme)
    assert len(await listed(cast.acme, Filter(stage_id=ids["New"]))) == 5
    assert await listed(cast.acme, Filter(stage_id=ids["Won"])) == []


async def test_leads_are_found_by_owner_label_source_and_next_step(cast: Cast) -> None:
    first, second = [await a_lead(cast.acme, lead=number) for number in NUMBERS[:2]]
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    today = datetime.now(UTC).date()
    await do(cast.bob, service.set_owner, first.id, cast.bob.user_id)
    await do(cast.bob, service.set_label, first.id, label, on=True)
    await do(cast.bob, service.edit, first.id, service.LeadForm(next_step_on=today.isoformat()))
    by_hand = await do(cast.bob, service.create, "+14155559999", "Grace")

    async def ids(**wanted: Any) -> list[UUID]:
        return [row.id for row in await listed(cast.acme, Filter(**wanted))]

    assert await ids(owner_id=cast.bob.user_id) == await ids(label_id=label) == [first.id]
    assert await ids(unowned=True) == [by_hand, second.id]
    assert await ids(due=Due.TODAY) == await ids(due=Due.WEEK) == [first.id]
    assert await ids(due=Due.OVERDUE) == []
    assert await ids(due=Due.NONE) == [by_hand, second.id]
    assert await ids(source=Source.SMS) == [second.id, first.id]
    assert await ids(source=Source.TEAM) == [by_hand]
    assert await ids(source=Source.AD) == []


async def test_an_advertisement_is_remembered_as_the_source_and_the_first_one_stays(cast: Cast) -> None:
    await receive(cast.acme, kind="whatsapp", details={"referral": {"headline": "Half price"}})
    await receive(cast.acme, kind="whatsapp", details={"referral": {"headline": "Another"}})
    (row,) = await listed(cast.acme, Filter(source=Source.AD))
    assert row.referral == {"headline": "Half price"}


@pytest.mark.parametrize("sort", list(Sort))
async def test_every_order_pages_without_gap_or_repeat(cast: Cast, sort: Sort) -> None:
    await five_leads(cast.acme)
    forms = (("Bea", "10", "2026-03-01"), ("al", "10", ""), ("", "", "2026-01-01"), ("", "7.50", "2026-03-01"))
    for row, (name, value, day) in zip(await listed(cast.acme), forms, strict=False):
        await do(cast.bob, service.edit, row.id, service.LeadForm(name=name, value=value, next_step_on=day))
    whole = await listed(cast.acme, sort=sort)
    paged, after = [], None
    while page := await listed(cast.acme, sort=sort, after=after, limit=2):
        paged += page
        after = page[-1].cursor
    assert [row.id for row in paged] == [row.id for row in whole]
    assert len(whole) == 5
    if sort is Sort.NAME:
        assert [row.name for row in whole][:2] == ["al", "Bea"]
    if sort is Sort.VALUE:
        assert [row.value for row in whole] == [10, 10, Decimal("7.50"), None, None]
    if sort is Sort.DUE:
        assert [row.next_step_on and row.next_step_on.month for row in whole] == [1, 3, 3, None, None]


async def test_stages_are_summed_up_for_the_same_filter_and_for_this_client_only(cast: Cast) -> None:
    await five_leads(cast.acme)
    await receive(cast.globex)
    ids = await stages(cast.acme)
    first, second, *_ = await listed(cast.acme)
    for row, value in ((first, "100"), (second, "20.50")):
        await do(cast.bob, service.edit, row.id, service.LeadForm(value=value))
    await do(cast.bob, service.set_stage, first.id, ids["Won"])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        sums = await queries.sums_by_stage(session, cast.acme.tenant_id)
        some = await queries.sums_by_stage(session, cast.acme.tenant_id, Filter(search=second.address))
    assert (sums[ids["Won"]].count, sums[ids["Won"]].value) == (1, 100)
    assert (sums[ids["New"]].count, sums[ids["New"]].value) == (4, Decimal("20.50"))
    assert list(some) == [ids["New"]]


async def test_a_lead_knows_its_thread_and_where_it_came_from(cast: Cast) -> None:
    thread = await open_thread(cast.acme, kind="whatsapp", profile_name="Ada")
    (row,) = await listed(cast.acme)
    assert (row.conversation_id, row.source, row.profile_name) == (thread, ChannelKind.WHATSAPP, "Ada")
    assert row.last_message_at is not None


async def test_a_tenant_lists_and_finds_its_own_leads_only(cast: Cast) -> None:
    await five_leads(cast.acme)
    assert await listed(cast.globex) == []
    assert await listed(cast.globex, Filter(search="Person")) == []


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
