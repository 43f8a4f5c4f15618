"""The fast ways must say what the slow ones say."""

from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_portal.front_door import addresses
from tenant_portal.front_door.refusal import Refusals, Refused, names_of
from tenant_portal.twilio_gateway.errors import MalformedForm
from tenant_portal.twilio_gateway.signatures import parse_form

PIECES = st.lists(
    st.sampled_from(
        [b"a", b"=", b"&", b"%", b"%41", b"%C3%A9", b"%C3", b"%zz", b"%0", b"+", b"\xc3\xa9", b"\xff", b" ", b";"]
    )
)


def by_the_library(raw: bytes) -> list[tuple[str, str]] | None:
    try:
        found = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        return None
    return None if any("\0" in name for name, _ in found) else found


def by_us(raw: bytes) -> list[tuple[str, str]] | None:
    try:
        return parse_form(raw)
    except MalformedForm:
        return None


@given(st.binary(max_size=200) | PIECES.map(b"".join))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_a_form_is_read_as_by_the_library(raw: bytes) -> None:
    assert by_us(raw) == by_the_library(raw)


@given(st.lists(st.tuples(st.text(max_size=10), st.text(max_size=30)), max_size=10))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_was_encoded_is_read_back(form: list[tuple[str, str]]) -> None:
    pairs = [(name.replace("\0", ""), value) for name, value in form]
    raw = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
    assert by_us(raw) == pairs


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("+14155550100", "", "+14155550100"),
        ("whatsapp:+14155550100", "", "+14155550100"),
        ("4155550100", "US", "+14155550100"),
        ("4155550100", "us", "+14155550100"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("4155550100", "", "4155550100"),
        ("4155550100", "XX", "4155550100"),
        ("12345", "US", "12345"),
        ("000000000", "US", "000000000"),
        ("TWILIO", "US", "TWILIO"),
        ("sip:a@b.example", "", "sip:a@b.example"),
        ("client:lea", "", "client:lea"),
        ("+1415555010\u0660", "", "+1415555010\u0660"),
        (" +14155550100 ", "", "+14155550100"),
    ],
)
def test_an_address_has_one_spelling(raw: str, country: str, expected: str) -> None:
    assert addresses.normalise(raw, country) == expected


@given(st.text(max_size=30), st.text(max_size=4))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_address_has_a_spelling_that_stays(raw: str, country: str) -> None:
    once = addresses.normalise(raw, country)
    assert addresses.normalise(once, country) == once.strip().removeprefix("whatsapp:")


def test_names_are_plain_and_few() -> None:
    names = names_of(
        [("Body", "x"), ("Body", "y"), ("a b", ""), ("\u00e9", ""), ("x" * 50, ""), *((f"P{n}", "") for n in range(99))]
    )
    assert names.startswith("? Body P0")
    assert len(names.split()) == 60


def test_refusals_that_could_not_be_written_are_added_up_again() -> None:
    refusals = Refusals()
    for _ in range(2):
        refusals.count("sms", Refused(403, "signature", account_sid="AC1", names="Body"))
    rows = refusals.take()
    refusals.count("sms", Refused(403, "signature", account_sid="AC1"))
    refusals.give_back(rows)
    (row,) = refusals.take()
    assert (row["count"], row["names"], row["account_sid"]) == (3, "Body", "AC1")
    assert refusals.take() == []


def test_refusals_take_only_so_much_room() -> None:
    refusals = Refusals()
    for number in range(6000):
        refusals.count("sms", Refused(403, f"reason-{number}"))
    assert len(refusals.take()) == 5000
