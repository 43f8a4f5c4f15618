"""The people and companies of the tests."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from passlib.hash import argon2

from tenant_portal import db
from tenant_portal.crypto import Place, seal
from tenant_portal.models import Channel, Subaccount, Tenant, User
from tenant_portal.models.enums import ChannelKind, ChannelState, Role, TenantState

PASSWORD = "correct horse battery"
# Hashed once, with the least cost: a slow hash for each of hundreds of tests would only warm the room.
PASSWORD_HASH = argon2.using(rounds=1, memory_cost=64, parallelism=1).hash(PASSWORD)


@dataclass(frozen=True, slots=True)
class Someone:
    """A person who can sign in."""

    user_id: UUID
    name: str
    email: str
    role: Role
    tenant_id: UUID | None
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class Company:
    """A client with one number that carries all three channels."""

    tenant_id: UUID
    name: str
    account_sid: str
    auth_token: str
    number: str
    channels: dict[ChannelKind, UUID]


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is on stage."""

    acme: Company
    globex: Company
    alice: Someone
    bob: Someone
    charlie: Someone
    sam: Someone


async def enter_cast() -> Cast:
    """Write everybody into the database."""
    acme = await found("Acme", "+14155550100")
    globex = await found("Globex", "+14155550200")
    return Cast(
        acme,
        globex,
        alice=await hire("Alice Archer", Role.OWNER, acme),
        bob=await hire("Bob Baker", Role.AGENT, acme),
        charlie=await hire("Charlie Cole", Role.OWNER, globex),
        sam=await hire("Sam Smith", Role.STAFF, None),
    )


async def found(name: str, number: str) -> Company:
    """A client that is connected on all channels."""
    tenant = Tenant(name=name, state=TenantState.ACTIVE)
    async with db.staff_session() as session:
        session.add(tenant)
    sid, token = f"AC{secrets.token_hex(16)}", secrets.token_hex(16)
    channels = [_channel(tenant.id, kind, number) for kind in ChannelKind]
    async with db.tenant_session(tenant.id) as session:
        place = Place("subaccount", "auth_token_sealed", tenant.id, str(tenant.id))
        session.add(Subaccount(tenant_id=tenant.id, account_sid=sid, auth_token_sealed=seal(token, place)))
        session.add_all(channels)
    return Company(tenant.id, name, sid, token, number, {channel.kind: channel.id for channel in channels})


def _channel(tenant_id: UUID, kind: ChannelKind, number: str) -> Channel:
    return Channel(
        tenant_id=tenant_id,
        kind=kind,
        state=ChannelState.ACTIVE,
        phone_number=number,
        country="US",
        number_sid=f"PN{secrets.token_hex(16)}",
        sender_sid=f"XE{secrets.token_hex(16)}" if kind is ChannelKind.WHATSAPP else None,
    )


async def hire(name: str, role: Role, company: Company | None) -> Someone:
    """A person with the password PASSWORD."""
    tenant_id = company.tenant_id if company else None
    email = f"{name.split()[0].lower()}@{company.name.lower() if company else 'agency'}.example"
    user = User(tenant_id=tenant_id, email=email, name=name, role=role, password_hash=PASSWORD_HASH)
    async with db.identity_session() as session:
        session.add(user)
    return Someone(user.id, name, email, role, tenant_id)
