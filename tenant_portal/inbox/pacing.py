"""How fast a tenant may send and fetch: kept in the database, so that it holds in all processes and after a restart.

Takes a tenant session. Sending follows the generic cell rate algorithm, for each number and for the tenant in all: a
subject's `until` is the earliest time of its next message, and lies in the past by what is left of its burst.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.config import settings
from tenant_portal.inbox import rules
from tenant_portal.inbox.queries import MESSAGE
from tenant_portal.models import metadata
from tenant_portal.models.enums import ThrottleReason

THROTTLE = metadata.tables["throttle"]
NUMBER = "number:"
ALL_NUMBERS = "sending"
BEYOND_SOFT_LINE = "webhooks:soft"


async def take(session: AsyncSession, tenant_id: UUID, our_number: str) -> bool:
    """Count one message from this number; False if it has to wait. A message that is refused later counts too."""
    lines = settings()
    number_rate = rules.send_rate(our_number, lines.long_code_send_rate)
    # Always in this order: two processes lock the same rows, and must not wait for each other.
    return await _take(session, tenant_id, f"{NUMBER}{our_number}", number_rate) and await _take(
        session, tenant_id, ALL_NUMBERS, lines.tenant_send_rate
    )


def may_go(tenant_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on a row of `message`: its number, and the tenant in all, may send now."""
    waiting = sa.select(sa.func.substr(THROTTLE.c.subject, len(NUMBER) + 1)).where(
        *_now_waiting(tenant_id), THROTTLE.c.subject.startswith(NUMBER)
    )
    all_wait = sa.exists().where(*_now_waiting(tenant_id), THROTTLE.c.subject == ALL_NUMBERS)
    return MESSAGE.c.our_number.not_in(waiting), ~all_wait


async def seconds_to_next(session: AsyncSession, tenant_id: UUID, numbers: sa.Subquery) -> float | None:
    """How long until one of these numbers (column `our_number`) may send; None if there are none."""
    own, all_of_them = THROTTLE.alias(), THROTTLE.alias()
    joined = numbers.outerjoin(
        own, sa.and_(own.c.tenant_id == tenant_id, own.c.subject == sa.func.concat(NUMBER, numbers.c.our_number))
    ).outerjoin(
        all_of_them, sa.and_(all_of_them.c.tenant_id == tenant_id, all_of_them.c.subject == ALL_NUMBERS)
    )  # fmt: skip
    first = sa.func.min(sa.func.greatest(own.c.until, all_of_them.c.until, sa.func.now()))
    seconds = await session.scalar(sa.select(sa.extract("epoch", first - sa.func.now())).select_from(joined))
    return None if seconds is None else float(seconds)


async def is_busy(session: AsyncSession, tenant_id: UUID) -> bool:
    """Whether the tenant's webhooks are beyond the soft line, so that what follows from them is to go slowly."""
    found = sa.select(sa.exists().where(*_now_waiting(tenant_id), THROTTLE.c.subject == BEYOND_SOFT_LINE))
    return bool(await session.scalar(found))


def _now_waiting(tenant_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return THROTTLE.c.tenant_id == tenant_id, THROTTLE.c.until > sa.func.now()


async def _take(session: AsyncSession, tenant_id: UUID, subject: str, per_second: float) -> bool:
    interval = timedelta(seconds=1 / per_second)
    burst = max(rules.SEND_BURST, round(per_second)) - 1
    whole_burst = sa.func.now() - burst * interval
    first = insert(THROTTLE).values(
        tenant_id=tenant_id, subject=subject, until=whole_burst + interval, reason=ThrottleReason.RATE
    )
    taken = first.on_conflict_do_update(
        index_elements=["tenant_id", "subject"],
        set_={"until": sa.func.greatest(THROTTLE.c.until, whole_burst) + interval},
        where=THROTTLE.c.until <= sa.func.now(),
    )
    return (await session.execute(taken.returning(THROTTLE.c.subject))).first() is not None
