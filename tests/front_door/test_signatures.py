"""What a signature is checked over, and with which tokens."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product

import psycopg
import pytest

from tenant_portal.config import settings
from tenant_portal.crypto import Place, seal
from tenant_portal.front_door.accounts import Account
from tenant_portal.twilio_gateway.signatures import sign
from tests.cast import Cast
from tests.webhook_client import Portal, address, text_message

NEW_TOKEN = "9" * 32


async def rotate(admin_url: str, cast: Cast, column: str, token: str, until: datetime | None = None) -> None:
    tenant_id = cast.acme.tenant_id
    sealed = seal(token, Place("subaccount", column, tenant_id, str(tenant_id)))
    query = f"update subaccount set {column} = %s, previous_token_until = %s where tenant_id = %s"
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute(query.encode(), (sealed, until, tenant_id))


async def status_with(portal: Portal, cast: Cast, token: str) -> int:
    return (await portal.post("sms", cast.acme, text_message(cast.acme), token=token)).status_code


async def eventually(portal: Portal, cast: Cast, token: str, expected: int) -> None:
    """Within a second every process knows of a changed token."""
    for _ in range(50):
        if await status_with(portal, cast, token) == expected:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"a token did not become {expected}")


async def test_after_a_promotion_the_new_token_counts_within_a_second(
    portal: Portal, cast: Cast, admin_url: str
) -> None:
    assert await status_with(portal, cast, cast.acme.auth_token) == 200
    await rotate(admin_url, cast, "auth_token_sealed", NEW_TOKEN)
    await eventually(portal, cast, NEW_TOKEN, 200)
    assert await status_with(portal, cast, cast.acme.auth_token) == 403


async def test_during_a_rotation_both_tokens_count(portal: Portal, cast: Cast, admin_url: str) -> None:
    await rotate(admin_url, cast, "previous_auth_token_sealed", NEW_TOKEN, datetime.now(UTC) + timedelta(minutes=5))
    await eventually(portal, cast, NEW_TOKEN, 200)
    assert await status_with(portal, cast, cast.acme.auth_token) == 200


async def test_the_old_token_dies_with_its_window(portal: Portal, cast: Cast, admin_url: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=1)
    await rotate(admin_url, cast, "previous_auth_token_sealed", NEW_TOKEN, until)
    await eventually(portal, cast, NEW_TOKEN, 200)
    await asyncio.sleep(1)
    assert await status_with(portal, cast, NEW_TOKEN) == 403


async def test_a_token_sealed_for_another_client_signs_nothing(portal: Portal, cast: Cast, admin_url: str) -> None:
    copy = """update subaccount a set auth_token_sealed = b.auth_token_sealed from subaccount b
        where a.tenant_id = %s and b.tenant_id = %s"""
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        await connection.execute(copy, (cast.acme.tenant_id, cast.globex.tenant_id))
    for token in (cast.acme.auth_token, cast.globex.auth_token, ""):
        assert (await portal.post("sms", cast.acme, text_message(cast.acme), token=token or " ")).status_code == 403


def test_a_window_that_is_over_leaves_one_token(cast: Cast) -> None:
    account = Account("AC", cast.acme.tenant_id, "active", "now", "before", second_until=0.0)
    assert account.tokens() == ("now",)


LIES = [
    {"Host": "evil.example"},
    {"Host": "portal.example.com:8443"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "http"},
    {"X-Forwarded-Port": "8443"},
    {"X-Forwarded-Prefix": "/other"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Original-URL": "/api/webhooks/whatsapp"},
    {"X-Rewrite-URL": "/api/webhooks/whatsapp"},
    {"X-HTTP-Method-Override": "GET"},
]


async def test_headers_do_not_change_the_signed_address(portal: Portal, cast: Cast) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    right = sign(f"{settings().origin}{url}", list(form.items()), cast.acme.auth_token)
    for lie in LIES:
        assert (lie, (await portal.send(url, form, right, **lie)).status_code) == (lie, 200)
    for lie, origin in product(LIES, ("https://evil.example", "http://portal.example.com", "http://10.0.0.1")):
        wrong = sign(f"{origin}{url}", list(form.items()), cast.acme.auth_token)
        assert (lie, (await portal.send(url, form, wrong, **lie)).status_code) == (lie, 403)


@pytest.mark.parametrize("origin", ["https://portal.example.com", "https://portal.example.com:443"])
async def test_twilio_may_sign_with_or_without_the_port(portal: Portal, cast: Cast, origin: str) -> None:
    form, url = text_message(cast.acme), address("sms", cast.acme)
    signature = sign(f"{origin}{url}", list(form.items()), cast.acme.auth_token)
    assert (await portal.send(url, form, signature)).status_code == 200


async def test_the_path_is_signed_as_it_was_sent(portal: Portal, cast: Cast) -> None:
    form, url = text_message(cast.acme), address("s%6Ds", cast.acme)
    as_sent = sign(f"{settings().origin}{url}", list(form.items()), cast.acme.auth_token)
    decoded = sign(f"{settings().origin}{address('sms', cast.acme)}", list(form.items()), cast.acme.auth_token)
    assert (await portal.send(url, form, as_sent)).status_code == 200
    assert (await portal.send(url, form, decoded)).status_code == 403


async def test_a_signature_of_one_path_is_not_one_of_another(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme)
    signature = sign(f"{settings().origin}{address('sms', cast.acme)}", list(form.items()), cast.acme.auth_token)
    assert (await portal.send(address("whatsapp", cast.acme), form, signature)).status_code == 403


async def test_blanks_duplicates_and_unknown_names_are_signed_as_they_come(portal: Portal, cast: Cast) -> None:
    form = [
        *text_message(cast.acme, Body=" a\r\nb ").items(),
        ("New", ""),
        ("Twice", "b"),
        ("Twice", "a"),
        ("Twice", "b"),
    ]
    assert (await portal.post("sms", cast.acme, form)).status_code == 200
    assert (await portal.row("select body from message"))["body"] == " a\r\nb "
