"""Whatever comes in: no fault of ours, nothing stored."""

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_portal.twilio_gateway.signatures import sign
from tests.cast import Cast
from tests.webhook_client import Portal, address, text_message

MANY = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
PATHS = st.sampled_from(["sms", "whatsapp", "voicemail", "status/x", "voicemail/status", "voicemail/x/action"])
NAMES = st.sampled_from(
    ["AccountSid", "MessageSid", "Body", "From", "To", "CallSid", "NumMedia", "MediaUrl0", "Latitude"]
)


@given(path=PATHS, body=st.binary(max_size=300), signature=st.none() | st.text("abc=\x7f é", max_size=30))
@MANY
async def test_random_bytes_are_refused(
    portal: Portal, cast: Cast, path: str, body: bytes, signature: str | None
) -> None:
    sent = None if signature is None else signature.encode("latin-1")
    headers = {b"content-type": b"application/x-www-form-urlencoded"} | ({b"x-twilio-signature": sent} if sent else {})
    response = await portal.http.post(address(path, cast.acme), content=body, headers=headers)
    assert 400 <= response.status_code < 500
    assert sum((await portal.counts()).values()) == 0


@given(form=st.lists(st.tuples(NAMES | st.text(max_size=8), st.text(max_size=90)), max_size=12), path=PATHS)
@MANY
async def test_signed_nonsense_is_no_fault(
    portal: Portal, cast: Cast, caplog: pytest.LogCaptureFixture, form: list[tuple[str, str]], path: str
) -> None:
    pairs = [pair for pair in form if pair[0] != "AccountSid"] + [("AccountSid", cast.acme.account_sid)]
    response = await portal.post(path, cast.acme, pairs)
    assert response.status_code < 500
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


SOME_FORM = st.dictionaries(
    st.sampled_from(
        [
            "Body",
            "ProfileName",
            "FromCity",
            "From",
            "MediaUrl0",
            "MediaContentType0",
            "NumMedia",
            "OptOutType",
            "ButtonPayload",
            "Label",
            "Latitude",
            "Longitude",
            "ReferralBody",
            "WaId",
            "MessageType",
        ]
    ),
    st.text(max_size=200),
)


@given(changes=SOME_FORM)
@MANY
async def test_a_signed_message_is_stored_or_held_whatever_it_says(
    portal: Portal, cast: Cast, changes: dict[str, Any]
) -> None:
    form = text_message(cast.acme, **changes)
    before = (await portal.counts())["message"] + len(await portal.held())
    response = await portal.post("whatsapp", cast.acme, form)
    assert response.status_code in {200, 400}
    assert (await portal.counts())["message"] + len(await portal.held()) == before + 1


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
async def test_the_limit_of_size_is_exact(portal: Portal, cast: Cast, size: int) -> None:
    url, tail = address("sms", cast.acme), f"AccountSid={cast.acme.account_sid}&Body="
    body = (tail + "x" * (size - len(tail))).encode()
    signature = sign(f"https://portal.example.com{url}", [("AccountSid", cast.acme.account_sid)], "x")
    response = await portal.send(url, body, signature)
    assert response.status_code == (403 if size <= 65_536 else 413)
