"""`doctor`: looks at everything the portal stands on, and says what to do."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import typer
from redis.asyncio import Redis
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.cli import runtime
from tenant_portal.cli.runtime import AsJson
from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.mail.gateway import FOLDER
from tenant_portal.models import row_level_security as wall
from tenant_portal.schema_lint import breaches
from tenant_portal.twilio_gateway.clients import parent_gateway

REACH_SECONDS = 5
STUCK_JOBS = text(
    "select count(*) from jobs.procrastinate_jobs where status = 'todo' and coalesce(scheduled_at, now()) < now()"
    " - interval '1 minute'"
)
WORKERS = text("select count(*) from jobs.procrastinate_workers where last_heartbeat > now() - interval '1 minute'")
GIVEN_UP = text("select count(*) from jobs.given_up()")
UNSENT = text(
    "select count(*) from outgoing_email where state = 'failed' and settled_at > now() - interval '1 day'"
    " or state = 'waiting' and next_attempt_at < now() - interval '5 minutes'"
)
DANGEROUS_ROLES = text("select rolname from pg_roles where rolname = any(:roles) and (rolsuper or rolbypassrls)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: fine, or what to do about it."""

    check: str
    ok: bool
    finding: str


def doctor(as_json: AsJson = False) -> None:
    """Check settings, database, roles, policies, queue and Twilio; exit 1 if something needs doing."""
    findings = [Finding("settings", True, f"Twilio is {settings().twilio_mode}, address {settings().origin}")]
    findings += runtime.run(examine)
    runtime.show([asdict(finding) for finding in findings], as_json=as_json, title="tenant_portal doctor")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


async def examine() -> list[Finding]:
    """Every check in turn; one that fails does not hide the others."""
    return [await _careful(name, check) for name, check in CHECKS.items()]


async def _careful(name: str, check: Callable[[], Coroutine[Any, Any, Finding]]) -> Finding:
    try:
        return await check()
    except PortalError as error:
        return Finding(name, False, error.message)
    except Exception as error:  # noqa: BLE001  # whatever is broken is what we were asked to find
        return Finding(name, False, f"{type(error).__name__}: {str(error).splitlines()[0]}")


async def _database() -> Finding:
    async with db.engine().connect() as connection:
        version = await connection.scalar(text("show server_version"))
    return Finding("database", True, f"PostgreSQL {version}")


async def _roles() -> Finding:
    async with db.engine().connect() as connection:
        roles = [wall.OWNER, wall.LOGIN, wall.INTAKE, *wall.DOOR_ROLES]
        dangerous = list(await connection.scalars(DANGEROUS_ROLES, {"roles": roles}))
    if dangerous:
        return Finding("roles", False, f"Take superuser and bypassrls from {', '.join(dangerous)}.")
    return Finding("roles", True, "None of the portal's roles passes the wall.")


async def _policies() -> Finding:
    async with db.engine().connect() as connection:
        found = await connection.run_sync(breaches)
    if found:
        return Finding("policies", False, "; ".join(f"{breach.thing}: {breach.rule}" for breach in found))
    return Finding("policies", True, f"{len(wall.WALLS)} tables stand behind forced row-level security.")


async def _queue() -> Finding:
    async with db.job_queue_session() as session:
        workers, stuck, given_up = [await session.scalar(query) for query in (WORKERS, STUCK_JOBS, GIVEN_UP)]
    if not workers:
        return Finding("queue", False, "No worker runs: start one with `python -m tenant_portal worker`.")
    if stuck:
        return Finding("queue", False, f"{stuck} jobs wait for over a minute: start more workers.")
    if given_up:
        return Finding("queue", False, f"Work of clients was given up ({given_up}): see their pages and the log.")
    return Finding("queue", True, f"{workers} workers, nothing waits.")


async def _mail() -> Finding:
    async with db.job_queue_session() as session:
        unsent = await session.scalar(UNSENT)
    if unsent:
        return Finding("mail", False, f"{unsent} e-mails were not sent in the last day; the log says why.")
    where = urlsplit(settings().smtp_url).hostname or f"the folder {settings().data_dir / FOLDER}"
    return Finding("mail", True, f"E-mails go to {where}.")


async def _twilio() -> Finding:
    await asyncio.wait_for(parent_gateway().find_subaccount("tenant_portal doctor"), REACH_SECONDS)
    return Finding("twilio", True, f"The {settings().twilio_mode} parent account answers.")


async def _web() -> Finding:
    async with httpx.AsyncClient(timeout=REACH_SECONDS) as client:
        answer = await client.get(f"http://127.0.0.1:{settings().port}/readyz")
    return Finding("web", answer.is_success, f"/readyz answers {answer.status_code}")


async def _redis() -> Finding:
    if not settings().redis_url:
        return Finding("redis", True, "Not used: the state of open pages is in the memory of the one web process.")
    async with Redis.from_url(settings().redis_url, socket_timeout=REACH_SECONDS) as client:
        version = (await client.info("server"))["redis_version"]
    return Finding("redis", True, f"Redis {version}")


async def _data_dir() -> Finding:
    folder = settings().data_dir.resolve()
    loose = [path.name for path in (folder, folder / "secret_keys") if path.exists() and _is_open_to_others(path)]
    if loose:
        return Finding("data folder", False, f"Take the rights of other users from {', '.join(loose)} (chmod go-rwx).")
    return Finding("data folder", True, "Only this system user reads it.")


def _is_open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


CHECKS: dict[str, Callable[[], Coroutine[Any, Any, Finding]]] = {
    "database": _database,
    "roles": _roles,
    "policies": _policies,
    "queue": _queue,
    "mail": _mail,
    "twilio": _twilio,
    "web": _web,
    "redis": _redis,
    "data folder": _data_dir,
}
