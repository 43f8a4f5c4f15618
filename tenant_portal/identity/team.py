"""A client's team: invitations, roles, removal. Only owners; every change is in the client's audit trail."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.config import settings
from tenant_portal.crypto import new_token, token_hash
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound
from tenant_portal.identity import letters, second_factor, sessions
from tenant_portal.identity.passwords import hash_password
from tenant_portal.identity.queries import Person, list_members, without_session
from tenant_portal.identity.rules import (
    INVITATION_LIFE,
    INVITATIONS_A_DAY,
    NOTICE_LIFE,
    refuse_weak_password,
    tidy_email,
    tidy_name,
)
from tenant_portal.identity.second_factor import SecondStep
from tenant_portal.identity.sessions import Device
from tenant_portal.mail import service as mail
from tenant_portal.models import Invitation, Tenant, User
from tenant_portal.models.enums import Role, TenantState
from tenant_portal.models.ids import uuid7

CLIENT_ROLES = (Role.OWNER, Role.AGENT)
GONE = "This invitation is not valid any more. Ask the person who sent it for a new one."


def refuse_all_but_owners(person: Person) -> UUID:
    """The tenant whose owner this person is; NotAllowed for anybody else."""
    if person.role is not Role.OWNER or person.tenant_id is None:
        raise NotAllowed("Only an owner can change the team.")
    return person.tenant_id


async def invite(session: AsyncSession, person: Person, *, email: str, role: str, now: datetime) -> str:
    """Invite somebody by e-mail address; the token of the link. An open invitation of the same address is replaced."""
    tenant_id = refuse_all_but_owners(person)
    return await _invite(session, person, tenant_id, email, client_role(role), now)


async def invite_owner(
    session: AsyncSession, agency: audit.Actor, tenant_id: UUID, *, email: str, now: datetime
) -> str:
    """Invite a client's owner for the agency; the token of the link. Takes a tenant session; NotAllowed for clients."""
    if agency.tenant_id is not None:
        raise NotAllowed("Only the agency can do this.")
    return await _invite(session, agency, tenant_id, email, Role.OWNER, now)


async def _invite(
    session: AsyncSession, by: audit.Actor, tenant_id: UUID, email: str, role: Role, now: datetime
) -> str:
    email = tidy_email(email)
    if await session.scalar(sa.select(col(User.id)).where(_active(tenant_id), col(User.email) == email)):
        raise BadInput("This person is in your team already.", field="email")
    if await audit.count_since(session, tenant_id, "invitation:created", now - timedelta(days=1)) >= INVITATIONS_A_DAY:
        raise BadInput(f"{INVITATIONS_A_DAY} invitations a day are the most. Try again tomorrow.", field="email")
    await session.execute(sa.delete(Invitation).where(_open(tenant_id), col(Invitation.email) == email))
    token, invitation_id = new_token(), uuid7()
    session.add(
        Invitation(
            tenant_id=tenant_id,
            id=invitation_id,
            email=email,
            role=role,
            token_hash=token_hash(token),
            # Staff are in no client's team, so their id cannot stand here; the audit trail names them.
            invited_by=by.user_id if by.tenant_id else None,
            created_at=now,
            expires_at=now + INVITATION_LIFE,
        )
    )
    await audit.record(session, by, "invitation:created", email, of=tenant_id, role=str(role))
    client = await session.scalar(sa.select(col(Tenant.name)).where(col(Tenant.id) == tenant_id))
    letter = letters.invitation(email, client or "", by.name, invitation_link(token))
    await mail.post(
        session, tenant_id, letter, kind="invitation", useful_for=INVITATION_LIFE, invitation_id=invitation_id
    )
    return token


def invitation_link(token: str) -> str:
    """The address that lets the invited person in; it works once, for 72 hours."""
    return f"{settings().origin}/invitation/{token}"


async def revoke(session: AsyncSession, person: Person, invitation_id: UUID) -> None:
    """Make an invitation's link worthless."""
    tenant_id = refuse_all_but_owners(person)
    statement = sa.delete(Invitation).where(_open(tenant_id), col(Invitation.id) == invitation_id)
    email = (await session.execute(statement.returning(col(Invitation.email)))).scalar_one_or_none()
    if email is None:
        raise NotFound
    await audit.record(session, person, "invitation:revoked", email)


async def change_role(session: AsyncSession, person: Person, user_id: UUID, role: str) -> None:
    """Make a member owner or agent; the last owner stays one."""
    tenant_id = refuse_all_but_owners(person)
    wanted = client_role(role)
    member = await _member(session, tenant_id, user_id)
    if member.role == wanted:
        return
    if member.role == Role.OWNER:
        await _refuse_without_another_owner(session, tenant_id, user_id)
    await session.execute(sa.update(User).where(_active(tenant_id), col(User.id) == user_id).values(role=wanted))
    await audit.record(session, person, "user:role-changed", member.email, role=str(wanted))


async def remove(session: AsyncSession, person: Person, user_id: UUID, now: datetime) -> None:
    """Take a member out of the team; their browsers are signed out at once. The last owner cannot be removed."""
    tenant_id = refuse_all_but_owners(person)
    member = await _member(session, tenant_id, user_id)
    if member.role == Role.OWNER:
        await _refuse_without_another_owner(session, tenant_id, user_id)
    await session.execute(sa.update(User).where(_active(tenant_id), col(User.id) == user_id).values(disabled_at=now))
    await sessions.end_all(session, user_id)
    await audit.record(session, person, "user:removed", member.email)


