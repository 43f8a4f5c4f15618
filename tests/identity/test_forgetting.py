"""What is over is deleted; what happens at once is counted once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tenant_portal import db
from tenant_portal.errors import Conflict
from tenant_portal.identity import attempts, jobs, sessions, team
from tenant_portal.models import SignInAttempt, User, UserSession
from tenant_portal.models.enums import Role
from tests.cast import Cast
from tests.identity.test_sign_in import enter, knock, who_is
from tests.signed_in import person

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "left"), [(timedelta(hours=11), 1), (timedelta(hours=12), 0), (timedelta(days=15), 0)]
)
async def test_sessions_that_timed_out_are_deleted(cast: Cast, after: timedelta, left: int) -> None:
    await enter(cast.alice)
    async with db.identity_session() as session:
        await sessions.forget_ended(session, NOW + after)
    async with db.identity_session() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(UserSession)) == left


async def test_failures_of_yesterday_are_deleted(cast: Cast) -> None:
    await knock("old@acme.example", NOW - timedelta(hours=25), "192.0.2.9")
    await knock("new@acme.example", NOW)
    async with db.identity_session() as session:
        await attempts.forget_old(session, NOW)
    async with db.identity_session() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(SignInAttempt)) == 2


async def test_the_job_leaves_live_sessions_alone(cast: Cast) -> None:
    token = await enter(cast.alice, datetime.now(UTC))
    await jobs.forget(0)
    assert await who_is(token, datetime.now(UTC)) is not None


async def test_tries_at_once_cannot_slip_past_the_counter(cast: Cast) -> None:
    tries = await asyncio.gather(*(knock(cast.alice.email) for _ in range(16)))
    assert sum(not found.attempt.is_blocked for found in tries) == 5


async def test_two_owners_who_remove_each_other_do_not_both_succeed(cast: Cast) -> None:
    async with db.identity_session() as session:
        await session.execute(sa.update(User).where(col(User.id) == cast.bob.user_id).values(role=Role.OWNER))

    async def remove(by: object, whom: object) -> None:
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await team.remove(session, by, whom, NOW)  # type: ignore[arg-type]

    alice, bob = person(cast.alice), replace(person(cast.bob), role=Role.OWNER)
    ends = await asyncio.gather(remove(alice, bob.user_id), remove(bob, alice.user_id), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [Conflict]
