"""Decisions about channels."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.channels import rules
from tenant_portal.channels.rules import Facts
from tenant_portal.errors import BadInput
from tenant_portal.models.enums import ChannelKind, ChannelState

SMS, WHATSAPP, VOICEMAIL = ChannelKind.SMS, ChannelKind.WHATSAPP, ChannelKind.VOICEMAIL


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (Facts(SMS, None, None, None), ChannelState.BUYING),
        (Facts(SMS, "PN1", None, None), ChannelState.CONFIGURING),
        (Facts(WHATSAPP, None, None, None), ChannelState.BUYING),
        (Facts(WHATSAPP, "PN1", None, None), ChannelState.REGISTERING),
        (Facts(WHATSAPP, None, None, None, own_number=True), ChannelState.REGISTERING),
        (Facts(WHATSAPP, "PN1", "XE1", "CREATING"), ChannelState.VERIFYING),
        (Facts(WHATSAPP, "PN1", "XE1", None), ChannelState.VERIFYING),
        (Facts(WHATSAPP, "PN1", "XE1", "ONLINE"), ChannelState.CONFIGURING),
        (Facts(WHATSAPP, "PN1", "XE1", "ONLINE:UPDATING"), ChannelState.CONFIGURING),
    ],
)
def test_the_open_step_follows_from_the_facts(facts: Facts, state: ChannelState) -> None:
    assert rules.state_of(facts) is state


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_urls_carry_the_account_and_ask_for_repeats(kind: ChannelKind) -> None:
    url = rules.webhook_url("https://portal.example.com", kind, "AC1")
    assert url == f"https://portal.example.com/api/webhooks/{kind.value}?account=AC1#rc=3&rp=5xx,ct,rt"
    assert rules.is_ours(url, "https://portal.example.com")
    assert not rules.is_ours(url, "https://portal.example.co")


@given(st.integers(1, 100), st.booleans())
def test_pauses_grow_and_end(attempts: int, unknown: bool) -> None:
    pause = rules.pause_seconds(attempts, permanent=False, unknown_outcome=unknown)
    assert (pause is None) == (attempts >= rules.MOST_ATTEMPTS)
    assert pause is None or pause <= rules.LONGEST_PAUSE_SECONDS


def test_a_refusal_is_not_repeated() -> None:
    assert rules.pause_seconds(1, permanent=True, unknown_outcome=False) is None


@pytest.mark.parametrize(
    ("text", "number"), [("+1 (415) 555-0100", "+14155550100"), (" +442079460000 ", "+442079460000")]
)
def test_numbers_are_tidied(text: str, number: str) -> None:
    assert rules.e164(text) == number


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_number_or_a_sentence(text: str) -> None:
    with contextlib.suppress(BadInput):
        assert rules.e164(text).startswith("+")


@pytest.mark.parametrize(("typed", "code"), [("123-456", "123456"), (" 12 34 56 ", "123456"), ("٣123456", "123456")])
def test_codes_are_reduced_to_their_digits(typed: str, code: str) -> None:
    assert rules.clean_code(typed) == code


def test_test_tokens_differ() -> None:
    assert len({rules.new_test_token() for _ in range(50)}) > 45


@pytest.mark.parametrize(
    ("kinds", "sms", "voice", "fits"),
    [
        ({SMS}, True, False, True),
        ({SMS}, False, True, False),
        ({VOICEMAIL}, True, False, False),
        ({VOICEMAIL}, False, True, True),
        ({WHATSAPP}, False, True, True),
        ({WHATSAPP}, False, False, False),
        ({SMS, VOICEMAIL}, True, True, True),
        (set(), True, True, False),
    ],
)
def test_a_number_must_be_able_to_carry_the_channels(
    kinds: set[ChannelKind], sms: bool, voice: bool, fits: bool
) -> None:
    if fits:
        rules.refuse_unfit(frozenset(kinds), sms=sms, voice=voice)
    else:
        with pytest.raises(BadInput):
            rules.refuse_unfit(frozenset(kinds), sms=sms, voice=voice)


def test_a_number_belongs_to_a_country() -> None:
    assert (rules.country_of("+14155550100"), rules.country_of("+442079460000")) == ("US", "GB")


def test_a_number_is_shown_as_people_write_it() -> None:
    assert (rules.display("+14155550100"), rules.display("PORTALTEST")) == ("+1 415-555-0100", "PORTALTEST")
