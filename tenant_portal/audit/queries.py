"""Reading the audit trail of one tenant. Everything here takes a tenant session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.errors import NotFound
from tenant_portal.models import AuditEvent, User

OTHERS = "others"
# Jumps from one kind to the next along the index: as fast with a million events as with ten.
KINDS = sa.text("""
    with recursive found as (
        (select split_part(action, ':', 1) as kind from audit_event where tenant_id = :tenant
         order by action limit 1)
        union all
        select (select split_part(e.action, ':', 1) from audit_event e
                where e.tenant_id = :tenant and e.action >= found.kind || ';'
                order by e.action limit 1)
        from found where found.kind is not null)
    select kind from found where kind is not null
""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail."""

    at: datetime
    actor_name: str
    action: str
    subject: str
    id: UUID
    details: dict[str, Any]

    @property
    def mark(self) -> "Mark":
        """Where the next page begins, if this is the last line of one."""
        return Mark(self.at, self.id)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the trail."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which lines are wanted: of one person of the team, or of nobody of it (agency, portal), and of one kind."""

    person: UUID | None = None
    only_others: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Doer:
    """Somebody who may stand in the trail."""

    user_id: UUID
    name: str


def narrowing_of(person: str, kind: str) -> Narrowing:
    """What a page or an address asks for: an id, `others` or nothing; NotFound where it names nobody who could be."""
    if person in ("", OTHERS):
        return Narrowing(None, only_others=person == OTHERS, kind=kind)
    try:
        return Narrowing(UUID(person), kind=kind)
    except ValueError:
        raise NotFound from None


async def latest(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    narrowing: Narrowing = Narrowing(),  # frozen
    before: Mark | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The newest events of a tenant, newest first, from `before` on."""
    query = (
        sa.select(
            col(AuditEvent.at),
            col(AuditEvent.actor_name),
            col(AuditEvent.action),
            col(AuditEvent.subject),
            col(AuditEvent.id),
            col(AuditEvent.details),
        )
        .where(col(AuditEvent.tenant_id) == tenant_id, *_narrowed(tenant_id, narrowing))
        .order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(sa.tuple_(col(AuditEvent.at), col(AuditEvent.id)) < (before.at, before.id))
    return [Entry(*row) for row in (await session.execute(query))]


async def list_kinds(session: AsyncSession, tenant_id: UUID) -> Sequence[str]:
    """What kinds of events there are, such as `lead`, in alphabetical order."""
    return list(await session.scalars(KINDS, {"tenant": tenant_id}))


async def list_doers(session: AsyncSession, tenant_id: UUID) -> list[Doer]:
    """Everybody of the team, also those who have left it, by name."""
    query = sa.select(col(User.id), col(User.name)).where(col(User.tenant_id) == tenant_id)
    return [Doer(*row) for row in (await session.execute(query.order_by(col(User.name), col(User.id))))]


def _narrowed(tenant_id: UUID, narrowing: Narrowing) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if narrowing.person is not None:
        where.append(col(AuditEvent.actor_id) == narrowing.person)
    if narrowing.only_others:
        own = sa.select(col(User.id)).where(col(User.tenant_id) == tenant_id)
        where.append(sa.or_(col(AuditEvent.actor_id).is_(None), col(AuditEvent.actor_id).not_in(own)))
    if narrowing.kind:
        # In the order of bytes, which the column has, `;` follows `:`: `lead:` up to `lead;` is one kind. Not by
        # split_part: under row-level security an index serves leakproof comparisons only.
        action = col(AuditEvent.action)
        where += [action >= f"{narrowing.kind}:", action < f"{narrowing.kind};"]
    return where
