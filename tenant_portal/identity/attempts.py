"""Back-off against guessing: failures in a row, per account and per address, known or not."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.identity.rules import FORGET_FAILURES_AFTER, SIGN_IN, Limit, pause_after
from tenant_portal.models import SignInAttempt
from tenant_portal.networks import network_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, already counted as a failure until it succeeds."""

    account_key: str
    address_key: str
    is_blocked: bool


async def count(session: AsyncSession, account: str, address: str, now: datetime, limit: Limit = SIGN_IN) -> Attempt:
    """Count a try before the secret is looked at, so that a thousand tries at once cannot slip past the counter.

    A try while blocked is not counted: hammering must not lock the owner out for ever.
    """
    keys = (_account_key(limit, account), _key(f"{limit.kind}address", network_of(address)))
    free = (limit.account_free, limit.address_free)
    # Always in this order: two tries lock the same rows, and must not wait for each other.
    blocked = [await _count_one(session, key, allowed, limit, now) for key, allowed in zip(keys, free, strict=True)]
    return Attempt(*keys, any(blocked))


async def forgive(session: AsyncSession, attempt: Attempt) -> None:
    """After a success: the account starts afresh, the address is only given this one try back, with its pause.

    Else whoever owns an account could clear the address' count between guesses at other accounts.
    """
    await session.execute(sa.delete(SignInAttempt).where(col(SignInAttempt.key) == attempt.account_key))
    await session.execute(
        sa.update(SignInAttempt)
        .where(col(SignInAttempt.key) == attempt.address_key, col(SignInAttempt.failures) > 0)
        .values(failures=col(SignInAttempt.failures) - 1, blocked_until=None)
    )


async def clear(session: AsyncSession, account: str, *limits: Limit) -> None:
    """The account starts afresh: somebody has proved in another way that it is theirs."""
    keys = [_account_key(limit, account) for limit in limits]
    await session.execute(sa.delete(SignInAttempt).where(col(SignInAttempt.key).in_(keys)))


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Delete counters that no longer hold anybody back. Takes an identity session."""
    await session.execute(
        sa.delete(SignInAttempt).where(col(SignInAttempt.last_failure_at) < now - FORGET_FAILURES_AFTER)
    )


async def _count_one(session: AsyncSession, key: str, free: int, limit: Limit, now: datetime) -> bool:
    await session.execute(
        insert(SignInAttempt).values(key=key, failures=0, last_failure_at=now).on_conflict_do_nothing()
    )
    query = sa.select(SignInAttempt).where(col(SignInAttempt.key) == key).with_for_update()
    row = (await session.execute(query.execution_options(populate_existing=True))).scalar_one()
    if row.blocked_until is not None and row.blocked_until > now:
        return True
    is_old = now - row.last_failure_at > FORGET_FAILURES_AFTER
    row.failures = 1 if is_old else row.failures + 1
    row.last_failure_at, row.blocked_until = now, now + pause_after(row.failures, free, limit.first_pause)
    await session.flush()
    return False


def _account_key(limit: Limit, account: str) -> str:
    return _key(f"{limit.kind}account", account.strip().lower())


def _key(kind: str, value: str) -> str:
    # Hashed: what was typed as an e-mail address may be a password.
    return f"{kind}:{hashlib.sha256(value.encode()).hexdigest()}"
