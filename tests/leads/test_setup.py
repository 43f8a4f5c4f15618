"""A client's own stages, labels, fields and currency."""

from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound
from tenant_portal.leads import queries, service, setup
from tenant_portal.leads.queries import FieldRow, LabelRow
from tests.cast import Cast, Company, found
from tests.leads.stage import a_lead, do, read, stages, trail

pytestmark = pytest.mark.database
FIRST = ["New", "Contacted", "Qualified", "Won", "Lost"]


async def fields(company: Company) -> list[FieldRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_fields(session, company.tenant_id)


async def labels(company: Company) -> list[LabelRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_labels(session, company.tenant_id)


async def test_a_client_is_made_with_stages(cast: Cast) -> None:
    assert list(await stages(cast.acme)) == FIRST
    assert list(await stages(await found("Initech", "+14155550300"))) == FIRST


async def test_who_writes_stands_in_the_first_open_stage_whatever_it_is_called(cast: Cast) -> None:
    ids = await stages(cast.acme)
    await do(cast.alice, setup.shift_stage, ids["Won"], -9)
    await do(cast.alice, setup.change_stage, ids["New"], "Fresh", "teal", "open")
    assert next(iter(await stages(cast.acme))) == "Won"
    lead = await a_lead(cast.acme)
    assert (lead.stage_name, lead.stage_colour, lead.stage_id) == ("Fresh", "teal", ids["New"])


async def test_a_new_open_stage_goes_before_won_and_lost(cast: Cast) -> None:
    await do(cast.alice, setup.add_stage, "Offer sent", "plum", "open")
    await do(cast.alice, setup.add_stage, "Never again", "red", "lost")
    assert list(await stages(cast.acme)) == [
        "New",
        "Contacted",
        "Qualified",
        "Offer sent",
        "Won",
        "Lost",
        "Never again",
    ]


async def test_stages_change_places_and_stay_at_the_ends(cast: Cast) -> None:
    ids = await stages(cast.acme)
    await do(cast.alice, setup.shift_stage, ids["Qualified"], -1)
    await do(cast.alice, setup.shift_stage, ids["New"], -1)
    await do(cast.alice, setup.shift_stage, ids["Lost"], 1)
    assert list(await stages(cast.acme)) == ["New", "Qualified", "Contacted", "Won", "Lost"]


async def test_an_empty_stage_is_deleted_and_one_with_leads_only_with_a_goal_for_them(cast: Cast) -> None:
    ids, lead = await stages(cast.acme), await a_lead(cast.acme)
    await do(cast.alice, setup.delete_stage, ids["Qualified"])
    with pytest.raises(Conflict, match="Choose where they go"):
        await do(cast.alice, setup.delete_stage, ids["New"])
    assert await do(cast.alice, setup.delete_stage, ids["New"], ids["Contacted"]) == 1
    assert list(await stages(cast.acme)) == ["Contacted", "Won", "Lost"]
    assert (await read(cast.acme, lead.id)).stage_name == "Contacted"


async def test_an_open_stage_is_left_whatever_is_done(cast: Cast) -> None:
    ids = await stages(cast.acme)
    for name in ("Contacted", "Qualified"):
        await do(cast.alice, setup.delete_stage, ids[name])
    with pytest.raises(Conflict, match="neither won nor lost"):
        await do(cast.alice, setup.delete_stage, ids["New"], ids["Won"])
    with pytest.raises(Conflict, match="neither won nor lost"):
        await do(cast.alice, setup.change_stage, ids["New"], "New", "gray", "lost")


@pytest.mark.parametrize(("name", "message"), [("", "a name"), (" won ", None), ("Won", "already"), ("x" * 41, "40")])
async def test_a_stage_has_a_name_of_its_own(cast: Cast, name: str, message: str | None) -> None:
    if message is None:
        await do(cast.alice, setup.add_stage, name, "gray", "open")
        return
    with pytest.raises(BadInput, match=message) as caught:
        await do(cast.alice, setup.add_stage, name, "gray", "open")
    assert caught.value.field == "name"


async def test_colours_kinds_and_numbers_are_bounded(cast: Cast) -> None:
    for colour, kind, field in (("mauve", "open", "colour"), ("gray", "maybe", "kind")):
        with pytest.raises(BadInput) as caught:
            await do(cast.alice, setup.add_stage, "Odd", colour, kind)
        assert caught.value.field == field
    for n in range(15):
        await do(cast.alice, setup.add_stage, f"Stage {n}", "gray", "open")
    with pytest.raises(BadInput, match="which is the most"):
        await do(cast.alice, setup.add_stage, "One more", "gray", "open")


async def test_a_label_keeps_to_its_leads_when_it_is_renamed_and_leaves_them_when_it_is_deleted(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    await do(cast.bob, service.set_label, lead.id, label, on=True)
    await do(cast.alice, setup.change_label, label, "Very important", "red")
    assert [(one.name, one.colour) for one in (await read(cast.acme, lead.id)).labels] == [("Very important", "red")]
    await do(cast.alice, setup.delete_label, label)
    assert (await read(cast.acme, lead.id)).labels == ()


async def test_a_choice_keeps_its_order_and_each_word_once(cast: Cast) -> None:
    await do(cast.alice, setup.add_field, "Size", "choice", "Large\n small \n\nLarge\n")
    assert [(one.name, one.choices) for one in await fields(cast.acme)] == [("Size", ["Large", "small"])]
    with pytest.raises(BadInput, match="at least one choice"):
        await do(cast.alice, setup.add_field, "Empty", "choice", " \n ")


async def test_a_deleted_field_takes_what_leads_hold_with_it(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    kept, gone = [await do(cast.alice, setup.add_field, name, "text", "") for name in ("Street", "Dog")]
    await do(cast.bob, service.edit, lead.id, service.LeadForm(fields={str(kept): "Main", str(gone): "Rex"}))
    await do(cast.alice, setup.delete_field, gone)
    assert (await read(cast.acme, lead.id)).fields == {str(kept): "Main"}


async def test_the_currency_is_one_of_the_list(cast: Cast) -> None:
    await do(cast.alice, setup.set_currency, "EUR")
    with pytest.raises(BadInput, match="of the list"):
        await do(cast.alice, setup.set_currency, "XXX")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await queries.get_currency(session, cast.acme.tenant_id) == "EUR"
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await queries.get_currency(session, cast.globex.tenant_id) == "USD"


CHANGES = [
    (setup.add_stage, ("Own", "gray", "open")),
    (setup.add_label, ("Own", "gray")),
    (setup.add_field, ("Own", "text", "")),
    (setup.set_currency, ("EUR",)),
]


@pytest.mark.parametrize(("change", "arguments"), CHANGES)
async def test_only_owners_decide_and_the_trail_says_so(cast: Cast, change: object, arguments: tuple[str, ...]) -> None:
    with pytest.raises(NotAllowed):
        await do(cast.bob, change, *arguments)  # type: ignore[arg-type]
    assert await trail(cast.acme) == []
    await do(cast.alice, change, *arguments)  # type: ignore[arg-type]
    assert [name for _, name in await trail(cast.acme)] == ["Alice Archer"]


async def test_anothers_stage_label_and_field_look_made_up_and_stay(cast: Cast) -> None:
    stage = (await stages(cast.acme))["New"]
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    field = await do(cast.alice, setup.add_field, "Dog", "text", "")
    tries = [
        (setup.delete_stage, stage, ()),
        (setup.change_stage, stage, ("Mine", "gray", "open")),
        (setup.shift_stage, stage, (1,)),
        (setup.delete_label, label, ()),
        (setup.change_label, label, ("Mine", "gray")),
        (setup.delete_field, field, ()),
        (setup.change_field, field, ("Mine", "")),
    ]
    for change, theirs, arguments in tries:
        assert await answer(cast, change, theirs, arguments) == await answer(cast, change, uuid4(), arguments)
    assert list(await stages(cast.acme)) == FIRST
    assert [row.name for row in await labels(cast.acme)] == ["VIP"]
    assert [row.name for row in await fields(cast.acme)] == ["Dog"]


async def answer(cast: Cast, change: object, target: UUID, arguments: tuple[object, ...]) -> str:
    with pytest.raises(NotFound) as caught:
        await do(cast.charlie, change, target, *arguments)  # type: ignore[arg-type]
    return caught.value.message


async def test_leads_of_the_version_before_keep_their_stage(cast: Cast, admin_url: str) -> None:
    """The version before writes a word and knows no id: its leads stand in the first open stage."""
    with psycopg.connect(admin_url) as connection:
        connection.execute(
            "insert into lead (tenant_id, id, address, name, profile_name, place, stage, source, created_at)"
            " values (%s, gen_random_uuid(), '+14155550001', '', '', '', 'new', 'sms', now())",
            (cast.acme.tenant_id,),
        )
    async with db.tenant_session(cast.acme.tenant_id) as session:
        name = await session.scalar(text("select s.name from lead l join lead_stage s on s.id = l.stage_id"))
    assert name == "New"
