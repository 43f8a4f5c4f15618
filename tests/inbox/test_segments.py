"""Segments of an SMS, which is what is billed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.inbox.segments import count_segments, first_beyond_gsm


@pytest.mark.parametrize(
    ("body", "count", "remaining", "encoding"),
    [
        ("", 0, 160, "GSM-7"),
        ("a" * 160, 1, 0, "GSM-7"),
        ("a" * 161, 2, 145, "GSM-7"),
        ("a" * 306, 2, 0, "GSM-7"),
        ("a" * 307, 3, 152, "GSM-7"),
        ("€" * 80, 1, 0, "GSM-7"),
        ("€" * 81, 2, 143, "GSM-7"),
        ("a" * 152 + "€" + "a" * 10, 2, 141, "GSM-7"),
        ("ä" * 160, 1, 0, "GSM-7"),
        ("ç", 1, 69, "UCS-2"),
        ("я" * 70, 1, 0, "UCS-2"),
        ("я" * 71, 2, 63, "UCS-2"),
        ("👋" * 35, 1, 0, "UCS-2"),
        ("я" * 66 + "👋" + "я" * 5, 2, 60, "UCS-2"),
        ("\u00a0", 1, 69, "UCS-2"),
    ],
)
def test_segments_are_counted_as_carriers_do(body: str, count: int, remaining: int, encoding: str) -> None:
    found = count_segments(body)
    assert (found.count, found.remaining, found.encoding) == (count, remaining, encoding)


@given(st.text(max_size=400))
def test_a_longer_text_never_has_fewer_segments(body: str) -> None:
    assert count_segments(body + "a").count >= count_segments(body).count


@given(st.text(min_size=1, max_size=400))
def test_the_rest_of_a_segment_is_within_its_limits(body: str) -> None:
    found = count_segments(body)
    assert found.count >= 1
    assert 0 <= found.remaining < 160


@pytest.mark.parametrize(
    ("body", "odd"),
    [("Plain [text] for 5 €", ""), ("It\u2019s fine", "\u2019"), ("Hello 🙂 \u2019", "🙂"), ("", "")],
    ids=["GSM-7 with its extension", "curly quote", "the first of two", "nothing"],
)
def test_the_character_that_shortens_segments_is_named(body: str, odd: str) -> None:
    assert first_beyond_gsm(body) == odd
    assert (count_segments(body).encoding == "UCS-2") == bool(odd)
