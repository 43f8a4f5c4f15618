"""Auth tokens: replaced at Twilio without a refused webhook, and sealed again with a new key."""

import base64
import secrets
from uuid import UUID

import pytest

from tenant_portal import crypto, db
from tenant_portal.cli.keys import reseal_all
from tenant_portal.config import settings
from tenant_portal.models import QuarantinedRequest, Subaccount
from tenant_portal.tenants import jobs, service
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tests.cast import Cast
from tests.simulated_twilio import SimulatedTwilio, make_client


async def token_of(tenant_id: UUID) -> str:
    async with db.tenant_session(tenant_id) as session:
        return (await service.credentials(session, tenant_id)).auth_token


async def previous_of(tenant_id: UUID) -> str:
    async with db.tenant_session(tenant_id) as session:
        row = await session.get_one(Subaccount, tenant_id)
    assert row.previous_auth_token_sealed is not None
    return crypto.unseal(row.previous_auth_token_sealed, service.token_place(tenant_id, "previous_auth_token_sealed"))


async def test_a_rotation_uses_the_new_token_and_keeps_the_old_one_for_a_while(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    before = await token_of(tenant_id)
    await jobs.rotate_token(tenant_id)
    [account] = twilio.accounts()
    assert await token_of(tenant_id) == account.auth_token != before
    assert await previous_of(tenant_id) == before


async def test_the_next_token_is_accepted_before_it_is_promoted(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    twilio.fail("drop", method="POST", path_contains="/Promote")
    with pytest.raises(service.TwilioError):
        await jobs.rotate_token(tenant_id)
    [account] = twilio.accounts()
    assert await previous_of(tenant_id) == account.secondary_token


async def test_a_rotation_that_died_after_the_promotion_is_taken_over(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    twilio.fail("drop_after", method="POST", path_contains="/Promote")
    with pytest.raises(service.TwilioError):
        await jobs.rotate_token(tenant_id)
    await jobs.rotate_token(tenant_id)
    [account] = twilio.accounts()
    assert await token_of(tenant_id) == account.auth_token


async def test_a_token_changed_at_twilio_is_fetched_by_a_check(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    [account] = twilio.accounts()
    before = account.auth_token
    twilio.world.store.change(account, auth_token=secrets.token_hex(16))
    async with db.staff_session() as session:
        await service.retry(session, tenant_id)
    await jobs.settle(tenant_id)
    assert await token_of(tenant_id) == twilio.accounts()[0].auth_token
    assert await previous_of(tenant_id) == before


async def test_the_rotated_token_works_at_twilio(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    await jobs.rotate_token(tenant_id)
    async with db.tenant_session(tenant_id) as session:
        found = await service.credentials(session, tenant_id)
    account = await tenant_gateway(found.account_sid, found.auth_token).fetch_account()
    assert account.sid == found.account_sid


def new_key(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


async def test_every_stale_seal_is_renewed_and_a_repeat_finds_none(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    place = crypto.Place("quarantined_request", "request_sealed", None, "x")
    old = settings().secret_keys or (settings().data_dir / "secret_keys").read_text().strip()
    async with db.front_door_session() as session:
        row = QuarantinedRequest(
            reason="unknown-number", kind="sms", is_signed=True, path="/", size_bytes=1, fingerprint=b"f",
            request_sealed=b"",
        )  # fmt: skip
        row.request_sealed = crypto.seal("body", crypto.Place(place.table, place.column, None, str(row.id)))
        session.add(row)
    monkeypatch.setenv("PORTAL_SECRET_KEYS", f"{new_key('fresh')},{old}")
    settings.cache_clear()
    try:
        assert await reseal_all() == {"key": "fresh", "tokens": 2, "quarantined": 1, "emails": 0, "second_steps": 0}
        assert await reseal_all() == {"key": "fresh", "tokens": 0, "quarantined": 0, "emails": 0, "second_steps": 0}
        assert await token_of(cast.acme.tenant_id) == cast.acme.auth_token
    finally:
        monkeypatch.undo()
        settings.cache_clear()
