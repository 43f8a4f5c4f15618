"""Each way in which a request can be wrong has its documented answer, is counted, and leaves no trace in any tenant."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tenant_portal.config import settings
from tenant_portal.twilio_gateway.signatures import sign
from tests.cast import Cast
from tests.webhook_client import FORM, Pairs, Portal, address, call, sid, text_message, whatsapp_message

NOTHING = {"lead": 0, "conversation": 0, "message": 0, "media": 0, "voicemail": 0, "tenant_hour": 0}
STRANGER = "AC" + "0" * 32
PARENT_TOKEN = "f" * 32


def signed(url: str, form: Pairs, token: str) -> str:
    return sign(f"{settings().origin}{url}", form, token)


async def refused(portal: Portal, response: Any, status: int, reason: str) -> None:
    """The answer is right, counted once with its reason, and no tenant has got anything."""
    assert response.status_code == status
    assert await portal.refusals() == {reason: 1}
    assert await portal.counts() == NOTHING


async def test_an_unsigned_message_is_refused(portal: Portal, cast: Cast) -> None:
    response = await portal.send(address("sms", cast.acme), text_message(cast.acme), None)
    await refused(portal, response, 403, "unsigned")


@pytest.mark.parametrize("forged", ["x", "=", "A" * 28, "é" * 4, "\0", "A" * 10_000])
async def test_a_forged_message_is_refused(portal: Portal, cast: Cast, forged: str) -> None:
    headers = {"X-Twilio-Signature": forged.encode("latin-1"), "Content-Type": FORM}
    body = urlencode(text_message(cast.acme))
    response = await portal.http.post(address("sms", cast.acme), content=body, headers=headers)
    await refused(portal, response, 403, "signature")


async def test_a_body_changed_after_signing_is_refused(portal: Portal, cast: Cast) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    signature = signed(url, list(form.items()), cast.acme.auth_token)
    await refused(portal, await portal.send(url, form | {"Body": "Changed"}, signature), 403, "signature")


@pytest.mark.parametrize("who", ["acme", "globex"])
async def test_one_clients_token_does_not_sign_for_the_other(portal: Portal, cast: Cast, who: str) -> None:
    mine, other = (cast.acme, cast.globex) if who == "acme" else (cast.globex, cast.acme)
    response = await portal.post("sms", mine, text_message(mine), token=other.auth_token)
    await refused(portal, response, 403, "signature")


@pytest.mark.parametrize("who", ["acme", "globex"])
async def test_a_body_of_one_client_on_the_others_url_is_refused(portal: Portal, cast: Cast, who: str) -> None:
    mine, other = (cast.acme, cast.globex) if who == "acme" else (cast.globex, cast.acme)
    for token in (mine.auth_token, other.auth_token):
        assert (await portal.post("sms", mine, text_message(other), token=token)).status_code == 403
    assert await portal.refusals() == {"account-mismatch": 2}
    assert await portal.counts() == NOTHING


async def test_the_parent_accounts_token_signs_nothing(portal: Portal, cast: Cast) -> None:
    response = await portal.post("sms", cast.acme, text_message(cast.acme), token=PARENT_TOKEN)
    await refused(portal, response, 403, "signature")


async def test_a_request_signed_with_a_shared_key_is_refused(portal: Portal, cast: Cast) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    signature = signed(url, list(form.items()), cast.acme.auth_token)
    header = {"X-Twilio-Webhooks-Signature-Settings": "key=SK1,algorithm=HMAC_SHA256"}
    await refused(portal, await portal.send(url, form, signature, **header), 403, "shared-key")


async def test_an_unknown_account_is_not_found_and_kept_apart(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, AccountSid=STRANGER)
    url = f"/api/webhooks/sms?account={STRANGER}"
    response = await portal.send(url, form, signed(url, list(form.items()), cast.acme.auth_token))
    await refused(portal, response, 404, "unknown-account")
    (held,) = await portal.held()
    assert (held["reason"], held["is_signed"], held["account_sid"]) == ("unknown-account", False, STRANGER)
    assert held["source"] == "203.0.113.7"


AMBIGUOUS: dict[str, Callable[[str, str], tuple[str, Pairs]]] = {
    "twice the same": lambda mine, _: (mine, [("AccountSid", mine), ("AccountSid", mine)]),
    "own and other": lambda mine, other: (mine, [("AccountSid", mine), ("AccountSid", other)]),
    "other and own": lambda mine, other: (mine, [("AccountSid", other), ("AccountSid", mine)]),
    "none in the form": lambda mine, _: (mine, []),
    "blank": lambda mine, _: (mine, [("AccountSid", "")]),
    "newline after": lambda mine, _: (f"{mine}%0A", [("AccountSid", f"{mine}\n")]),
    "newline before": lambda mine, _: (f"%0A{mine}", [("AccountSid", f"\n{mine}")]),
    "blank after": lambda mine, _: (f"{mine}+", [("AccountSid", f"{mine} ")]),
    "NUL after": lambda mine, _: (f"{mine}%00", [("AccountSid", f"{mine}\0")]),
    "upper case": lambda mine, _: (mine.upper(), [("AccountSid", mine.upper())]),
    "wide digits": lambda mine, _: (f"{mine[:-1]}\uff11", [("AccountSid", f"{mine[:-1]}\uff11")]),
    "twice in the URL": lambda mine, _: (f"{mine}&account={mine}", [("AccountSid", mine)]),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
async def test_an_ambiguous_account_is_refused(portal: Portal, cast: Cast, case: str) -> None:
    in_url, pairs = AMBIGUOUS[case](cast.acme.account_sid, cast.globex.account_sid)
    form = [(name, value) for name, value in text_message(cast.acme).items() if name != "AccountSid"] + list(pairs)
    url = f"/api/webhooks/sms?account={in_url}"
    response = await portal.send(url, form, signed(url, form, cast.acme.auth_token))
    await refused(portal, response, 403, "account-unclear")


@pytest.mark.parametrize("query", ["", "?", "?accounts=x", "?Account=x"])
async def test_a_url_without_an_account_is_refused(portal: Portal, cast: Cast, query: str) -> None:
    form, url = text_message(cast.acme), f"/api/webhooks/sms{query}"
    response = await portal.send(url, form, signed(url, list(form.items()), cast.acme.auth_token))
    await refused(portal, response, 403, "account-unclear")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_only_post_is_taken(portal: Portal, cast: Cast, method: str) -> None:
    form = text_message(cast.acme)
    url = f"{address('sms', cast.acme)}&{urlencode(form)}"
    header = {"X-Twilio-Signature": signed(url, [], cast.acme.auth_token), "Content-Type": FORM}
    response = await portal.http.request(method, url, headers=header)
    assert response.headers["allow"] == "POST"
    await refused(portal, response, 405, "method")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "", FORM + "x"])
async def test_only_forms_are_taken(portal: Portal, cast: Cast, kind: str) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    headers = {"X-Twilio-Signature": signed(url, list(form.items()), cast.acme.auth_token), "Content-Type": kind}
    response = await portal.http.post(url, content=urlencode(form), headers=headers)
    await refused(portal, response, 415, "content-type")


async def test_a_form_with_a_charset_is_a_form(portal: Portal, cast: Cast) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    headers = {
        "X-Twilio-Signature": signed(url, list(form.items()), cast.acme.auth_token),
        "Content-Type": f"{FORM.upper()}; charset=UTF-8",
    }
    assert (await portal.http.post(url, content=urlencode(form), headers=headers)).status_code == 200


async def test_a_message_that_is_too_large_is_refused(portal: Portal, cast: Cast) -> None:
    response = await portal.post("sms", cast.acme, text_message(cast.acme, Body="x" * 65_536))
    await refused(portal, response, 413, "too-large")


async def test_size_is_counted_where_no_length_is_given(portal: Portal, cast: Cast) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * 4096

    headers = {"X-Twilio-Signature": "x", "Content-Type": FORM}
    response = await portal.http.post(address("sms", cast.acme), content=chunks(), headers=headers)
    await refused(portal, response, 413, "too-large")


@pytest.mark.parametrize(
    "body", [b"Body=\xff", b"Body=%FF", b"%C3%28=x", b"Body=%ED%A0%80", b"a%00b=1", b"&".join([b"a=1"] * 1001)]
)
async def test_a_malformed_form_is_refused(portal: Portal, cast: Cast, body: bytes) -> None:
    body += b"&AccountSid=" + cast.acme.account_sid.encode()
    await refused(portal, await portal.send(address("sms", cast.acme), body, "x"), 400, "malformed")


@pytest.mark.parametrize("body", [b"", b"&&&", b"=", b"\x00\x01\x02", b'{"AccountSid": 1}'])
async def test_garbage_is_refused(portal: Portal, cast: Cast, body: bytes) -> None:
    response = await portal.send(address("sms", cast.acme), body, "x")
    assert response.status_code in {400, 403}
    assert await portal.counts() == NOTHING


async def test_a_thousand_parameters_are_taken(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme)
    form |= {f"New{number}": "" for number in range(1000 - len(form))}
    assert (await portal.post("sms", cast.acme, form)).status_code == 200


@pytest.mark.parametrize("missing", ["From", "To", "MessageSid"])
async def test_a_signed_message_that_lacks_something_is_refused_and_held(
    portal: Portal, cast: Cast, missing: str
) -> None:
    response = await portal.post("sms", cast.acme, text_message(cast.acme, **{missing: None}))
    await refused(portal, response, 400, "missing-parameter")
    (held,) = await portal.held()
    assert (held["reason"], held["is_signed"]) == ("missing-parameter", True)


@pytest.mark.parametrize("state", ["suspended", "provisioning"])
async def test_a_client_that_is_not_active_gets_nothing_but_loses_nothing(
    portal: Portal, cast: Cast, admin_url: str, state: str
) -> None:
    await set_state(admin_url, cast, state)
    response = await portal.post("sms", cast.acme, text_message(cast.acme))
    await refused(portal, response, 403, state)
    assert [(row["reason"], row["is_signed"]) for row in await portal.held()] == [(state, True)]


async def test_a_closed_client_is_unknown(portal: Portal, cast: Cast, admin_url: str) -> None:
    await set_state(admin_url, cast, "closed")
    response = await portal.post("sms", cast.acme, text_message(cast.acme))
    await refused(portal, response, 404, "unknown-account")


async def set_state(admin_url: str, cast: Cast, state: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute("update tenant set state = %s where id = %s", (state, cast.acme.tenant_id))


async def test_the_other_clients_number_is_not_found_in_this_client(portal: Portal, cast: Cast) -> None:
    response = await portal.post("sms", cast.acme, text_message(cast.acme, To=cast.globex.number))
    await refused(portal, response, 200, "unknown-number")
    (held,) = await portal.held()
    assert (held["reason"], held["is_signed"]) == ("unknown-number", True)


@pytest.mark.parametrize("to", ["+15005550001", "whatsapp:", "sip:portal@example.com", "MG" + "0" * 32])
async def test_a_number_that_is_no_connected_channel_is_held(portal: Portal, cast: Cast, to: str) -> None:
    response = await portal.post("sms", cast.acme, text_message(cast.acme, To=to))
    await refused(portal, response, 200, "unknown-number")


async def test_refusals_keep_names_and_no_values(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, Body="canary-7431") | {"canary 7431 name": "1"}
    await portal.send(address("sms", cast.acme), form, "x")
    await portal.refusals()
    row = await portal.row("select * from webhook_refusal")
    assert row["account_sid"] == cast.acme.account_sid
    assert {"Body", "From", "MessageSid", "?"} <= set(row["parameter_names"].split())
    assert "canary" not in str(row)


async def test_made_up_accounts_are_counted_together(portal: Portal, cast: Cast) -> None:
    for _ in range(5):
        stranger = sid("AC")
        await portal.send(f"/api/webhooks/sms?account={stranger}", text_message(cast.acme, AccountSid=stranger), "x")
    await portal.refusals()
    row = await portal.row("select account_sid, count from webhook_refusal")
    assert row == {"account_sid": "", "count": 5}


@pytest.mark.parametrize("form", [whatsapp_message, call])
async def test_each_kind_takes_only_its_own_channel(portal: Portal, cast: Cast, form: Any) -> None:
    path = {"whatsapp_message": "whatsapp", "call": "voicemail"}[form.__name__]
    response = await portal.post(path, cast.acme, form(cast.acme, To="+15005550001"))
    assert response.status_code == 200
    assert [row["kind"] for row in await portal.held()] == [path]
