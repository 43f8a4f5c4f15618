"""Requests that could not be given to a client, as staff see them: never their contents. Takes a staff session."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.models import QuarantinedRequest, Subaccount, Tenant
from tenant_portal.models.enums import QuarantineState

PAGE_SIZE = 25
COLUMNS = (
    "id",
    "received_at",
    "reason",
    "kind",
    "account_sid",
    "is_signed",
    "size_bytes",
    "source",
    "parameter_names",
    "state",
    "settled_at",
    "settled_by",
    "outcome",
)


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A request in quarantine. `client` is whose account it names, None if nobody's."""

    id: UUID
    received_at: datetime
    reason: str
    kind: str
    account_sid: str
    is_signed: bool
    size_bytes: int
    source: str
    parameter_names: str
    state: QuarantineState
    settled_at: datetime | None
    settled_by: str | None
    outcome: str | None
    client: str | None


async def requests(
    session: AsyncSession, *, held: bool = True, limit: int = PAGE_SIZE
) -> tuple[list[HeldRequest], bool]:
    """The newest that are held, or those that were settled; and whether there are more."""
    state = col(QuarantinedRequest.state)
    columns: list[Any] = [col(getattr(QuarantinedRequest, name)) for name in COLUMNS]
    query = (
        sa.select(*columns, col(Tenant.name))
        .join(Subaccount, col(Subaccount.account_sid) == col(QuarantinedRequest.account_sid), isouter=True)
        .join(Tenant, col(Tenant.id) == col(Subaccount.tenant_id), isouter=True)
        .where(state == QuarantineState.HELD if held else state != QuarantineState.HELD)
        .order_by(col(QuarantinedRequest.received_at).desc(), col(QuarantinedRequest.id).desc())
        .limit(limit + 1)
    )
    found = [HeldRequest(*tuple(row)) for row in await session.execute(query)]
    return found[:limit], len(found) > limit


async def count_held(session: AsyncSession) -> int:
    """How many wait for a decision."""
    held = col(QuarantinedRequest.state) == QuarantineState.HELD
    return await session.scalar(sa.select(sa.func.count()).select_from(QuarantinedRequest).where(held)) or 0
