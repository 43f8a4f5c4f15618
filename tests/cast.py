"""The people and companies of the tests."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from passlib.hash import argon2
from sqlmodel import SQLModel

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
    """Write everybody into the database, in as few commits as there are doors: hundreds of tests begin with it."""
    (acme, acme_rows), (globex, globex_rows) = _company("Acme", "+14155550100"), _company("Globex", "+14155550200")
    people = [
        _person("Alice Archer", Role.OWNER, acme),
        _person("Bob Baker", Role.AGENT, acme),
        _person("Charlie Cole", Role.OWNER, globex),
        _person("Sam Smith", Role.STAFF, None),
    ]
    await _write([acme_rows, globex_rows], [row for _, row in people])
    return Cast(acme, globex, *(someone for someone, _ in people))


async def found(name: str, number: str) -> Company:
    """A client that is connected on all channels."""
    company, rows = _company(name, number)
    await _write([rows], [])
    return company


async def hire(name: str, role: Role, company: Company | None) -> Someone:
    """A person with the password PASSWORD."""
    someone, row = _person(name, role, company)
    await _write([], [row])
    return someone


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of a company: itself, and what belongs to it."""

    tenant: Tenant
    belongings: list[SQLModel]


async def _write(companies: Sequence[_Rows], people: Sequence[User]) -> None:
    if companies:
        async with db.staff_session() as session:
            session.add_all([rows.tenant for rows in companies])
    for rows in companies:
        async with db.tenant_session(rows.tenant.id) as session:
            session.add_all(rows.belongings)
    if people:
        async with db.identity_session() as session:
            session.add_all(people)


def _company(name: str, number: str) -> tuple[Company, _Rows]:
    tenant = Tenant(name=name, state=TenantState.ACTIVE)
    sid, token = f"AC{secrets.token_hex(16)}", secrets.token_hex(16)
    channels = [_channel(tenant.id, kind, number) for kind in ChannelKind]
    place = Place("subaccount", "auth_token_sealed", tenant.id, str(tenant.id))
    account = Subaccount(tenant_id=tenant.id, account_sid=sid, auth_token_sealed=seal(token, place))
    company = Company(tenant.id, name, sid, token, number, {channel.kind: channel.id for channel in channels})
    return company, _Rows(tenant, [account, *channels])


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


def _person(name: str, role: Role, company: Company | None) -> tuple[Someone, User]:
    tenant_id = company.tenant_id if company else None
    email = f"{name.split()[0].lower()}@{company.name.lower() if company else 'agency'}.example"
    user = User(tenant_id=tenant_id, email=email, name=name, role=role, password_hash=PASSWORD_HASH)
    return Someone(user.id, name, email, role, tenant_id), user
