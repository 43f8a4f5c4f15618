"""What of a tenant waits, and why; what was given up, and how it is run again. Takes a staff session."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import job_queue
from tenant_portal.audit.service import Actor, record
from tenant_portal.errors import NotFound
from tenant_portal.models import Throttle
from tenant_portal.models.enums import ThrottleReason
from tenant_portal.tenants.service import AGENCY

TASK = "task:"
GIVEN_UP = sa.text("select task, times, last_at from jobs.given_up() where tenant_id = :tenant order by task")
RUN_AGAIN = sa.text("select jobs.run_again(:task, :tenant)")


@dataclass(frozen=True, slots=True)
class Held:
    """A task of the tenant that waits."""

    task: str
    until: datetime
    reason: ThrottleReason


@dataclass(frozen=True, slots=True)
class Pressure:
    """How a tenant's webhooks stand to its lines now, and which of its tasks wait."""

    is_busy: bool
    is_flooding: bool
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A task of the tenant that failed for good, so many times; `last_at` is when it did last."""

    task: str
    times: int
    last_at: datetime | None


async def pressure(session: AsyncSession, tenant_id: UUID) -> Pressure:
    """Everything of this tenant that is held back at this moment, but for the pace at which it sends."""
    found = await session.execute(
        sa.select(col(Throttle.subject), col(Throttle.until), col(Throttle.reason))
        .where(col(Throttle.tenant_id) == tenant_id, col(Throttle.until) > sa.func.now())
        .order_by(col(Throttle.subject))
    )
    rows = found.all()
    subjects = {row.subject for row in rows}
    tasks = tuple(
        Held(row.subject.removeprefix(TASK), row.until, row.reason) for row in rows if row.subject.startswith(TASK)
    )
    return Pressure("webhooks:soft" in subjects, "webhooks:flood" in subjects, tasks)


async def given_up(session: AsyncSession, tenant_id: UUID) -> list[GivenUp]:
    """The tenant's jobs that killed their workers again and again, or broke."""
    return [GivenUp(*row) for row in await session.execute(GIVEN_UP, {"tenant": tenant_id})]


async def run_again(session: AsyncSession, tenant_id: UUID, task: str, *, by: Actor = AGENCY) -> None:
    """Start a task that was given up once more; NotFound where it was not."""
    if not await session.scalar(RUN_AGAIN, {"task": task, "tenant": tenant_id}):
        raise NotFound("This work is not given up any more.")
    await record(session, by, "task:run-again", task, of=tenant_id)
    await job_queue.wake(session, task, tenant_id)
