"""One person, one lead: merging loses nothing, and undoing it brings everything back."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import Conflict, NotFound
from tenant_portal.front_door.addresses import normalise
from tenant_portal.inbox import queries as inbox
from tenant_portal.inbox import reading
from tenant_portal.inbox import service as inbox_service
from tenant_portal.leads import merging, queries, service, setup
from tenant_portal.leads.service import LeadForm
from tenant_portal.models.enums import ChannelKind
from tests.cast import Cast, Company
from tests.leads.stage import a_lead, do, everything, listed, read, trail
from tests.signed_in import person
from tests.threads import STORE, event, receive

pytestmark = pytest.mark.database
ONE, OTHER = "+14155550001", "+14155550002"
KEPT = ("lead", "lead_note", "lead_label", "conversation", "message")


async def two(company: Company) -> tuple[UUID, UUID]:
    """Two leads with two messages each, taking turns."""
    for n in range(2):
        for number in (ONE, OTHER):
            await receive(company, lead=number, body=f"{n} from {number[-1]}")
    rows = {row.address: row.id for row in await listed(company)}
    return rows[ONE], rows[OTHER]


async def threads(company: Company, viewer: UUID | None = None) -> dict[str, inbox.ThreadRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return {row.address: row for row in await inbox.list_threads(session, company.tenant_id, viewer=viewer)}


async def bodies(company: Company, address: str) -> list[str]:
    thread = (await threads(company))[address]
    async with db.tenant_session(company.tenant_id) as session:
        return [row.body for row in await inbox.list_messages(session, company.tenant_id, thread.id)]


async def suggested(company: Company) -> list[tuple[UUID, UUID, str]]:
    async with db.tenant_session(company.tenant_id) as session:
        pairs = await merging.suggest(session, company.tenant_id)
    return [(pair.first_id, pair.second_id, pair.reason) for pair in pairs]


async def test_one_lead_and_one_thread_are_left_with_all_messages_in_order(cast: Cast) -> None:
    one, other = await two(cast.acme)
    await do(cast.bob, merging.merge, one, other)
    assert [row.id for row in await listed(cast.acme)] == [one]
    assert list(await threads(cast.acme, cast.bob.user_id)) == [ONE]
    assert await bodies(cast.acme, ONE) == ["0 from 1", "0 from 2", "1 from 1", "1 from 2"]
    thread = (await threads(cast.acme, cast.bob.user_id))[ONE]
    assert (thread.unread_count, thread.preview) == (4, "1 from 2")
    with pytest.raises(NotFound):
        await read(cast.acme, other)


async def test_what_arrives_later_for_the_merged_number_goes_to_the_one_thread(cast: Cast) -> None:
    one, other = await two(cast.acme)
    await do(cast.bob, merging.merge, one, other)
    await receive(cast.acme, lead=OTHER, body="later")
    thread = (await threads(cast.acme, cast.bob.user_id))[ONE]
    assert (thread.unread_count, thread.preview) == (5, "later")
    assert (await bodies(cast.acme, ONE))[-1] == "later"
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await inbox.count_unread(session, cast.acme.tenant_id, cast.bob.user_id) == 1
        options = await inbox_service.reply_options(session, cast.acme.tenant_id, thread.id)
    assert options.of(ChannelKind.SMS).lead_number == OTHER


async def test_a_batch_of_the_front_door_is_carried_on_as_well(cast: Cast) -> None:
    """As webhooks come: many tenants in one call, and no tenant entered."""
    one, other = await two(cast.acme)
    await receive(cast.globex, lead=OTHER, body="Globex")
    await do(cast.bob, merging.merge, one, other)
    ad = {"referral": {"headline": "Half price"}}
    rows = [
        event(cast.acme, lead=OTHER, body="first", details=ad),
        event(cast.globex, lead=OTHER, body="to Globex"),
        event(cast.acme, lead=OTHER, body="second"),
        event(cast.acme, lead=ONE, body="third"),
    ]
    async with db.front_door_session() as session:
        found = await session.execute(STORE, {"rows": json.dumps([{**row, "n": n} for n, row in enumerate(rows)])})
        assert {row.outcome for row in found} == {"stored"}
    assert sorted((await bodies(cast.acme, ONE))[-3:]) == ["first", "second", "third"]
    assert (await threads(cast.acme, cast.bob.user_id))[ONE].unread_count == 7
    assert (await bodies(cast.globex, OTHER)) == ["Globex", "to Globex"]
    async with db.tenant_session(cast.acme.tenant_id) as session:
        told = await session.scalar(text("select referral ->> 'headline' from lead where address = :a"), {"a": OTHER})
    assert told == "Half price"


async def test_undoing_at_once_is_exact(cast: Cast) -> None:
    one, other = await two(cast.acme)
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    await do(cast.bob, service.edit, other, LeadForm("Ada", "12.50", "Call", "2026-12-01"))
    await do(cast.bob, service.set_label, other, label, on=True)
    await do(cast.bob, service.set_owner, other, cast.bob.user_id)
    await do(cast.bob, service.add_note, other, "A note")
    before = await everything(cast.acme, *KEPT)
    merge = await do(cast.bob, merging.merge, one, other)
    kept = await read(cast.acme, one)
    assert (kept.name, str(kept.value), kept.owner_name, len(kept.labels)) == ("Ada", "12.50", "Bob Baker", 1)
    assert await do(cast.alice, merging.undo, merge) == other
    assert await everything(cast.acme, *KEPT) == before
    assert [action for action, _ in await trail(cast.acme)][-2:] == ["lead:merged", "lead:merge-undone"]


async def test_undoing_takes_what_came_since_to_whom_it_came_from(cast: Cast) -> None:
    one, other = await two(cast.acme)
    merge = await do(cast.bob, merging.merge, one, other)
    await receive(cast.acme, lead=OTHER, body="since from 2")
    await receive(cast.acme, lead=ONE, body="since from 1")
    await do(cast.bob, merging.undo, merge)
    assert await bodies(cast.acme, ONE) == ["0 from 1", "1 from 1", "since from 1"]
    assert await bodies(cast.acme, OTHER) == ["0 from 2", "1 from 2", "since from 2"]
    found = await threads(cast.acme, cast.bob.user_id)
    assert [(row.unread_count, row.preview) for row in (found[ONE], found[OTHER])] == [
        (3, "since from 1"),
        (3, "since from 2"),
    ]


async def test_what_was_read_while_merged_stays_read(cast: Cast) -> None:
    one, other = await two(cast.acme)
    merge = await do(cast.bob, merging.merge, one, other)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await reading.mark_read(session, person(cast.bob), [(await threads(cast.acme, cast.bob.user_id))[ONE].id])
    await receive(cast.acme, lead=OTHER)
    await do(cast.bob, merging.undo, merge)
    found = await threads(cast.acme, cast.bob.user_id)
    assert (found[ONE].unread_count, found[OTHER].unread_count) == (0, 1)


async def test_undoing_keeps_what_somebody_has_changed_since(cast: Cast) -> None:
    one, other = await two(cast.acme)
    await do(cast.bob, service.edit, other, LeadForm("Ada", "10"))
    merge = await do(cast.bob, merging.merge, one, other)
    await do(cast.bob, service.edit, one, LeadForm("Ada Lovelace", "10"))
    await do(cast.bob, merging.undo, merge)
    now = await read(cast.acme, one)
    assert (now.name, now.value) == ("Ada Lovelace", None)


async def test_what_the_kept_lead_has_stays(cast: Cast) -> None:
    one, other = await two(cast.acme)
    field, more = [str(await do(cast.alice, setup.add_field, name, "text", "")) for name in ("Dog", "Cat")]
    await do(cast.bob, service.edit, one, LeadForm("Own", "1", fields={field: "Rex"}))
    await do(cast.bob, service.edit, other, LeadForm("Theirs", "2", "Call", fields={field: "Fido", more: "Tom"}))
    await do(cast.bob, merging.merge, one, other)
    now = await read(cast.acme, one)
    assert (now.name, now.value, now.next_step) == ("Own", 1, "Call")
    assert now.fields == {field: "Rex", more: "Tom"}


async def test_leads_without_a_message_are_merged_as_well_and_no_empty_thread_is_shown(cast: Cast) -> None:
    one = await do(cast.bob, service.create, ONE, "Ada")
    other = await do(cast.bob, service.create, OTHER, "Ada")
    await do(cast.bob, merging.merge, one, other)
    assert await threads(cast.acme, cast.bob.user_id) == {}
    assert (await read(cast.acme, one)).last_message_at is None
    await receive(cast.acme, lead=OTHER, body="Hello")
    (row,) = (await threads(cast.acme, cast.bob.user_id)).values()
    assert (row.lead_id, row.unread_count) == (one, 1)


async def test_merges_into_merges_are_followed_and_undone_from_the_last(cast: Cast) -> None:
    third_number = "+14155550003"
    one, other = await two(cast.acme)
    third = (await a_lead(cast.acme, lead=third_number, body="0 from 3")).id
    first_merge = await do(cast.bob, merging.merge, other, third)
    second_merge = await do(cast.bob, merging.merge, one, other)
    await receive(cast.acme, lead=third_number, body="1 from 3")
    assert [body[-1] for body in await bodies(cast.acme, ONE)] == ["1", "2", "1", "2", "3", "3"]
    with pytest.raises(Conflict, match="Undo that merge first"):
        await do(cast.bob, merging.undo, first_merge)
    await do(cast.bob, merging.undo, second_merge)
    assert await bodies(cast.acme, ONE) == ["0 from 1", "1 from 1"]
    await do(cast.bob, merging.undo, first_merge)
    assert await bodies(cast.acme, third_number) == ["0 from 3", "1 from 3"]
    assert await bodies(cast.acme, OTHER) == ["0 from 2", "1 from 2"]


async def test_a_stop_from_the_merged_number_holds_for_the_person(cast: Cast) -> None:
    one, other = await two(cast.acme)
    await do(cast.bob, merging.merge, one, other)
    await receive(cast.acme, lead=OTHER, body="STOP", opt_out="stop")
    assert (await read(cast.acme, one)).opted_out_at is not None


async def test_a_blocked_number_makes_the_person_blocked_and_undoing_frees_it(cast: Cast) -> None:
    one, other = await two(cast.acme)
    await do(cast.bob, service.set_blocked, other, blocked=True)
    merge = await do(cast.bob, merging.merge, one, other)
    assert (await read(cast.acme, one)).blocked_at is not None
    await do(cast.bob, merging.undo, merge)
    assert (await read(cast.acme, one)).blocked_at is None
    await receive(cast.acme, lead=ONE)
    assert (await threads(cast.acme, cast.bob.user_id))[ONE].unread_count == 1


@pytest.mark.parametrize("again", [False, True])
async def test_a_merge_is_undone_once_and_can_be_made_again(cast: Cast, again: bool) -> None:
    one, other = await two(cast.acme)
    merge = await do(cast.bob, merging.merge, one, other)
    await do(cast.bob, merging.undo, merge)
    if again:
        await do(cast.bob, merging.merge, other, one)
        assert len(await bodies(cast.acme, OTHER)) == 4
        return
    with pytest.raises(NotFound):
        await do(cast.bob, merging.undo, merge)


async def test_two_spellings_of_an_argentine_number_and_equal_names_are_proposed(cast: Cast) -> None:
    mobile = (await a_lead(cast.acme, lead="+5491123456789")).id
    call = (await a_lead(cast.acme, lead="+541123456789", kind="voicemail")).id
    ada = await do(cast.bob, service.create, ONE, "Ada")
    also_ada = await do(cast.bob, service.create, OTHER, "ADA")
    pairs = await suggested(cast.acme)
    assert sorted(pairs) == sorted([(*sorted((mobile, call)), "number"), (*sorted((ada, also_ada)), "name")])
    assert await suggested(cast.globex) == []


async def test_who_is_kept_apart_or_merged_is_not_proposed_again(cast: Cast) -> None:
    ids = [await do(cast.bob, service.create, f"+1415555000{n}", "Ada") for n in range(3)]
    await do(cast.bob, merging.keep_apart, ids[1], ids[0])
    assert {pair[:2] for pair in await suggested(cast.acme)} == {(ids[0], ids[2]), (ids[1], ids[2])}
    await do(cast.bob, merging.merge, ids[0], ids[2])
    assert await suggested(cast.acme) == []


async def test_a_lead_lists_whom_it_has_taken_in(cast: Cast) -> None:
    one, other = await two(cast.acme)
    merge = await do(cast.bob, merging.merge, one, other)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        (row,) = await merging.list_merges(session, cast.acme.tenant_id, one)
    assert (row.id, row.address, row.actor_name) == (merge, OTHER, "Bob Baker")


async def test_a_lead_is_not_merged_with_itself(cast: Cast) -> None:
    one, _ = await two(cast.acme)
    with pytest.raises(Conflict, match="with itself"):
        await do(cast.bob, merging.merge, one, one)


async def test_anothers_leads_and_merges_look_made_up_and_stay(cast: Cast) -> None:
    one, other = await two(cast.acme)
    merge = await do(cast.bob, merging.merge, one, other)
    theirs = (await a_lead(cast.globex)).id
    before = await everything(cast.acme, *KEPT)

    async def refused(change: Any, *ids: UUID) -> str:
        with pytest.raises(NotFound) as caught:
            await do(cast.charlie, change, *ids)
        return caught.value.message

    for change in (merging.merge, merging.keep_apart):
        assert await refused(change, theirs, one) == await refused(change, theirs, uuid4())
        assert await refused(change, one, theirs) == await refused(change, uuid4(), theirs)
    assert await refused(merging.undo, merge) == await refused(merging.undo, uuid4())
    assert await everything(cast.acme, *KEPT) == before


def test_a_mexican_number_is_one_person_over_whatsapp_and_sms() -> None:
    assert normalise("whatsapp:+5215512345678") == normalise("+525512345678") == "+525512345678"
    assert normalise("+5491123456789") == "+5491123456789"


async def test_ids_are_those_of_the_page(cast: Cast) -> None:
    """The kept lead's page still finds its thread after a merge."""
    one, other = await two(cast.acme)
    before = (await read(cast.acme, one)).conversation_id
    await do(cast.bob, merging.merge, one, other)
    assert (await read(cast.acme, one)).conversation_id == before
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await session.scalar(text("select count(*) from lead")) == 2
        assert await queries.count_new_leads(session, cast.acme.tenant_id, (await read(cast.acme, one)).created_at) == 1
