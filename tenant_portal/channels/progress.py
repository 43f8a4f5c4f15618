"""What the channel jobs read and write: one due step claimed, its outcome kept. Takes a tenant session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import job_queue
from tenant_portal.channels import queries, rules
from tenant_portal.channels.service import ADVANCE, facts_of
from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.models import Channel
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState, TenantState
from tenant_portal.tenants import service as tenants
from tenant_portal.tenants.queries import tenant_state
from tenant_portal.twilio_gateway.error_codes import AUTHENTICATION_FAILED
from tenant_portal.twilio_gateway.errors import TwilioError

# A worker that dies in the middle leaves its claim behind; past this the step is taken up again.
CLAIM = timedelta(seconds=120)
PAUSE_WHILE_SUSPENDED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Task:
    """A step to be done for one channel. `kinds` are the live channels on its number; `origin` our public address."""

    tenant_id: UUID
    channel_id: UUID
    state: ChannelState
    facts: rules.Facts
    phone_number: str
    config: Mapping[str, Any]
    attempts: int
    created_at: datetime
    kinds: frozenset[ChannelKind]
    credentials: tenants.Credentials
    origin: str
    arrived_code: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A channel test: what has to come back, and another number of the tenant that can send it, if there is one."""

    task: Task
    token: str
    texting_number: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step found out. `state` is None where it stays; `again_in` seconds until the next look, None for never.

    `changes` are columns, `config` keys to set (None takes a key away), `problem` a sentence that is no failure.
    """

    state: ChannelState | None = None
    again_in: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    progressed: bool = True


async def claim(session: AsyncSession, tenant_id: UUID) -> Task | None:
    """The next due step, counted before it is made; None if nothing is due or the tenant is not active."""
    if await tenant_state(session, tenant_id) is not TenantState.ACTIVE:
        await _put_off(session, tenant_id)
        return None
    due = col(Channel.next_attempt_at) <= sa.func.clock_timestamp()
    query = sa.select(Channel).where(col(Channel.tenant_id) == tenant_id, due).order_by(col(Channel.id)).limit(1)
    channel = await session.scalar(query.with_for_update())
    if channel is None:
        return None
    channel.attempts += 1
    channel.next_attempt_at = now() + CLAIM
    return await _task(session, channel)


async def _task(session: AsyncSession, channel: Channel) -> Task:
    code = None
    if channel.state is ChannelState.VERIFYING:
        code = await queries.arrived_code(session, channel.tenant_id, channel.phone_number, channel.created_at)
    return Task(
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        state=channel.state,
        facts=facts_of(channel),
        phone_number=channel.phone_number,
        config=channel.config,
        attempts=channel.attempts,
        created_at=channel.created_at,
        kinds=await queries.kinds_on(session, channel.tenant_id, channel.phone_number),
        credentials=await tenants.credentials(session, channel.tenant_id),
        origin=settings().origin,
        arrived_code=code,
    )


async def _put_off(session: AsyncSession, tenant_id: UUID) -> None:
    due = col(Channel.next_attempt_at) <= sa.func.now()
    change = sa.update(Channel).where(col(Channel.tenant_id) == tenant_id, due)
    await session.execute(change.values(next_attempt_at=now() + PAUSE_WHILE_SUSPENDED))


async def keep(session: AsyncSession, task: Task, outcome: Outcome) -> None:
    """Write down what a step found out. What exists at Twilio is kept even if somebody changed the state meanwhile."""
    channel = await _locked(session, task)
    for name, value in outcome.changes.items():
        setattr(channel, name, value)
    if outcome.config:
        config = {**channel.config, **outcome.config}
        channel.config = {name: value for name, value in config.items() if value is not None}
    if channel.state is not task.state:
        channel.next_attempt_at = now()
        return
    if outcome.state is not None:
        channel.state = outcome.state
    if outcome.progressed:
        channel.attempts = 0
    channel.error_code, channel.last_error, channel.changed_at = None, outcome.problem, now()
    channel.next_attempt_at = None if outcome.again_in is None else now() + timedelta(seconds=outcome.again_in)


async def keep_failure(session: AsyncSession, task: Task, error: PortalError) -> None:
    """Write down why a step failed and when it is tried again; for good, the channel is `failed`."""
    channel = await _locked(session, task)
    if channel.state is not task.state:
        channel.next_attempt_at = now()
        return
    code, unknown, asked = None, False, None
    if isinstance(error, TwilioError):
        code, unknown, asked = error.code, error.unknown_outcome, error.retry_after
    pause = rules.pause_seconds(task.attempts, permanent=error.permanent, unknown_outcome=unknown, retry_after=asked)
    channel.error_code, channel.last_error, channel.changed_at = code, tenants.sentence(error), now()
    channel.next_attempt_at = None if pause is None else now() + timedelta(seconds=pause)
    if pause is None and task.state is not ChannelState.DISCONNECTED:
        channel.state = ChannelState.FAILED
    if code == AUTHENTICATION_FAILED:
        # The token may have been changed at Twilio: the parent account knows the new one.
        await tenants.retry(session, task.tenant_id)


async def claim_tests(session: AsyncSession, tenant_id: UUID) -> list[Trial]:
    """The channel tests that somebody has begun; nobody else gets them, so that nothing is sent twice."""
    query = sa.select(Channel).where(
        col(Channel.tenant_id) == tenant_id,
        col(Channel.state) == ChannelState.ACTIVE,
        col(Channel.test_started_at).is_not(None),
        col(Channel.test_report).is_(None),
    )
    found = (await session.scalars(query.with_for_update())).all()
    for channel in found:
        channel.test_report = {}
    return [await _trial(session, channel) for channel in found]


async def _trial(session: AsyncSession, channel: Channel) -> Trial:
    other = await queries.other_texting_number(session, channel.tenant_id, channel.phone_number)
    texting = other if channel.kind is ChannelKind.SMS else None
    return Trial(await _task(session, channel), channel.test_token or "", texting)


async def arrival(session: AsyncSession, trial: Trial) -> tuple[datetime, str] | None:
    """When the test's token came back and how; None as long as it has not."""
    query = sa.select(col(Channel.test_passed_at), col(Channel.test_result)).where(
        col(Channel.tenant_id) == trial.task.tenant_id,
        col(Channel.id) == trial.task.channel_id,
        col(Channel.test_token) == trial.token,
    )
    found = (await session.execute(query)).one_or_none()
    return (found[0], found[1] or "") if found and found[0] else None


async def finish_test(session: AsyncSession, trial: Trial, report: Mapping[str, Any]) -> None:
    """Keep what a test has shown, unless a newer one was begun. A token that came back is known no longer."""
    channel = await _locked(session, trial.task)
    if channel.test_token == trial.token:
        channel.test_report = dict(report)
        channel.test_token = None if channel.test_passed_at else trial.token


async def wake_for_next(session: AsyncSession, tenant_id: UUID) -> None:
    """Have the job come back when the next step is due."""
    seconds = sa.func.extract("epoch", sa.func.min(col(Channel.next_attempt_at)) - sa.func.clock_timestamp())
    delay = await session.scalar(sa.select(seconds).where(col(Channel.tenant_id) == tenant_id))
    if delay is not None:
        await job_queue.wake(session, ADVANCE, tenant_id, delay_seconds=max(float(delay), 0.0))


async def _locked(session: AsyncSession, task: Task) -> Channel:
    query = sa.select(Channel).where(col(Channel.tenant_id) == task.tenant_id, col(Channel.id) == task.channel_id)
    return (await session.scalars(query.with_for_update())).one()
