"""Names and limits of leads."""

import pytest

from tenant_portal.errors import BadInput
from tenant_portal.leads import rules
from tenant_portal.models.enums import Stage


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+14155550100", "+1 415-555-0100"),
        ("+4915112345678", "+49 1511 2345678"),
        ("77234", "77234"),
        ("DHL", "DHL"),
        ("+99", "+99"),
        ("anonymous/CA0123", "Number withheld"),
    ],
)
def test_an_address_is_shown_as_people_write_it(address: str, shown: str) -> None:
    assert rules.format_number(address) == shown


@pytest.mark.parametrize(
    ("name", "profile", "shown"),
    [("Mrs Lee", "lee_98", "Mrs Lee"), ("", "lee_98", "lee_98"), ("", "", "+1 415-555-0100")],
)
def test_the_teams_own_name_comes_before_the_profiles_and_the_number(name: str, profile: str, shown: str) -> None:
    assert rules.display_name(name, profile, "+14155550100") == shown


@pytest.mark.parametrize(
    ("address", "is_one"), [("+14155550100", True), ("77234", False), ("DHL", False), ("+1²³", False), ("", False)]
)
def test_only_an_e164_number_is_a_phone_number(address: str, is_one: bool) -> None:
    assert rules.is_phone_number(address) is is_one


def test_a_name_is_one_line() -> None:
    assert rules.clean_name("  Ada \n Lovelace ") == "Ada Lovelace"


def test_a_name_may_be_empty_but_not_endless() -> None:
    assert rules.clean_name(" ") == ""
    with pytest.raises(BadInput, match="at most 200"):
        rules.clean_name("x" * 201)


@pytest.mark.parametrize("body", ["", " \n ", "x" * 4001])
def test_a_note_is_neither_empty_nor_endless(body: str) -> None:
    with pytest.raises(BadInput) as caught:
        rules.clean_note(body)
    assert caught.value.field == "note"


def test_a_stage_is_one_of_ours() -> None:
    assert rules.stage_of("won") is Stage.WON
    with pytest.raises(BadInput, match="no such stage"):
        rules.stage_of("'; drop table lead")
