"""Forgotten passwords: a link by e-mail, good once and for an hour. It signs nobody in; it only sets the password."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.config import settings
from tenant_portal.crypto import new_token, token_hash
from tenant_portal.errors import NotFound
from tenant_portal.identity import attempts, letters, sessions
from tenant_portal.identity.passwords import hash_password
from tenant_portal.identity.queries import people, without_session
from tenant_portal.identity.rules import NOTICE_LIFE, RESET, RESET_LIFE, SIGN_IN, refuse_weak_password
from tenant_portal.mail import service as mail
from tenant_portal.models import PasswordReset, User

GONE = "This link is not valid any more. Ask for a new one."


async def send_link(session: AsyncSession, email: str, now: datetime) -> None:
    """Write to whoever has this address; nothing happens if nobody has. Takes an identity session."""
    user = (await session.execute(people(col(User.email) == email.strip().lower()))).scalar_one_or_none()
    if user is None:
        return
    token = new_token()
    session.add(
        PasswordReset(
            token_hash=token_hash(token),
            user_id=user.id,
            tenant_id=user.tenant_id,
            created_at=now,
            expires_at=now + RESET_LIFE,
        )
    )
    letter = letters.password_reset(user.email, user.name, f"{settings().origin}/auth/reset/{token}")
    await mail.post(session, user.tenant_id, letter, kind="password-reset", useful_for=RESET_LIFE)


async def find(session: AsyncSession, token: str, now: datetime) -> User:
    """Whose password this link sets; NotFound for any other. Takes an identity session."""
    query = people(
        col(User.id) == col(PasswordReset.user_id),
        col(PasswordReset.token_hash) == token_hash(token),
        col(PasswordReset.expires_at) > now,
    )
    user = (await session.execute(query)).scalar_one_or_none()
    if user is None:
        raise NotFound(GONE)
    return user


async def settle(session: AsyncSession, token: str, password: str, now: datetime) -> None:
    """Set the new password and sign every browser out; the link and its like are used up. Takes an identity session.

    BadInput leaves the link as it was.
    """
    user = await find(session, token, now)
    refuse_weak_password(password, email=user.email, name=user.name)
    # Conditional, so that of two clicks at once only one counts.
    claim = sa.delete(PasswordReset).where(col(PasswordReset.token_hash) == token_hash(token))
    if (await session.execute(claim.returning(col(PasswordReset.user_id)))).scalar_one_or_none() is None:
        raise NotFound(GONE)
    user.password_hash = await hash_password(password)
    await cancel(session, user.id)
    await sessions.end_all(session, user.id)
    await attempts.clear(session, user.email, SIGN_IN, RESET)
    letter = letters.notice(user.email, user.name, "Your password was changed by a link that was sent to you.")
    await mail.post(session, user.tenant_id, letter, kind="notice", useful_for=NOTICE_LIFE)
    if user.tenant_id is not None:
        await audit.record(session, without_session(user), "user:password-reset", user.email)


async def cancel(session: AsyncSession, user_id: UUID) -> None:
    """Make all links of this person worthless. Takes an identity session."""
    await session.execute(sa.delete(PasswordReset).where(col(PasswordReset.user_id) == user_id))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Delete links that are over. Takes an identity session."""
    await session.execute(sa.delete(PasswordReset).where(col(PasswordReset.expires_at) <= now))