async def reset_second_step(session: AsyncSession, person: Person, user_id: UUID) -> None:
    """Take a colleague's second step away, whose phone is lost; their browsers are signed out."""
    tenant_id = refuse_all_but_owners(person)
    member = await _member(session, tenant_id, user_id)
    if not await second_factor.take_away(session, tenant_id, user_id):
        raise Conflict("This person has no two-step sign-in.")
    await sessions.end_all(session, user_id)
    letter = letters.notice(member.email, member.name, f"{person.name} has reset your two-step sign-in.")
    await mail.post(session, tenant_id, letter, kind="notice", useful_for=NOTICE_LIFE)
    await audit.record(session, person, "user:two-step-reset", member.email)


async def require_second_step(session: AsyncSession, person: Person, is_required: bool) -> None:
    """Whether everybody of the team needs a second step. Whoever has none is signed out, and sets it up to come in."""
    tenant_id = refuse_all_but_owners(person)
    without = {member.user_id for member in await list_members(session, tenant_id) if not member.has_second_step}
    if is_required and person.user_id in without:
        raise Conflict("Turn two-step sign-in on for yourself first.")
    await session.execute(sa.update(Tenant).where(col(Tenant.id) == tenant_id).values(two_factor_required=is_required))
    if is_required:
        await sessions.end_of_all(session, without)
    await audit.record(session, person, "team:two-step-required" if is_required else "team:two-step-optional")


async def find_invitation(session: AsyncSession, token: str, now: datetime) -> tuple[Invitation, str]:
    """The open invitation of this token and the client's name, else NotFound. Takes an identity session."""
    query = (
        sa.select(Invitation, col(Tenant.name))
        .join(Tenant, col(Tenant.id) == col(Invitation.tenant_id))
        .where(
            col(Invitation.token_hash) == token_hash(token),
            col(Invitation.accepted_at).is_(None),
            col(Invitation.expires_at) > now,
            col(Tenant.state) != TenantState.CLOSED,
        )
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound(GONE)
    return row


async def accept(
    session: AsyncSession, token: str, *, name: str, password: str, device: Device, now: datetime
) -> str | SecondStep:
    """Join the team with the invited address; the session token for the cookie, or what is asked next.

    Takes an identity session.
    """
    invitation, _ = await find_invitation(session, token, now)
    name = tidy_name(name)
    refuse_weak_password(password, email=invitation.email, name=name)
    # Conditional, so that of two clicks at once only one joins.
    claim = sa.update(Invitation).where(col(Invitation.id) == invitation.id, col(Invitation.accepted_at).is_(None))
    if (
        await session.execute(claim.values(accepted_at=now).returning(col(Invitation.id)))
    ).scalar_one_or_none() is None:
        raise NotFound(GONE)
    user = await _join(session, invitation, name, await hash_password(password))
    await audit.record(session, without_session(user), "invitation:accepted", user.email, role=str(user.role))
    return await second_factor.let_in(session, user, device, now)


async def _join(session: AsyncSession, invitation: Invitation, name: str, password_hash: str) -> User:
    """A new user, or one who was removed from this very team and comes back."""
    user = await session.scalar(sa.select(User).where(col(User.email) == invitation.email).with_for_update())
    if user is None:
        user = User(
            email=invitation.email, tenant_id=invitation.tenant_id, name=name, role=invitation.role, password_hash=""
        )
        session.add(user)
    elif user.tenant_id != invitation.tenant_id or user.disabled_at is None:
        raise Conflict("This e-mail address has an account already. Ask for an invitation to another address.")
    user.name, user.role, user.password_hash, user.disabled_at = name, invitation.role, password_hash, None
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("This e-mail address has an account already.") from None
    return user


def client_role(value: str) -> Role:
    """`owner` or `agent`; BadInput for anything else, `staff` above all."""
    for role in CLIENT_ROLES:
        if value == role:
            return role
    raise BadInput("Choose owner or agent.", field="role")


def _active(tenant_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(col(User.tenant_id) == tenant_id, col(User.disabled_at).is_(None))


def _open(tenant_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(col(Invitation.tenant_id) == tenant_id, col(Invitation.accepted_at).is_(None))


async def _member(session: AsyncSession, tenant_id: UUID, user_id: UUID) -> sa.Row[str, Role, str]:
    query = sa.select(col(User.email), col(User.role), col(User.name))
    row = (await session.execute(query.where(_active(tenant_id), col(User.id) == user_id))).one_or_none()
    if row is None:
        raise NotFound
    return row


async def _refuse_without_another_owner(session: AsyncSession, tenant_id: UUID, user_id: UUID) -> None:
    # All owners are locked in one order: two owners who remove each other at once must not both succeed.
    query = sa.select(col(User.id)).where(_active(tenant_id), col(User.role) == Role.OWNER).order_by(col(User.id))
    owners = (await session.execute(query.with_for_update())).scalars().all()
    if not set(owners) - {user_id}:
        raise Conflict("A client needs at least one owner. Make somebody else owner first.")
