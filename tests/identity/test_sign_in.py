"""Signing in, step by step, against the real database."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from passlib.hash import argon2
from sqlmodel import col

from tenant_portal import db
from tenant_portal.crypto import token_hash
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity import attempts, passwords, service, sessions
from tenant_portal.identity.queries import Person, find_session, list_browsers
from tenant_portal.identity.service import Candidate, Device
from tenant_portal.models import SignInAttempt, Tenant, User, UserSession
from tenant_portal.models.enums import Role, TenantState
from tests.cast import PASSWORD, Cast, Someone

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HERE = Device("192.0.2.1", "Firefox")


async def knock(email: str, now: datetime = NOW, address: str = "192.0.2.1") -> Candidate:
    async with db.identity_session() as session:
        return await service.candidate(session, email, address, now)


async def enter(who: Someone, now: datetime = NOW) -> str:
    """Sign in with the right password; the token."""
    found = await knock(who.email, now)
    assert await passwords.is_right(PASSWORD, found.password_hash)
    async with db.identity_session() as session:
        return await service.settle(session, found, PASSWORD, HERE, now)


async def who_is(token: str, now: datetime = NOW) -> Person | None:
    async with db.identity_session() as session:
        return await sessions.resume(session, token, now)


async def test_the_token_leads_to_the_person(cast: Cast) -> None:
    person = await who_is(await enter(cast.alice))
    assert person is not None
    assert (person.name, person.role, person.tenant_id) == ("Alice Archer", Role.OWNER, cast.acme.tenant_id)
    assert person.client == "Acme"


async def test_staff_have_no_tenant(cast: Cast) -> None:
    person = await who_is(await enter(cast.sam))
    assert person is not None
    assert (person.tenant_id, person.is_staff, person.client) == (None, True, "")


async def test_only_the_hash_of_a_token_is_stored(cast: Cast) -> None:
    token = await enter(cast.alice)
    async with db.identity_session() as session:
        stored = await session.scalar(sa.select(col(UserSession.token_hash)))
    assert stored == token_hash(token) == hashlib.sha256(token.encode()).digest()


async def test_every_sign_in_makes_a_new_session(cast: Cast) -> None:
    tokens = {await enter(cast.alice) for _ in range(3)}
    assert len(tokens) == 3


@pytest.mark.parametrize("after", [timedelta(hours=12), timedelta(days=14)])
async def test_an_idle_session_is_over(cast: Cast, after: timedelta) -> None:
    assert await who_is(await enter(cast.alice), NOW + after) is None


async def test_use_keeps_a_session_alive_until_fourteen_days_are_over(cast: Cast) -> None:
    token, hours = await enter(cast.alice), 0
    while await who_is(token, NOW + timedelta(hours=hours)):
        hours += 11
    assert 14 * 24 <= hours < 14 * 24 + 11


@pytest.mark.parametrize("token", ["", "made up", "x" * 43])
async def test_a_made_up_token_leads_to_nobody(cast: Cast, token: str) -> None:
    await enter(cast.alice)
    assert await who_is(token) is None


async def test_people_of_a_suspended_client_may_sign_in_those_of_a_closed_one_not(cast: Cast) -> None:
    token = await enter(cast.alice)
    await _set_state(cast, TenantState.SUSPENDED)
    assert await who_is(token) is not None
    await _set_state(cast, TenantState.CLOSED)
    assert await who_is(token) is None
    assert (await knock(cast.alice.email)).password_hash is None


async def _set_state(cast: Cast, state: TenantState) -> None:
    async with db.staff_session() as session:
        await session.execute(sa.update(Tenant).where(col(Tenant.id) == cast.acme.tenant_id).values(state=state))


async def test_twenty_wrong_passwords_make_the_twenty_first_wait(cast: Cast) -> None:
    tries = [await knock(cast.alice.email, NOW + timedelta(seconds=number)) for number in range(20)]
    assert [found.attempt.is_blocked for found in tries[:5]] == [False] * 5
    assert sum(found.attempt.is_blocked for found in tries) >= 10
    assert tries[5].password_hash is None


async def test_unknown_accounts_are_counted_too(cast: Cast) -> None:
    tries = [await knock("nobody@nowhere.example") for _ in range(7)]
    assert [found.attempt.is_blocked for found in tries] == [False] * 5 + [True] * 2


async def test_one_address_that_tries_many_accounts_must_wait(cast: Cast) -> None:
    for number in range(20):
        await knock(f"user{number}@acme.example")
    assert (await knock(cast.alice.email)).attempt.is_blocked
    assert not (await knock(cast.alice.email, address="198.51.100.1")).attempt.is_blocked


async def test_one_ipv6_network_counts_as_one_address(cast: Cast) -> None:
    for number in range(20):
        await knock(f"user{number}@acme.example", address=f"2001:db8:1:2::{number + 1:x}")
    assert (await knock(cast.alice.email, address="2001:db8:1:2:ffff::1")).attempt.is_blocked
    assert not (await knock(cast.alice.email, address="2001:db8:1:3::1")).attempt.is_blocked


async def test_a_success_forgets_the_accounts_failures_but_only_one_of_the_address(cast: Cast) -> None:
    for _ in range(4):
        await knock(cast.alice.email)
    await enter(cast.alice)
    async with db.identity_session() as session:
        left = (await session.execute(sa.select(col(SignInAttempt.key), col(SignInAttempt.failures)))).all()
    assert [(row.key.partition(":")[0], row.failures) for row in left] == [("address", 4)]


async def test_a_success_does_not_hold_back_the_next_person_at_the_same_address(cast: Cast) -> None:
    for number in range(20):
        await knock(f"user{number}@acme.example")
    later = NOW + timedelta(hours=1)
    for who in (cast.alice, cast.charlie):
        assert await enter(who, later)


async def test_old_failures_are_forgotten(cast: Cast) -> None:
    for _ in range(5):
        await knock(cast.alice.email)
    assert (await knock(cast.alice.email)).attempt.is_blocked
    later = [await knock(cast.alice.email, NOW + timedelta(hours=25)) for _ in range(4)]
    assert not any(found.attempt.is_blocked for found in later)


async def test_no_email_address_is_readable_among_the_attempts(cast: Cast) -> None:
    await knock(cast.alice.email)
    async with db.identity_session() as session:
        keys = (await session.execute(sa.select(col(SignInAttempt.key)))).scalars().all()
    assert len(keys) == 2
    assert not [key for key in keys if "alice" in key or "192.0.2.1" in key]


async def test_a_try_is_counted_before_the_password_is_looked_at(cast: Cast) -> None:
    async with db.identity_session() as session:
        await attempts.count(session, cast.alice.email, "192.0.2.1", NOW)
    async with db.identity_session() as session:
        assert await session.scalar(sa.select(sa.func.min(col(SignInAttempt.failures)))) == 1


async def test_without_a_user_nothing_fits_and_it_costs_a_hash(cast: Cast) -> None:
    assert await passwords.is_right("nobody has this password", None) is False


async def test_a_password_changed_during_the_check_wins(cast: Cast) -> None:
    found = await knock(cast.alice.email)
    async with db.identity_session() as session:
        await session.execute(
            sa.update(User).values(password_hash=argon2.using(rounds=1, memory_cost=64).hash("other"))
        )
    async with db.identity_session() as session:
        with pytest.raises(NotFound):
            await service.settle(session, found, PASSWORD, HERE, NOW)


async def test_a_hash_of_old_parameters_is_renewed_at_sign_in(cast: Cast) -> None:
    await enter(cast.alice)
    found = await knock(cast.alice.email)
    assert found.password_hash is not None
    assert found.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.is_right(PASSWORD, found.password_hash)


async def test_ending_a_session_needs_its_owner(cast: Cast) -> None:
    token = await enter(cast.alice)
    person = await who_is(token)
    assert person is not None
    async with db.identity_session() as session:
        assert not await sessions.end(session, cast.charlie.user_id, person.session_id)
        assert await sessions.end(session, cast.alice.user_id, person.session_id)
    assert await who_is(token) is None


async def test_ending_the_others_keeps_this_one(cast: Cast) -> None:
    here, there = await enter(cast.alice), await enter(cast.alice)
    bob = await enter(cast.bob)
    person = await who_is(here)
    assert person is not None
    async with db.identity_session() as session:
        assert await sessions.end_others(session, person) == 1
    assert [bool(await who_is(token)) for token in (here, there, bob)] == [True, False, True]


async def test_a_person_sees_only_their_own_browsers(cast: Cast) -> None:
    person = await who_is(await enter(cast.alice))
    await enter(cast.bob)
    assert person is not None
    async with db.identity_session() as session:
        shown = await list_browsers(session, person, NOW)
    assert [browser.session_id for browser in shown] == [person.session_id]


async def test_being_seen_is_written_at_most_once_a_minute(cast: Cast) -> None:
    token = await enter(cast.alice)
    for seconds in (30, 59, 61, 90):
        await who_is(token, NOW + timedelta(seconds=seconds))
    async with db.identity_session() as session:
        found = await find_session(session, token, NOW)
    assert found is not None
    assert found.last_seen_at == NOW + timedelta(seconds=61)


@pytest.mark.parametrize(("role", "has_client"), [(Role.STAFF, True), (Role.OWNER, False), (Role.AGENT, False)])
async def test_a_role_needs_its_place(cast: Cast, role: Role, has_client: bool) -> None:
    async with db.identity_session() as session:
        with pytest.raises(BadInput):
            await _create(session, role=role, tenant_id=cast.acme.tenant_id if has_client else None)


async def test_an_address_signs_up_once(cast: Cast) -> None:
    with pytest.raises(Conflict):
        async with db.identity_session() as session:
            await _create(session, role=Role.AGENT, tenant_id=cast.globex.tenant_id, email=cast.alice.email.upper())


async def _create(session: object, **changes: object) -> None:
    wanted = {"email": "new@acme.example", "name": "Nora New", "password": PASSWORD} | changes
    await service.create_user(session, **wanted)  # type: ignore[arg-type]
