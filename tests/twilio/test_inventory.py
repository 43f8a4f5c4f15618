"""What the simulated Twilio sells, and how its search reads a pattern."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.simulator.stand_in import addresses, inventory
from tenant_portal.simulator.stand_in.inventory import RANGES, Wanted, on_sale, place_of, range_of

ALL = [number for block in RANGES for number in block.numbers()]


def found(**wanted: object) -> list[str]:
    fields = {"country": "US", "number_type": "local", **wanted}
    return [number for number, _ in on_sale(Wanted(**fields), set())]  # type: ignore[arg-type]


@pytest.mark.parametrize("block", RANGES, ids=lambda block: f"{block.country} {block.prefix}")
def test_each_number_is_a_valid_one_of_its_country(block: inventory.Range) -> None:
    for number in block.numbers():
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.region_code_for_number(parsed) in {block.country, None}


def test_the_same_numbers_are_on_sale_every_day() -> None:
    assert found(area_code="415") == found(area_code="415")
    assert found(area_code="415")[0] == "+14155550100"


@pytest.mark.parametrize(
    ("contains", "fits"),
    [
        ("415", lambda number: "415" in number),
        ("+1415", lambda number: number.startswith("+1415")),
        ("00$", lambda number: number.endswith("00")),
        ("55501*0", lambda number: number[-7:-2] == "55501" and number.endswith("0")),
        ("+1212%3$", lambda number: number.startswith("+1212") and number.endswith("3")),
        ("JJJ0", lambda number: "5550" in number),
        ("jjj0", lambda number: "5550" in number),
    ],
)
def test_a_pattern_means_what_twilio_says(contains: str, fits: object) -> None:
    numbers = found(contains=contains)
    assert numbers == [number for number in found() if fits(number)]  # type: ignore[operator]
    assert numbers


def test_a_place_is_found_without_minding_capitals() -> None:
    assert found(locality="san francisco") == found(area_code="415") == found(region="ca", area_code="415")


def test_a_bought_number_is_off_the_shelf() -> None:
    taken = {"+14155550100"}
    assert "+14155550100" not in [number for number, _ in on_sale(Wanted("US", "local", "415"), taken)]


@pytest.mark.parametrize("need", ["sms", "mms", "voice"])
def test_what_is_needed_is_there(need: str) -> None:
    for country in inventory.PRICES:
        for kind in inventory.PRICES[country]:
            blocks = [block for _, block in on_sale(Wanted(country, kind, **{need: True}), set())]  # type: ignore[arg-type]
            assert all(getattr(block, need) for block in blocks)


@given(st.sampled_from(ALL))
def test_each_number_leads_back_to_its_range(number: str) -> None:
    block = range_of(number)
    assert block is not None
    assert number.startswith(block.prefix)


@pytest.mark.parametrize(
    "number", ["+14155550", "+141555501000", "+4420794600", "whatsapp:+14155550100", "", "anonymous"]
)
def test_no_other_number_has_a_range(number: str) -> None:
    assert range_of(number) is None


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("+14155559999", ("SAN FRANCISCO", "CA", "94103")),
        ("+16045559999", ("VANCOUVER", "BC", "V5K 0A1")),
        ("+19995559999", ("", "", "")),
        ("+442079460000", ("", "", "")),
        ("anonymous", ("", "", "")),
    ],
)
def test_a_place_is_guessed_from_an_area_code(number: str, place: tuple[str, str, str]) -> None:
    assert place_of(number) == place


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("+14155550100", True),
        ("whatsapp:+14155550100", True),
        ("+0415", False),
        ("14155550100", False),
        ("+1415555010012345", False),
        ("whatsapp:", False),
        ("+1415\n5550100", False),
    ],
)
def test_an_address_is_e164_with_or_without_whatsapp(address: str, valid: bool) -> None:
    assert addresses.is_valid(address) == valid


@given(st.text(max_size=400))
def test_a_body_never_takes_no_segment_and_more_text_never_takes_fewer(body: str) -> None:
    assert 1 <= addresses.segments(body) <= addresses.segments(body + "x")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("", 1),
        ("a" * 153 * 2, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 135, 3),
    ],
)
def test_segments_follow_the_alphabet(body: str, count: int) -> None:
    assert addresses.segments(body) == count
