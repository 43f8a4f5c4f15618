"""People come and go: sign-in, passwords, and a client's team.

Sign-in takes three steps, so that no transaction is open while a password is hashed: `candidate`, `passwords.is_right`,
`settle`. Every function takes the session and never commits.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity import attempts, letters, resets, second_factor, sessions
from tenant_portal.identity.attempts import Attempt
from tenant_portal.identity.passwords import hash_password, is_outdated
from tenant_portal.identity.queries import Person
from tenant_portal.identity.rules import NOTICE_LIFE, refuse_weak_password, tidy_email, tidy_name
from tenant_portal.identity.second_factor import SecondStep
from tenant_portal.identity.sessions import Device
from tenant_portal.mail import service as mail
from tenant_portal.models import Tenant, User
from tenant_portal.models.enums import Role, TenantState

SIGN_IN_REFUSED = (
    "The e-mail address or the password is wrong, or there were too many tries. Wait a little, then try again."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who wants to sign in. Without a user, or while blocked, `password_hash` is None: nothing fits."""

    user_id: UUID | None
    password_hash: str | None
    attempt: Attempt


async def create_user(
    session: AsyncSession, *, email: str, name: str, role: Role, password: str, tenant_id: UUID | None = None
) -> UUID:
    """A new person, for the command line and seeds; staff have no tenant. Takes an identity session."""
    if (role is Role.STAFF) != (tenant_id is None):
        raise BadInput("Staff belong to no client; owners and agents belong to one.")
    email, name = tidy_email(email), tidy_name(name)
    refuse_weak_password(password, email=email, name=name)
    user = User(email=email, name=name, role=role, tenant_id=tenant_id, password_hash=await hash_password(password))
    session.add(user)
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("Somebody with this e-mail address is here already, or there is no such client.") from None
    return user.id


async def candidate(session: AsyncSession, email: str, address: str, now: datetime) -> Candidate:
    """Count the try and look the person up. Takes an identity session."""
    attempt = await attempts.count(session, email, address, now)
    query = sa.select(User).where(col(User.email) == email.strip().lower(), col(User.disabled_at).is_(None))
    user = (await session.execute(query)).scalar_one_or_none()
    if user is None or attempt.is_blocked or await _is_closed(session, user.tenant_id):
        return Candidate(None, None, attempt)
    return Candidate(user.id, user.password_hash, attempt)


async def settle(
    session: AsyncSession, who: Candidate, password: str, device: Device, now: datetime
) -> str | SecondStep:
    """Sign in a candidate whose password was right; the token for the cookie, or what is asked next.

    Takes an identity session.
    """
    user = await session.get(User, who.user_id)
    if user is None or user.disabled_at is not None or user.password_hash != who.password_hash:
        # Removed, or the password was changed, in the moment it took to hash.
        raise NotFound(SIGN_IN_REFUSED)
    await attempts.forgive(session, who.attempt)
    if is_outdated(user.password_hash):
        user.password_hash = await hash_password(password)
    return await second_factor.let_in(session, user, device, now)


async def change_password(session: AsyncSession, person: Person, who: Candidate, new: str) -> None:
    """Set a new password and sign all other browsers out, after `candidate` and `is_right` as for a sign-in.

    Takes an identity session.
    """
    refuse_weak_password(new, email=person.email, name=person.name)
    user = await session.get(User, person.user_id, with_for_update=True)
    if user is None or who.user_id != user.id or user.password_hash != who.password_hash:
        raise Conflict("The password was changed in the meantime.")
    await attempts.forgive(session, who.attempt)
    user.password_hash = await hash_password(new)
    await resets.cancel(session, user.id)
    await sessions.end_others(session, person)
    letter = letters.notice(user.email, user.name, "Your password was changed in the portal.")
    await mail.post(session, user.tenant_id, letter, kind="notice", useful_for=NOTICE_LIFE)
    if person.tenant_id is not None:
        await audit.record(session, person, "user:password-changed", person.email)


async def rename(session: AsyncSession, person: Person, name: str) -> None:
    """Change one's own name. Takes an identity session."""
    statement = sa.update(User).where(col(User.id) == person.user_id)
    await session.execute(statement.values(name=tidy_name(name)))


async def _is_closed(session: AsyncSession, tenant_id: UUID | None) -> bool:
    if tenant_id is None:
        return False
    state = await session.scalar(sa.select(col(Tenant.state)).where(col(Tenant.id) == tenant_id))
    return state is TenantState.CLOSED
