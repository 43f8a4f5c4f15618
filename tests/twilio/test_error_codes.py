"""Every code of the contract has a sentence; every other one shows its number and Twilio's page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.twilio_gateway.error_codes import KNOWN_CODES, Audience, describe, explain, is_opt_out

CONTRACT = """
11200 11205 11206 11210 11220 11235 11236 11237 11100 11215 11750 12100 12200 12300 15003 21609 57012 20003 20404 20001
20422 20409 20500 20503 20009 20429 10001 20005 30002 21476 21477 21478 21479 21480 21421 21422 21452 21615 21631 21649
21650 21651 21211 21217 21614 21635 30005 30006 21408 21612 13227 21215 21602 21617 21620 21623 11751 63019 63034 21603
21606 21703 21704 21712 21610 21608 21654 21655 21656 63027 63028 63041 30001 21611 30022 30023 30027 30036 63017 63018
63038 30003 30004 30007 30008 30032 30033 30034 30035 30450 63003 63024 63033 63015 63016 63001 63005 63007 63012 63013
63020 63051
"""


@pytest.mark.parametrize("code", sorted(map(int, CONTRACT.split())))
def test_each_code_of_the_contract_has_a_sentence_of_its_own(code: int) -> None:
    found = explain(code)
    assert found.sentence.endswith(".")
    assert str(code) not in found.sentence
    assert found.link == f"https://www.twilio.com/docs/errors/{code}"


def test_no_code_is_explained_that_nobody_asked_for() -> None:
    assert KNOWN_CODES - set(map(int, CONTRACT.split())) == {60200, 63100}


def test_an_unknown_code_shows_its_number_and_link() -> None:
    assert describe(99999) == "Twilio reported error 99999. See https://www.twilio.com/docs/errors/99999"


@pytest.mark.parametrize("code", ["21610", " 21610 ", 21610])
def test_a_code_from_a_webhook_is_understood_like_one_from_the_api(code: int | str) -> None:
    assert is_opt_out(code)
    assert "unsubscribed" in describe(code)


@pytest.mark.parametrize("code", [None, "", "abc", "²", "-5", 0, "12345678"])
def test_what_is_no_code_is_said_to_be_none(code: int | str | None) -> None:
    assert explain(code).code is None
    assert explain(code).link is None


@given(st.text() | st.integers() | st.none())
def test_anything_is_explained(code: int | str | None) -> None:
    assert describe(code)


@pytest.mark.parametrize(
    ("code", "audience"),
    [(21422, Audience.CLIENT), (11200, Audience.OPERATOR), (30034, Audience.BOTH), (20429, Audience.RETRY)],
)
def test_a_code_says_who_can_do_something(code: int, audience: Audience) -> None:
    assert explain(code).audience is audience


def test_who_is_told_to_contact_the_agency_is_a_client() -> None:
    told = [code for code in KNOWN_CODES if "contact your agency" in describe(code)]
    assert {explain(code).audience for code in told} == {Audience.BOTH}
