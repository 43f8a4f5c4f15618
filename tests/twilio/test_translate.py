"""Twilio's objects become our records whatever they leave out."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.twilio_gateway import translate
from tenant_portal.twilio_gateway.gateway import (
    Capabilities,
    NumberType,
    NumberUrls,
    SenderStatus,
    SubaccountStatus,
)

SID = "AC" + "a" * 32


class Sparse(SimpleNamespace):
    """An object of the library in which everything not given is None."""

    def __getattr__(self, name: str) -> Any:
        return None


def test_a_message_of_which_little_is_known_is_still_a_message() -> None:
    found = translate.to_message(Sparse(sid="SM1"))
    assert (found.to, found.from_, found.body, found.status) == ("", "", "", "")
    assert (found.price, found.currency, found.error_code, found.created_at, found.sent_at) == (None,) * 5
    assert (found.num_media, found.num_segments) == (0, 0)


@pytest.mark.parametrize(
    ("price", "expected"),
    [("-0.00750", Decimal("-0.00750")), (None, None), ("", None), ("free", None), ("0", Decimal(0))],
)
def test_a_price_that_is_not_known_is_never_zero(price: str | None, expected: Decimal | None) -> None:
    assert translate.to_message(Sparse(sid="SM1", price=price)).price == expected


def test_a_date_that_cannot_be_read_is_left_out() -> None:
    assert translate.to_message(Sparse(sid="SM1", date_sent="yesterday")).sent_at is None
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert translate.to_message(Sparse(sid="SM1", date_sent=moment)).sent_at == moment


@pytest.mark.parametrize("count", ["3", 3])
def test_counts_come_as_text_or_number(count: object) -> None:
    assert translate.to_message(Sparse(sid="SM1", num_media=count)).num_media == 3


@pytest.mark.parametrize(
    "given_as", [{"SMS": True, "MMS": False, "voice": True}, {"sms": True, "mms": False, "Voice": True}]
)
def test_capabilities_are_understood_in_any_spelling(given_as: dict[str, bool]) -> None:
    number = translate.to_owned(Sparse(sid="PN1", phone_number="+1", capabilities=given_as))
    assert number.capabilities == Capabilities(sms=True, voice=True)


def test_a_number_without_anything_has_no_urls_and_can_nothing() -> None:
    number = translate.to_owned(Sparse(sid="PN1", phone_number="+1"))
    assert (number.urls, number.capabilities, number.overridden_by) == (NumberUrls(), Capabilities(), ())


def test_what_overrides_the_urls_of_a_number_is_told() -> None:
    number = translate.to_owned(Sparse(sid="PN1", phone_number="+1", sms_application_sid="AP1", trunk_sid="TK1"))
    assert number.overridden_by == ("AP1", "TK1")


@pytest.mark.parametrize("status", list(SenderStatus))
def test_each_state_of_a_sender_is_understood(status: SenderStatus) -> None:
    assert translate.to_sender(Sparse(sid="XE1", status=status.value)).status is status


@pytest.mark.parametrize("word", ["SLEEPING", "", None])
def test_a_state_that_twilio_has_invented_since_is_unknown(word: str | None) -> None:
    assert translate.to_sender(Sparse(sid="XE1", status=word)).status is SenderStatus.UNKNOWN


def test_the_reasons_of_an_offline_sender_are_told_in_words() -> None:
    reasons = [{"code": "63020", "message": "Not accepted"}, {"code": "63051"}, "plain"]
    found = translate.to_sender(Sparse(sid="XE1", sender_id="whatsapp:+1415", offline_reasons=reasons))
    assert found.offline_reasons == ("Not accepted", "63051", "plain")
    assert found.phone_number == "+1415"


@pytest.mark.parametrize(("duration", "expected"), [("-1", None), (None, None), ("0", 0), ("7", 7)])
def test_a_recording_that_is_being_made_has_no_length(duration: str | None, expected: int | None) -> None:
    assert translate.to_recording(Sparse(sid="RE1", duration=duration), SID).duration == expected


def test_addresses_of_files_are_built_from_our_own_account() -> None:
    media = translate.to_media(Sparse(sid="ME1", parent_sid="MM1", uri="https://evil.example/x"), SID)
    assert media.url == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"
    recording = translate.to_recording(Sparse(sid="RE1", media_url="https://evil.example/x"), SID)
    assert recording.url == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Recordings/RE1"


@pytest.mark.parametrize("spelling", ["toll free", "toll_free", "tollfree"])
def test_a_toll_free_price_is_found_in_any_spelling(spelling: str) -> None:
    prices = [{"number_type": spelling, "current_price": "2.15"}]
    assert translate.to_prices(Sparse(price_unit="usd", phone_number_prices=prices)) == (
        "USD",
        {NumberType.TOLL_FREE: Decimal("2.15")},
    )


def test_a_price_of_something_unknown_or_unpriced_is_left_out() -> None:
    prices = [{"number_type": "satellite", "current_price": "1"}, {"number_type": "local", "current_price": None}]
    assert translate.to_prices(Sparse(phone_number_prices=prices)) == ("", {})


def test_an_account_that_hides_its_token_has_none() -> None:
    account = translate.to_subaccount(Sparse(sid=SID, status="suspended"))
    assert (account.auth_token, account.status) == ("", SubaccountStatus.SUSPENDED)


def test_a_number_on_sale_without_a_price_says_so() -> None:
    number = translate.to_available(Sparse(phone_number="+1415"), NumberType.LOCAL, {}, "")
    assert (number.monthly_price, number.friendly_name, number.address_requirements) == (None, "+1415", "none")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.none(), max_size=4))
def test_any_reason_is_told_somehow(reason: dict[str, str | None]) -> None:
    [told] = translate.to_sender(Sparse(sid="XE1", offline_reasons=[reason])).offline_reasons
    assert isinstance(told, str)
