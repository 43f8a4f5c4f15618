"""Looking for a number."""

from uuid import uuid4

import pytest

from tenant_portal.channels import numbers
from tenant_portal.channels.numbers import Search
from tenant_portal.channels.rules import Actor
from tenant_portal.errors import BadInput
from tests.channels.stage import NUMBER, SMS, Stage


async def test_numbers_on_sale_come_with_price_and_abilities(acme: Stage) -> None:
    found = await numbers.on_sale(acme.owner, Search(country="US", area_code="212", sms=True, voice=True))
    first = found[0]
    assert (first.price, first.sms, first.voice, first.place) == ("1.15 USD", True, True, "New York, NY")
    assert all(number.phone_number.startswith("+1212") for number in found)
    assert len(found) <= numbers.MOST_RESULTS


async def test_digits_narrow_the_search(acme: Stage) -> None:
    found = await numbers.on_sale(acme.owner, Search(country="US", digits="415555"))
    assert {"415555" in number.phone_number for number in found} == {True}


async def test_a_number_that_needs_a_proof_says_so(acme: Stage) -> None:
    found = await numbers.on_sale(acme.owner, Search(country="DE", number_type="mobile"))
    assert {number.obstacle for number in found} == {numbers.PROOF_NEEDED}


async def test_a_country_without_such_numbers_has_none(acme: Stage) -> None:
    assert await numbers.on_sale(acme.owner, Search(country="FR", number_type="mobile")) == []


async def test_an_owned_number_can_be_used_again(acme: Stage) -> None:
    await acme.connect(SMS)
    [number] = await numbers.owned(acme.owner)
    assert (number.phone_number, number.number_sid) == (NUMBER, acme.twilio.numbers()[0].sid)


async def test_a_price_that_twilio_does_not_tell_hides_no_number(acme: Stage) -> None:
    acme.twilio.fail("status", status=500, times=5, path_contains="/v1/PhoneNumbers")
    found = await numbers.on_sale(acme.owner, Search(country="US"))
    assert {number.price for number in found} == {""}


@pytest.mark.parametrize(
    ("field", "search"),
    [
        ("country", Search(country="XX")),
        ("number_type", Search(country="US", number_type="golden")),
        ("area_code", Search(country="US", area_code="41")),
        ("area_code", Search(country="US", area_code="4x5")),
        ("digits", Search(country="US", digits="1")),
        ("digits", Search(country="US", digits="1" * 17)),
        ("digits", Search(country="US", digits="../..")),
    ],
)
async def test_a_search_that_makes_no_sense_names_its_field(field: str, search: Search) -> None:
    with pytest.raises(BadInput) as refused:
        await numbers.on_sale(Actor(uuid4(), None, "Alice", may_change=True), search)
    assert refused.value.field == field
