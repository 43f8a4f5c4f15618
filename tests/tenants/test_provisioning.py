"""A client's subaccount: made once, whatever goes wrong on the way."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, PortalFault
from tenant_portal.models import Subaccount, Tenant
from tenant_portal.models.base import now
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants import jobs, queries, service
from tenant_portal.tenants.rules import MOST_ATTEMPTS
from tests.simulated_twilio import SimulatedTwilio, make_client


async def create(name: str = "Acme") -> UUID:
    async with db.staff_session() as session:
        return await service.create(session, name)


async def line(tenant_id: UUID) -> queries.TenantRow:
    async with db.staff_session() as session:
        return await queries.one(session, tenant_id)


async def make_due(tenant_id: UUID) -> None:
    """Let the back-off be over."""
    async with db.tenant_session(tenant_id) as session:
        row = await session.get_one(Subaccount, tenant_id)
        row.next_attempt_at = now() - timedelta(seconds=1)


async def test_a_new_client_gets_a_subaccount_of_its_own(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client("Acme")
    [account] = twilio.accounts()
    row = await line(tenant_id)
    assert (row.state, row.account_sid, row.twilio_status) == (TenantState.ACTIVE, account.sid, "active")
    assert account.friendly_name == f"Acme (tenant {tenant_id.hex})"


async def test_the_stored_token_opens_and_is_the_subaccounts(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    async with db.tenant_session(tenant_id) as session:
        found = await service.credentials(session, tenant_id)
    [account] = twilio.accounts()
    assert (found.account_sid, found.auth_token) == (account.sid, account.auth_token)
    assert account.auth_token not in repr(found)


async def test_before_twilio_has_answered_there_are_no_credentials(database: str) -> None:
    tenant_id = await create()
    async with db.tenant_session(tenant_id) as session:
        with pytest.raises(service.NotConnected):
            await service.credentials(session, tenant_id)


async def test_creating_a_client_wakes_its_job_in_the_same_transaction(database: str, admin_url: str) -> None:
    tenant_id = await create()
    async with db.engine().begin() as connection:
        await connection.execute(sa.text("set local role portal_jobs"))
        jobs_there = await connection.scalar(
            sa.text("select count(*) from jobs.procrastinate_jobs where task_name = 'tenants.provision' and args = :a"),
            {"a": f'{{"tenant_id": "{tenant_id}"}}'},
        )
    assert jobs_there == 1


@pytest.mark.parametrize("kind", ["drop_after", "drop", "status"])
async def test_a_lost_answer_leaves_one_subaccount_and_no_orphan(twilio: SimulatedTwilio, kind: str) -> None:
    twilio.fail(kind, method="POST", path_contains="/Accounts.json")
    tenant_id = await create()
    await jobs.settle(tenant_id)
    assert (await line(tenant_id)).state is TenantState.PROVISIONING
    await make_due(tenant_id)
    await jobs.settle(tenant_id)
    [account] = twilio.accounts()
    assert (await line(tenant_id)).account_sid == account.sid


async def test_a_worker_that_dies_after_the_call_leaves_no_orphan(twilio: SimulatedTwilio) -> None:
    tenant_id = await create()
    async with db.tenant_session(tenant_id) as session:
        work = await service.claim(session, tenant_id)
    assert work is not None
    await jobs._carry_out(jobs.parent_gateway(), work)
    await make_due(tenant_id)
    await jobs.settle(tenant_id)
    assert [account.sid for account in twilio.accounts()] == [(await line(tenant_id)).account_sid]


async def test_what_is_claimed_is_not_claimed_again(twilio: SimulatedTwilio) -> None:
    tenant_id = await create()
    async with db.tenant_session(tenant_id) as session:
        assert await service.claim(session, tenant_id) is not None
    async with db.tenant_session(tenant_id) as session:
        assert await service.claim(session, tenant_id) is None


async def test_a_failure_is_shown_and_tried_again_later(twilio: SimulatedTwilio) -> None:
    twilio.fail("status", status=503, code=20503, method="POST", path_contains="/Accounts.json")
    tenant_id = await create()
    await jobs.settle(tenant_id)
    row = await line(tenant_id)
    assert row.last_error == "Twilio has a fault at the moment. Please try again in a few minutes. (Twilio 20503)"
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > now() + timedelta(seconds=40)


async def test_a_refusal_waits_for_a_person(twilio: SimulatedTwilio) -> None:
    twilio.fail("status", status=400, code=21480, method="POST", path_contains="/Accounts.json")
    tenant_id = await create()
    await jobs.settle(tenant_id)
    row = await line(tenant_id)
    assert row.next_attempt_at is None
    assert "cannot hold more clients" in (row.last_error or "")
    async with db.staff_session() as session:
        await service.retry(session, tenant_id)
    await jobs.settle(tenant_id)
    assert (await line(tenant_id)).state is TenantState.ACTIVE


async def test_it_gives_up_in_the_end(twilio: SimulatedTwilio) -> None:
    tenant_id = await create()
    async with db.tenant_session(tenant_id) as session:
        (await session.get_one(Subaccount, tenant_id)).attempts = MOST_ATTEMPTS
    await jobs.settle(tenant_id)
    row = await line(tenant_id)
    assert (row.next_attempt_at, row.last_error, twilio.accounts()) == (None, service.GAVE_UP, [])


async def test_too_many_requests_are_heeded_as_long_as_twilio_asks(twilio: SimulatedTwilio) -> None:
    twilio.fail("status", status=429, code=20429, retry_after=90, method="POST", path_contains="/Accounts.json")
    tenant_id = await create()
    await jobs.settle(tenant_id)
    row = await line(tenant_id)
    assert row.next_attempt_at is not None
    assert now() + timedelta(seconds=80) < row.next_attempt_at <= now() + timedelta(seconds=90)


async def test_what_breaks_the_portal_is_shown_and_tried_again_later(
    twilio: SimulatedTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "parent_gateway", lambda: 1 / 0)
    tenant_id = await create()
    await jobs.settle(tenant_id)
    row = await line(tenant_id)
    assert row.last_error == PortalFault().message
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > now()


async def test_two_clients_of_one_name_get_two_subaccounts(twilio: SimulatedTwilio) -> None:
    first, second = await make_client("Acme"), await make_client("Acme")
    assert len(twilio.accounts()) == 2
    assert (await line(first)).account_sid != (await line(second)).account_sid


async def test_a_client_needs_a_real_name(database: str) -> None:
    for name in ("", "   ", "x" * 121, "Ac\x00me", "Acme\u202e"):
        with pytest.raises(BadInput):
            await create(name)


async def test_suspending_stops_the_subaccount_and_resuming_lets_it_go_on(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    async with db.staff_session() as session:
        await service.suspend(session, tenant_id)
    await jobs.settle(tenant_id)
    assert len(twilio.accounts("suspended")) == 1
    async with db.staff_session() as session:
        await service.resume(session, tenant_id)
    await jobs.settle(tenant_id)
    assert len(twilio.accounts("active")) == 1
    assert (await line(tenant_id)).twilio_status == "active"


async def test_a_switch_during_the_call_is_not_lost(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    async with db.staff_session() as session:
        await service.suspend(session, tenant_id)
    async with db.tenant_session(tenant_id) as session:
        work = await service.claim(session, tenant_id)
    assert work is not None
    account = await jobs._carry_out(jobs.parent_gateway(), work)
    async with db.staff_session() as session:
        await service.resume(session, tenant_id)
    async with db.tenant_session(tenant_id) as session:
        await service.record_answer(session, tenant_id, account)
    await jobs.settle(tenant_id)
    assert len(twilio.accounts("active")) == 1


async def test_only_an_active_client_is_suspended_and_only_a_suspended_one_resumed(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    async with db.staff_session() as session:
        with pytest.raises(Conflict):
            await service.resume(session, tenant_id)
    async with db.staff_session() as session:
        await service.suspend(session, tenant_id)
    with pytest.raises(Conflict):
        async with db.staff_session() as session:
            await service.suspend(session, tenant_id)


async def test_an_account_suspended_at_twilio_itself_is_seen(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    [account] = twilio.accounts()
    twilio.world.store.change(account, status="closed")
    async with db.staff_session() as session:
        await service.retry(session, tenant_id)
    await jobs.settle(tenant_id)
    assert (await line(tenant_id)).twilio_status == "closed"


async def test_another_subaccount_never_replaces_the_first(twilio: SimulatedTwilio) -> None:
    acme, globex = await make_client("Acme"), await make_client("Globex")
    foreign = await jobs.parent_gateway().fetch_subaccount(str((await line(globex)).account_sid))
    with pytest.raises(Conflict):
        async with db.tenant_session(acme) as session:
            await service.record_answer(session, acme, foreign)


async def test_who_did_it_stands_in_the_clients_trail(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    async with db.staff_session() as session:
        await service.suspend(session, tenant_id, by=service.Agency(name="Sam Smith"))
    async with db.tenant_session(tenant_id) as session:
        found = await session.execute(sa.text("select action, actor_name from audit_event order by id"))
    assert found.all() == [("tenant:created", "Agency"), ("tenant:suspended", "Sam Smith")]


async def test_staff_may_write_to_the_trail_but_not_read_it(database: str) -> None:
    await create()
    with pytest.raises(Exception, match="permission denied"):
        async with db.staff_session() as session:
            await session.execute(sa.text("select action from audit_event"))


async def test_a_client_that_does_not_exist_is_no_work(database: str) -> None:
    tenant_id = Tenant(name="ghost").id
    await jobs.settle(tenant_id)
    async with db.staff_session() as session:
        assert await queries.tenant_ids(session) == []
