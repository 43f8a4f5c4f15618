"""Tenants: created, suspended and resumed by staff; their subaccounts kept in step with Twilio by a job.

`credentials` is the only place where a subaccount's token is opened.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import crypto, job_queue
from tenant_portal.audit.service import Actor, record
from tenant_portal.errors import Conflict, NotAllowed, NotFound, PortalError
from tenant_portal.models import Subaccount, Tenant
from tenant_portal.models.base import now
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants import rules
from tenant_portal.twilio_gateway.error_codes import describe
from tenant_portal.twilio_gateway.errors import TwilioError
from tenant_portal.twilio_gateway.gateway import Subaccount as TwilioAccount
from tenant_portal.twilio_gateway.gateway import SubaccountStatus

PROVISION = "tenants.provision"
# What waits for a subaccount that works, by name: these features come after this one.
WAITING_TASKS = ("channels.advance", "inbox.send_outbox", "inbox.fetch_media", "leads.erase")
ACTIVE = SubaccountStatus.ACTIVE.value
# A worker that dies in the middle leaves its claim behind; past this the work is taken up again.
CLAIM = timedelta(seconds=120)
ROTATION_WINDOW = timedelta(minutes=15)
GAVE_UP = "The portal stopped trying. Please look at the cause and repeat it by hand."


class NotConnected(Conflict):
    """The tenant has no subaccount yet."""


@dataclass(frozen=True, slots=True)
class Agency:
    """The agency as an actor where no member of staff is known: at the command line and in set-up."""

    user_id: UUID | None = None
    tenant_id: UUID | None = None
    name: str = "Agency"


AGENCY = Agency()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a tenant's Twilio client signs in with."""

    account_sid: str
    auth_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do at Twilio for a tenant."""

    tenant_id: UUID
    step: rules.Step
    friendly_name: str
    account_sid: str | None


async def credentials(session: AsyncSession, tenant_id: UUID) -> Credentials:
    """SID and auth token of the tenant's subaccount; NotConnected before Twilio has made it. Takes a tenant session."""
    row = await _subaccount(session, tenant_id)
    if row.account_sid is None or row.auth_token_sealed is None:
        raise NotConnected("This client's connection to Twilio is still being set up.")
    return Credentials(row.account_sid, crypto.unseal(row.auth_token_sealed, token_place(tenant_id)))


def token_place(tenant_id: UUID, column: str = "auth_token_sealed") -> crypto.Place:
    """Where a sealed token stands; the other column is `previous_auth_token_sealed`."""
    return crypto.Place("subaccount", column, tenant_id, str(tenant_id))


async def create(session: AsyncSession, name: str, *, by: Actor = AGENCY, is_synthetic: bool = False) -> UUID:
    """A new client, whose subaccount a job makes after the commit. Takes a staff session; BadInput for a bad name."""
    tenant = Tenant(name=rules.clean_name(name), is_synthetic=is_synthetic)
    session.add(tenant)
    await session.flush()
    moment = now()
    await session.execute(
        sa.insert(Subaccount).values(
            tenant_id=tenant.id, attempts=0, next_attempt_at=moment, created_at=moment, changed_at=moment
        )
    )
    await record(session, by, "tenant:created", tenant.name, of=tenant.id)
    await job_queue.wake(session, PROVISION, tenant.id)
    return tenant.id


async def retry(session: AsyncSession, tenant_id: UUID) -> None:
    """Look at Twilio again now, whatever the back-off says. Takes a staff or tenant session."""
    change = sa.update(Subaccount).where(col(Subaccount.tenant_id) == tenant_id)
    found = await session.execute(
        change.values(attempts=0, next_attempt_at=sa.func.now()).returning(col(Subaccount.tenant_id))
    )
    if found.scalar() is None:
        raise NotFound("This client no longer exists.")
    await job_queue.wake(session, PROVISION, tenant_id)


async def suspend(session: AsyncSession, tenant_id: UUID, *, by: Actor = AGENCY) -> None:
    """Stop a client's traffic here and at Twilio; its data and sign-ins stay. Takes a staff session; Conflict."""
    await _change_state(session, tenant_id, TenantState.ACTIVE, TenantState.SUSPENDED)
    await record(session, by, "tenant:suspended", of=tenant_id)


async def resume(session: AsyncSession, tenant_id: UUID, *, by: Actor = AGENCY) -> None:
    """Let a suspended client's traffic flow again. Takes a staff session; Conflict."""
    await _change_state(session, tenant_id, TenantState.SUSPENDED, TenantState.ACTIVE)
    await record(session, by, "tenant:resumed", of=tenant_id)


async def _change_state(session: AsyncSession, tenant_id: UUID, before: TenantState, after: TenantState) -> None:
    changed = await session.execute(
        sa.update(Tenant)
        .where(col(Tenant.id) == tenant_id, col(Tenant.state) == before)
        .values(state=after, suspended_at=now() if after is TenantState.SUSPENDED else None)
        .returning(col(Tenant.id))
    )
    if changed.scalar() is None:
        raise Conflict(f"Only a client that is {before.value} can be changed to {after.value}.")
    await retry(session, tenant_id)


