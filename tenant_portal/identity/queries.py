"""What pages and gates read about people."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.crypto import token_hash
from tenant_portal.identity.rules import is_alive
from tenant_portal.models import Invitation, OutgoingEmail, SecondFactor, Tenant, User, UserSession
from tenant_portal.models.enums import EmailState, Role, TenantState

MOST_BROWSERS = 50


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, through which session. `tenant_id` is None for staff, and only for staff."""

    user_id: UUID
    tenant_id: UUID | None
    name: str
    email: str
    role: Role
    session_id: UUID
    client: str = ""
    client_state: str = ""

    @property
    def is_staff(self) -> bool:
        """Whether this person belongs to the agency."""
        return self.role is Role.STAFF and self.tenant_id is None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session: the person, and when it was last used."""

    person: Person
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A row of the team list."""

    user_id: UUID
    name: str
    email: str
    role: Role
    created_at: datetime
    has_second_step: bool


@dataclass(frozen=True, slots=True)
class PendingInvitation:
    """An invitation that may still be accepted, and what became of its e-mail."""

    invitation_id: UUID
    email: str
    role: Role
    expires_at: datetime
    mail_state: EmailState | None
    mail_error: str


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in which somebody is signed in."""

    session_id: UUID
    user_agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime


async def find_session(session: AsyncSession, token: str, now: datetime) -> SignedIn | None:
    """Who holds this session token; None if it is unknown, revoked or timed out, or its person may not sign in."""
    query = (
        sa.select(User, UserSession, col(Tenant.name), col(Tenant.state))
        .join(UserSession, col(UserSession.user_id) == col(User.id))
        .outerjoin(Tenant, col(Tenant.id) == col(User.tenant_id))
        .where(
            col(UserSession.token_hash) == token_hash(token),
            col(UserSession.expires_at) > now,
            col(User.disabled_at).is_(None),
        )
    )
    row = (await session.execute(query)).one_or_none()
    if row is None or row.state is TenantState.CLOSED:
        return None
    user, browser = row.User, row.UserSession
    if not is_alive(browser.created_at, browser.last_seen_at, now):
        return None
    person = Person(
        user.id, user.tenant_id, user.name, user.email, user.role, browser.id, row.name or "", row.state or ""
    )
    return SignedIn(person, browser.last_seen_at)


async def list_members(session: AsyncSession, tenant_id: UUID) -> list[Member]:
    """The people of one client who may sign in, oldest first. Takes a tenant session."""
    second_step = sa.exists(col(SecondFactor.user_id)).where(
        col(SecondFactor.tenant_id) == tenant_id,
        col(SecondFactor.user_id) == col(User.id),
        col(SecondFactor.confirmed_at).is_not(None),
    )
    query = (
        sa.select(col(User.id), col(User.name), col(User.email), col(User.role), col(User.created_at), second_step)
        .where(col(User.tenant_id) == tenant_id, col(User.disabled_at).is_(None))
        .order_by(col(User.created_at), col(User.id))
    )
    return [Member(*row) for row in (await session.execute(query))]


async def needs_second_step(session: AsyncSession, tenant_id: UUID) -> bool:
    """Whether everybody of this client's team needs a second step to sign in."""
    return bool(await session.scalar(sa.select(col(Tenant.two_factor_required)).where(col(Tenant.id) == tenant_id)))


def people(*where: sa.ColumnElement[bool]) -> sa.Select[User]:
    """Those who may sign in: not removed, and of no client that is closed. For an identity session."""
    closed = sa.exists(col(Tenant.id)).where(
        col(Tenant.id) == col(User.tenant_id), col(Tenant.state) == TenantState.CLOSED
    )
    return sa.select(User).where(*where, col(User.disabled_at).is_(None), ~closed)


def without_session(user: User) -> Person:
    """Somebody who has proved who they are but has no session yet: their own id stands for it."""
    return Person(user.id, user.tenant_id, user.name, user.email, user.role, user.id)


async def list_invitations(session: AsyncSession, tenant_id: UUID, now: datetime) -> list[PendingInvitation]:
    """Invitations that are open, newest first. Takes a tenant session."""
    query = (
        sa.select(
            col(Invitation.id),
            col(Invitation.email),
            col(Invitation.role),
            col(Invitation.expires_at),
            col(OutgoingEmail.state),
            sa.func.coalesce(col(OutgoingEmail.last_error), ""),
        )
        .outerjoin(
            OutgoingEmail,
            sa.and_(
                col(OutgoingEmail.tenant_id) == col(Invitation.tenant_id),
                col(OutgoingEmail.invitation_id) == col(Invitation.id),
            ),
        )
        .where(
            col(Invitation.tenant_id) == tenant_id,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.expires_at) > now,
        )
        .order_by(col(Invitation.created_at).desc())
    )
    return [PendingInvitation(*row) for row in (await session.execute(query))]


async def list_browsers(session: AsyncSession, person: Person, now: datetime) -> list[Browser]:
    """The person's own live sessions, last used first. Takes an identity session."""
    query = (
        sa.select(UserSession)
        .where(col(UserSession.user_id) == person.user_id, col(UserSession.expires_at) > now)
        .order_by(col(UserSession.last_seen_at).desc())
        .limit(MOST_BROWSERS)
    )
    found = (await session.execute(query)).scalars()
    return [_browser(row) for row in found if is_alive(row.created_at, row.last_seen_at, now)]


def _browser(row: UserSession) -> Browser:
    return Browser(row.id, row.user_agent, row.address, row.created_at, row.last_seen_at)
