"""Direct SQL under a role of the portal: what somebody could do who got hold of the database connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tenant_portal import db

INSUFFICIENT_PRIVILEGE = "42501"
UNDEFINED_TABLE = "42P01"


@asynccontextmanager
async def attempt(role: str | None, tenant_id: UUID | None = None) -> AsyncIterator[AsyncConnection]:
    """A connection in this role, for this tenant. Whatever is done on it is taken back."""
    async with db.engine().connect() as connection:
        if role is not None:
            await connection.execute(text("select set_config('role', :role, true)"), {"role": role})
        if tenant_id is not None:
            setting = text("select set_config('app.tenant_id', :tenant, true)")
            await connection.execute(setting, {"tenant": str(tenant_id)})
        try:
            yield connection
        finally:
            await connection.rollback()


async def refusal(connection: AsyncConnection, statement: str, **values: Any) -> str:
    """The SQLSTATE with which PostgreSQL refuses the statement; "" if it does not."""
    try:
        async with connection.begin_nested():
            await connection.execute(text(statement), values)
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", "") or "unknown")
    return ""


async def value(connection: AsyncConnection, statement: str, **values: Any) -> Any:
    """The first column of the first row."""
    return await connection.scalar(text(statement), values)


async def column(connection: AsyncConnection, statement: str, **values: Any) -> list[Any]:
    """The first column of all rows."""
    return list(await connection.scalars(text(statement), values))
