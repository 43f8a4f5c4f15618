"""Browser sessions: begun at sign-in, looked up at every request and event, ended at once.

Every ended session is announced on `portal_sessions`, so that each web process cuts the websockets that hang on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.crypto import new_token, token_hash
from tenant_portal.identity.queries import Person, SignedIn, find_session
from tenant_portal.identity.rules import ABSOLUTE, IDLE, SEEN_STEP
from tenant_portal.models import User, UserSession

SESSIONS_CHANNEL = "portal_sessions"


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request came from."""

    address: str
    user_agent: str


async def begin(session: AsyncSession, user: User, *, address: str, user_agent: str, now: datetime) -> str:
    """A new session for this user; the token for the cookie. Nothing of an earlier session is taken over."""
    token = new_token()
    session.add(
        UserSession(
            token_hash=token_hash(token),
            user_id=user.id,
            tenant_id=user.tenant_id,
            address=address[:64],
            user_agent=user_agent[:256],
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
        )
    )
    await session.flush()
    return token


async def resume(session: AsyncSession, token: str, now: datetime) -> Person | None:
    """The person of a live session, whose idle time starts again; None for any other token."""
    found = await find_session(session, token, now)
    if found is not None and now - found.last_seen_at > SEEN_STEP:
        await _mark_seen(session, found, now)
    return found.person if found else None


async def _mark_seen(session: AsyncSession, found: SignedIn, now: datetime) -> None:
    statement = sa.update(UserSession).where(col(UserSession.id) == found.person.session_id)
    await session.execute(statement.values(last_seen_at=now))


async def end(session: AsyncSession, user_id: UUID, session_id: UUID) -> bool:
    """End one session of this user; whether there was one. Another user's id changes nothing."""
    where = (col(UserSession.user_id) == user_id, col(UserSession.id) == session_id)
    return bool(await _end_where(session, *where))


async def end_own(session: AsyncSession, person: Person, session_id: UUID) -> bool:
    """Sign one browser of one's own out; whether there was such a one. Takes an identity session."""
    is_ended = await end(session, person.user_id, session_id)
    if is_ended and person.tenant_id is not None:
        await audit.record(session, person, "session:ended", person.email)
    return is_ended


async def end_own_others(session: AsyncSession, person: Person) -> None:
    """Sign all one's other browsers out. Takes an identity session."""
    ended = await end_others(session, person)
    if ended and person.tenant_id is not None:
        await audit.record(session, person, "session:others-ended", person.email, browsers=ended)


async def end_others(session: AsyncSession, person: Person) -> int:
    """End all sessions of this person but the present one; how many there were."""
    where = (col(UserSession.user_id) == person.user_id, col(UserSession.id) != person.session_id)
    return len(await _end_where(session, *where))


async def end_of_all(session: AsyncSession, user_ids: Iterable[UUID]) -> int:
    """End every session of these users; how many there were."""
    return len(await _end_where(session, col(UserSession.user_id).in_(list(user_ids))))


async def end_all(session: AsyncSession, user_id: UUID) -> int:
    """End every session of a user; how many there were."""
    return len(await _end_where(session, col(UserSession.user_id) == user_id))


async def forget_ended(session: AsyncSession, now: datetime) -> int:
    """Delete sessions that nobody can use any more; how many there were. Takes an identity session."""
    over = sa.or_(
        col(UserSession.expires_at) <= now,
        col(UserSession.last_seen_at) <= now - IDLE,
        col(UserSession.created_at) <= now - ABSOLUTE,
    )
    return len(await _end_where(session, over))


async def _end_where(session: AsyncSession, *where: sa.ColumnElement[bool]) -> list[UUID]:
    ended = list((await session.execute(sa.delete(UserSession).where(*where).returning(col(UserSession.id)))).scalars())
    await _announce(session, ended)
    return ended


async def _announce(session: AsyncSession, ended: Iterable[UUID]) -> None:
    for session_id in ended:
        await session.execute(sa.select(sa.func.pg_notify(SESSIONS_CHANNEL, str(session_id))))
