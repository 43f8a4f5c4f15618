"""Taking away what a check has made: subaccounts, rows, files, sign-ins, jobs, quarantine."""

import logging
from uuid import UUID

from sqlalchemy import text

from tenant_portal import db, object_store
from tenant_portal.errors import PortalError
from tenant_portal.models import row_level_security as wall
from tenant_portal.simulator.two_tenant_check.doors import attempt
from tenant_portal.simulator.two_tenant_check.forms import STRANGERS
from tenant_portal.tenants import jobs as tenant_jobs

DOMAIN = "two-tenant-check.example"
log = logging.getLogger(__name__)


def email(who: str, run_id: str) -> str:
    """An address by which the people of a check are found again."""
    return f"{who}-{run_id}@{DOMAIN}"


async def sweep() -> None:
    """Erase every synthetic client, also those that an earlier check left behind when it was killed."""
    async with db.staff_session() as session:
        found = await session.execute(
            text(
                "select t.id, s.account_sid from tenant t left join subaccount s on s.tenant_id = t.id"
                " where t.is_synthetic"
            )
        )
        synthetic = [(row.id, row.account_sid) for row in found]
    for tenant_id, account_sid in synthetic:
        await _erase(tenant_id, account_sid)
    async with db.identity_session() as session:
        await session.execute(text("delete from portal_user where email like :all"), {"all": f"%@{DOMAIN}"})
    async with db.front_door_session() as session:
        strangers = text("delete from quarantined_request where account_sid like :all and not is_signed")
        await session.execute(strangers, {"all": f"{STRANGERS}%"})


async def _erase(tenant_id: UUID, account_sid: str | None) -> None:
    await _delete_files(tenant_id)
    try:
        await tenant_jobs.erase_synthetic(tenant_id)
    except PortalError as error:
        # Left as a synthetic client, which the next check sweeps away.
        log.warning("a client of the two-tenant check could not be erased: %s", error.message)
        return
    await _forget_requests(account_sid)
    await _forget_jobs(tenant_id)


async def _delete_files(tenant_id: UUID) -> None:
    async with db.tenant_session(tenant_id) as session:
        query = text("select object_key from media where tenant_id = :tenant and object_key is not null")
        keys = list(await session.scalars(query, {"tenant": tenant_id}))
    for key in keys:
        await object_store.delete(key)


async def _forget_requests(account_sid: str | None) -> None:
    if account_sid is None:
        return
    async with db.front_door_session() as session:
        for table in ("quarantined_request", "webhook_refusal"):
            statement = text(f"delete from {table} where account_sid = :sid")
            await session.execute(statement, {"sid": account_sid})


async def _forget_jobs(tenant_id: UUID) -> None:
    async with attempt(wall.JOBS) as connection:
        # The library's triggers name their tables without the schema.
        await connection.execute(text("set local search_path = jobs"))
        statement = text("delete from procrastinate_jobs where args->>'tenant_id' = :tenant and status <> 'doing'")
        await connection.execute(statement, {"tenant": str(tenant_id)})
        await connection.commit()