async def claim(session: AsyncSession, tenant_id: UUID) -> Work | None:
    """The next thing to do at Twilio, counted as an attempt before it is made; None if nothing is due."""
    row = await session.scalar(
        sa.select(Subaccount)
        .where(col(Subaccount.tenant_id) == tenant_id, col(Subaccount.next_attempt_at) <= sa.func.clock_timestamp())
        .with_for_update()
    )
    tenant = await session.get(Tenant, tenant_id)
    if row is None or tenant is None:
        return None
    if row.attempts >= rules.MOST_ATTEMPTS:
        row.next_attempt_at, row.last_error = None, row.last_error or GAVE_UP
        return None
    row.attempts += 1
    row.next_attempt_at = now() + CLAIM
    step = rules.next_step(tenant.state, row.account_sid, row.twilio_status)
    return Work(tenant_id, step, rules.friendly_name(tenant.name, tenant_id), row.account_sid)


async def record_answer(session: AsyncSession, tenant_id: UUID, account: TwilioAccount) -> None:
    """Keep what Twilio said about the subaccount; a provisioning client becomes active."""
    row = await _subaccount(session, tenant_id)
    tenant = await session.get_one(Tenant, tenant_id)
    if row.account_sid not in (None, account.sid):
        raise Conflict("This client already has another subaccount.")
    if row.twilio_status != ACTIVE and account.status.value == ACTIVE:
        await _wake_what_waited(session, tenant_id)
    row.account_sid = account.sid
    _keep_token(row, account.auth_token)
    row.twilio_status = account.status.value
    row.attempts, row.last_error, row.changed_at = 0, None, now()
    if tenant.state is TenantState.PROVISIONING:
        tenant.state = TenantState.ACTIVE
    # The state may have been changed while the call was under way: then there is something left to do.
    agreed = rules.next_step(tenant.state, row.account_sid, row.twilio_status) is rules.Step.CHECK
    row.next_attempt_at = None if agreed else now()


async def _wake_what_waited(session: AsyncSession, tenant_id: UUID) -> None:
    for task in WAITING_TASKS:
        await job_queue.wake(session, task, tenant_id)


def _keep_token(row: Subaccount, token: str) -> None:
    place = token_place(row.tenant_id)
    if not token or (row.auth_token_sealed and crypto.unseal(row.auth_token_sealed, place) == token):
        return
    if row.auth_token_sealed:
        _keep_previous(row, crypto.unseal(row.auth_token_sealed, place))
    row.auth_token_sealed = crypto.seal(token, place)


def _keep_previous(row: Subaccount, token: str) -> None:
    row.previous_auth_token_sealed = crypto.seal(token, token_place(row.tenant_id, "previous_auth_token_sealed"))
    row.previous_token_until = now() + ROTATION_WINDOW


async def record_failure(session: AsyncSession, tenant_id: UUID, error: PortalError) -> None:
    """Keep why it failed and when it is tried again."""
    row = await _subaccount(session, tenant_id)
    row.last_error, row.changed_at = sentence(error), now()
    unknown, asked = (error.unknown_outcome, error.retry_after) if isinstance(error, TwilioError) else (False, None)
    pause = rules.pause_seconds(row.attempts, permanent=error.permanent, unknown_outcome=unknown, retry_after=asked)
    row.next_attempt_at = None if pause is None else now() + timedelta(seconds=pause)
    if pause is not None:
        await job_queue.wake(session, PROVISION, tenant_id, delay_seconds=pause)


def sentence(error: PortalError) -> str:
    """What went wrong, with Twilio's number where it has one."""
    code = error.code if isinstance(error, TwilioError) else None
    return f"{describe(code)} (Twilio {code})" if code else error.message


async def expect_token(session: AsyncSession, tenant_id: UUID, token: str) -> None:
    """Let webhooks signed with a token that is about to be promoted in, so that no moment of a rotation refuses one."""
    _keep_previous(await _subaccount(session, tenant_id), token)


async def replace_token(session: AsyncSession, tenant_id: UUID, token: str) -> None:
    """Use the promoted token; the one before it stays good for webhooks during the window."""
    row = await _subaccount(session, tenant_id)
    _keep_token(row, token)
    row.changed_at = now()


async def reseal(session: AsyncSession, tenant_id: UUID) -> int:
    """Seal this tenant's tokens with the first key where another one sealed them; how many there were."""
    row = await _subaccount(session, tenant_id)
    changed = 0
    for column in ("auth_token_sealed", "previous_auth_token_sealed"):
        sealed = getattr(row, column)
        if sealed and crypto.is_stale(sealed):
            place = token_place(tenant_id, column)
            setattr(row, column, crypto.seal(crypto.unseal(sealed, place), place))
            changed += 1
    return changed


async def begin_erasing(session: AsyncSession, tenant_id: UUID) -> Work:
    """Close a tenant of the two-tenant check for good; NotAllowed for any other. Takes a tenant session."""
    tenant = await session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound("This client no longer exists.")
    if not tenant.is_synthetic:
        raise NotAllowed("Only clients made by the two-tenant check can be erased.")
    tenant.state = TenantState.CLOSED
    row = await _subaccount(session, tenant_id)
    row.next_attempt_at = None
    return Work(tenant_id, rules.Step.CLOSE, rules.friendly_name(tenant.name, tenant_id), row.account_sid)


async def erase(session: AsyncSession, tenant_id: UUID) -> None:
    """Delete a closed synthetic tenant with all its rows."""
    gone = await session.execute(
        sa.delete(Tenant)
        .where(col(Tenant.id) == tenant_id, col(Tenant.is_synthetic).is_(True), col(Tenant.state) == TenantState.CLOSED)
        .returning(col(Tenant.id))
    )
    if gone.scalar() is None:
        raise NotAllowed("Only clients made by the two-tenant check can be erased.")


async def _subaccount(session: AsyncSession, tenant_id: UUID) -> Subaccount:
    row = await session.get(Subaccount, tenant_id)
    if row is None:
        raise NotFound("This client no longer exists.")
    return row
