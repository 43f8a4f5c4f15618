"""Names and limits of leads."""

from decimal import Decimal

import pytest

from tenant_portal.errors import BadInput
from tenant_portal.leads import rules
from tenant_portal.models.enums import FieldKind


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


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", None),
        ("  ", None),
        ("1250", "1250.00"),
        ("1,250", "1250.00"),
        ("1 250,5", "1250.50"),
        ("1.250,50", "1250.50"),
        ("1,250.50", "1250.50"),
        ("1'250'000", "1250000.00"),
        ("1.250.000", "1250000.00"),
        ("0", "0.00"),
    ],
)
def test_money_is_read_as_people_write_it(typed: str, value: str | None) -> None:
    assert rules.parse_value(typed) == (None if value is None else Decimal(value))


@pytest.mark.parametrize("typed", ["abc", "-5", "1.250", "1e3", "12.345", "1" * 13, "٣", "NaN", "--1", "$5"])
def test_money_that_can_be_misread_is_asked_for_again(typed: str) -> None:
    with pytest.raises(BadInput) as caught:
        rules.parse_value(typed)
    assert caught.value.field == "value"


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("text", "  two\n words ", "two words"),
        ("number", "1,5", "1.5"),
        ("number", "100", "100"),
        ("date", "2026-02-28", "2026-02-28"),
        ("choice", "small", "Small"),
        ("choice", "", ""),
    ],
)
def test_an_own_field_keeps_one_spelling(kind: str, typed: str, kept: str) -> None:
    assert rules.parse_field(FieldKind(kind), ["Small", "Large"], typed, "f") == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("text", "x" * 501), ("number", "many"), ("date", "2026-02-30"), ("date", "0001-01-01"), ("choice", "Medium")],
)
def test_an_own_field_refuses_what_is_not_of_its_kind(kind: str, typed: str) -> None:
    with pytest.raises(BadInput) as caught:
        rules.parse_field(FieldKind(kind), ["Small", "Large"], typed, "f")
    assert caught.value.field == "f"


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("+1 (415) 555-0100", "", "+14155550100"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("+521 55 1234 5678", "", "+525512345678"),
        ("whatsapp:+5215512345678", "", "+525512345678"),
        ("+54 9 11 2345 6789", "", "+5491123456789"),
    ],
)
def test_a_number_has_one_spelling(typed: str, country: str, number: str) -> None:
    assert rules.parse_number(typed, country) == number


@pytest.mark.parametrize("typed", ["", "hello", "415 555 0100", "+1 23", "+" + "1" * 30])
def test_a_number_without_a_country_or_of_no_length_is_refused(typed: str) -> None:
    with pytest.raises(BadInput) as caught:
        rules.parse_number(typed)
    assert caught.value.field == "number"
