"""Only what the two-tenant check has made can be erased, and then without a trace."""

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tenant_portal import db
from tenant_portal.errors import NotAllowed, NotFound
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants import jobs, queries, service
from tests.cast import Cast
from tests.simulated_twilio import SimulatedTwilio, make_client


async def make_synthetic() -> UUID:
    async with db.staff_session() as session:
        tenant_id = await service.create(session, "Check A", is_synthetic=True)
    await jobs.settle(tenant_id)
    return tenant_id


async def tenants() -> list[UUID]:
    async with db.staff_session() as session:
        return list(await queries.tenant_ids(session))


async def test_a_synthetic_client_goes_with_its_rows_and_its_subaccount(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_synthetic()
    await jobs.erase_synthetic(tenant_id)
    assert (await tenants(), twilio.accounts("active"), len(twilio.accounts("closed"))) == ([], [], 1)


async def test_a_real_client_is_never_erased(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_client()
    with pytest.raises(NotAllowed):
        await jobs.erase_synthetic(tenant_id)
    assert (await tenants(), len(twilio.accounts("active"))) == ([tenant_id], 1)


async def test_a_client_that_does_not_exist_cannot_be_erased(database: str) -> None:
    with pytest.raises(NotFound):
        await jobs.erase_synthetic(uuid4())


async def test_a_real_client_is_not_erased_even_when_it_is_closed(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(sa.text("update tenant set state = 'closed'"))
    with pytest.raises(NotAllowed):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await service.erase(session, cast.acme.tenant_id)


async def test_an_unfinished_creation_is_closed_too(twilio: SimulatedTwilio) -> None:
    twilio.fail("drop_after", method="POST", path_contains="/Accounts.json")
    tenant_id = await make_synthetic()
    await jobs.erase_synthetic(tenant_id)
    assert (await tenants(), twilio.accounts("active")) == ([], [])


async def test_while_it_is_erased_no_job_opens_the_account_again(twilio: SimulatedTwilio) -> None:
    tenant_id = await make_synthetic()
    async with db.tenant_session(tenant_id) as session:
        await service.begin_erasing(session, tenant_id)
    await jobs.settle(tenant_id)
    async with db.staff_session() as session:
        assert (await queries.one(session, tenant_id)).state is TenantState.CLOSED
