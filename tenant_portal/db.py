"""Engines, and the only doors to data.

Every door opens ONE transaction, commits it at the end and rolls it back on an error. The process signs in as a role
without rights; each transaction takes on the role of its door, so a query outside a door is refused by PostgreSQL.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from tenant_portal.config import settings
from tenant_portal.errors import SettingsError, TenantMissing

LIVE_CHANNEL = "portal_live"
CONNECT_SECONDS = 5
# A server that vanished without a word is noticed after 11 s, and not when the kernel gives up after two hours.
KEEPALIVE: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
ENTER = "select set_config('role', %s, true), set_config('app.tenant_id', %s, true)"

_url: str | None = None
_engine: AsyncEngine | None = None


def use_database(url: str) -> None:
    """Name the login URL for this process (`postgresql://portal_web:…`), before the first session."""
    global _url
    _url = url


def database_url() -> str:
    """The login URL of this process; SettingsError if nobody named one."""
    url = _url or settings().login_url
    if not url:
        raise SettingsError("No database: start with `python -m tenant_portal run` or set PORTAL_DATABASE_APP_URL.")
    return url


def session_url() -> str:
    """The login URL for connections that keep their session: LISTEN, and the job queue's own settings."""
    return settings().session_url or database_url()


def prepare_threshold() -> int | None:
    """psycopg's own; None behind a pooler in transaction mode, where the next statement may meet another server."""
    return None if settings().database_session_url else 5


def engine() -> AsyncEngine:
    """The one engine of this process; opened late, since the web server may fork after import."""
    global _engine
    if _engine is None:
        url = database_url()
        _engine = create_async_engine(
            url.replace(f"{urlsplit(url).scheme}://", "postgresql+psycopg://", 1),
            pool_size=settings().database_pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "prepare_threshold": prepare_threshold()},
        )
    return _engine


async def close() -> None:
    """Give all connections back; the next session opens a new engine."""
    global _engine
    if _engine is not None:
        await _engine.dispose()
    _engine = None


class DoorSession(Session):
    """A session that enters its role at the start of every transaction; see `_enter`."""


@event.listens_for(DoorSession, "after_begin")
def _enter(session: Session, _: SessionTransaction, connection: Connection) -> None:
    # Transaction-local, so that it survives commits inside a session and never leaks to the pool's next user.
    role, tenant = session.info["door"]
    connection.exec_driver_sql(ENTER, (role, tenant))


@asynccontextmanager
async def _door(role: str, tenant: str = "") -> AsyncIterator[AsyncSession]:
    maker = async_sessionmaker(
        engine(), sync_session_class=DoorSession, expire_on_commit=False, info={"door": (role, tenant)}
    )
    async with maker() as session:
        yield session
        await session.commit()


def tenant_session(tenant_id: UUID) -> AbstractAsyncContextManager[AsyncSession]:
    """The only door to a tenant's data: one transaction that sees this tenant and no other."""
    if not isinstance(tenant_id, UUID):
        raise TenantMissing("Tenant data was asked for without a tenant.")
    return _door("portal_app", str(tenant_id))


def staff_session() -> AbstractAsyncContextManager[AsyncSession]:
    """All tenants' names, states and counters; no message body, transcript, media or lead detail."""
    return _door("portal_staff")


def front_door_session() -> AbstractAsyncContextManager[AsyncSession]:
    """Resolves an AccountSid and keeps quarantine and refusals; nothing else."""
    return _door("portal_front_door")


def identity_session() -> AbstractAsyncContextManager[AsyncSession]:
    """Users, browser sessions, attempts and invitations, before it is known whose they are; nothing else."""
    return _door("portal_identity")


def job_queue_session() -> AbstractAsyncContextManager[AsyncSession]:
    """The job queue: which tenants have work waiting, and what holds it back; nothing of what the work is."""
    return _door("portal_jobs")


async def announce(session: AsyncSession, tenant_id: UUID) -> None:
    """Tell this tenant's open browsers, at commit, to read again. Carries the id only, never content."""
    await session.execute(text("select pg_notify(:channel, :tenant)"), _announcement(tenant_id))


def _announcement(tenant_id: UUID) -> dict[str, Any]:
    return {"channel": LIVE_CHANNEL, "tenant": str(tenant_id)}
