"""The queue of e-mails. What is posted goes out if, and only if, the transaction of its cause commits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.crypto import Place, seal, sealing_header, unseal
from tenant_portal.errors import PortalError
from tenant_portal.job_queue import wake
from tenant_portal.mail.letters import Letter
from tenant_portal.mail.rules import KEEP_FOR, pause_after
from tenant_portal.models import OutgoingEmail, Tenant
from tenant_portal.models.enums import EmailState
from tenant_portal.models.ids import uuid7

SEND = "mail.send"
TOO_LATE = "It could not be sent in time."


@dataclass(frozen=True, slots=True)
class Due:
    """An e-mail whose turn it is."""

    id: UUID
    letter: Letter = field(repr=False)
    attempts: int
    useful_until: datetime


async def post(
    session: AsyncSession,
    tenant_id: UUID | None,
    letter: Letter,
    *,
    kind: str,
    useful_for: timedelta,
    invitation_id: UUID | None = None,
) -> None:
    """Have a letter sent after this transaction's commit; given up once `useful_for` is over.

    Takes a session of this tenant, or an identity session; without a tenant the letter is one to staff.
    """
    now, email_id = datetime.now(UTC), uuid7()
    session.add(
        OutgoingEmail(
            id=email_id,
            tenant_id=tenant_id,
            kind=kind,
            invitation_id=invitation_id,
            content_sealed=seal(letter.packed(), _place(tenant_id, email_id)),
            next_attempt_at=now,
            useful_until=now + useful_for,
            created_at=now,
        )
    )
    await session.flush()
    await wake(session, SEND, tenant_id)


async def has_real_people(session: AsyncSession, tenant_id: UUID) -> bool:
    """False for clients of the two-tenant check, whose people are made up: a mail server would only bounce."""
    query = sa.select(col(Tenant.is_synthetic)).where(col(Tenant.id) == tenant_id)
    return not await session.scalar(query)


async def list_due(session: AsyncSession, tenant_id: UUID | None, limit: int) -> list[Due]:
    """E-mails whose time has come, longest waiting first."""
    query = (
        sa.select(OutgoingEmail)
        .where(*_waiting(tenant_id), col(OutgoingEmail.next_attempt_at) <= sa.func.now())
        .order_by(col(OutgoingEmail.next_attempt_at), col(OutgoingEmail.id))
        .limit(limit)
    )
    return [_due(row) for row in (await session.execute(query)).scalars()]


async def seconds_to_next(session: AsyncSession, tenant_id: UUID | None) -> float | None:
    """How long until the next e-mail is due; None if none waits."""
    query = sa.select(sa.func.min(col(OutgoingEmail.next_attempt_at))).where(*_waiting(tenant_id))
    first = await session.scalar(query)
    return max(0.0, (first - datetime.now(UTC)).total_seconds()) if first else None


async def settle_sent(session: AsyncSession, tenant_id: UUID | None, email_id: UUID) -> None:
    """The mail server has it; the portal forgets what was in it."""
    values = {"state": EmailState.SENT, "settled_at": datetime.now(UTC), "content_sealed": b"", "last_error": ""}
    await _settle(session, tenant_id, email_id, values)


async def settle_failed(session: AsyncSession, tenant_id: UUID | None, due: Due, error: PortalError) -> None:
    """Not taken: tried again later, or given up where that is no use."""
    attempts, now = due.attempts + 1, datetime.now(UTC)
    next_at = now + pause_after(attempts)
    values = {"attempts": attempts, "last_error": error.message[:200], "next_attempt_at": next_at}
    if error.permanent or next_at >= due.useful_until:
        values |= {"state": EmailState.FAILED, "settled_at": now, "content_sealed": b""}
    await _settle(session, tenant_id, due.id, values)


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Delete what was settled a month ago. Takes an identity session."""
    await session.execute(sa.delete(OutgoingEmail).where(col(OutgoingEmail.settled_at) < now - KEEP_FOR))


async def reseal(session: AsyncSession, *, limit: int) -> int:
    """Seal waiting e-mails again that another key than the first sealed; how many. Takes an identity session."""
    current, sealed = sealing_header(), col(OutgoingEmail.content_sealed)
    query = sa.select(OutgoingEmail).where(
        col(OutgoingEmail.state) == EmailState.WAITING, sa.func.substr(sealed, 1, len(current)) != current
    )
    rows = (await session.execute(query.limit(limit).with_for_update())).scalars().all()
    for row in rows:
        place = _place(row.tenant_id, row.id)
        row.content_sealed = seal(unseal(row.content_sealed, place), place)
    return len(rows)


def _due(row: OutgoingEmail) -> Due:
    letter = Letter.unpacked(unseal(row.content_sealed, _place(row.tenant_id, row.id)))
    return Due(row.id, letter, row.attempts, row.useful_until)


def _place(tenant_id: UUID | None, email_id: UUID) -> Place:
    return Place("outgoing_email", "content_sealed", tenant_id, str(email_id))


def _of(tenant_id: UUID | None) -> sa.ColumnElement[bool]:
    of_tenant = col(OutgoingEmail.tenant_id)
    return of_tenant.is_(None) if tenant_id is None else of_tenant == tenant_id


def _waiting(tenant_id: UUID | None) -> tuple[sa.ColumnElement[bool], ...]:
    return _of(tenant_id), col(OutgoingEmail.state) == sa.literal_column(f"'{EmailState.WAITING.value}'")


async def _settle(session: AsyncSession, tenant_id: UUID | None, email_id: UUID, values: dict[str, object]) -> None:
    await session.execute(
        sa.update(OutgoingEmail).where(_of(tenant_id), col(OutgoingEmail.id) == email_id).values(values)
    )
