"""Rehearses a restore to a moment in the past: is what is kept enough to come back?

    python -m deploy.rehearse_restore
        on scratch servers: writes, base backup, more writes, a mistake, back to the moment before it
    python -m deploy.rehearse_restore --base DIR --wal DIR --password-file FILE [--until '2026-11-25 08:00:00+00']
        of a real backup, on a scratch server; PORTAL_SECRET_KEYS (or PORTAL_SECRETS_DIR) has the portal's keys

Prints what it saw as JSON; exits with 1 if the restored portal could not serve. docs/operations.md says what to keep.
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from tenant_portal import database_setup, db
from tenant_portal.config import new_secret_key, settings
from tenant_portal.crypto import CannotOpen, seal
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.embedded_postgres.account import choose
from tenant_portal.embedded_postgres.cluster import SUPERUSER, binaries
from tenant_portal.models import Lead, Subaccount, Tenant
from tenant_portal.models.enums import ChannelKind, TenantState
from tenant_portal.schema_lint import breaches
from tenant_portal.tenants import queries, service

ARCHIVE_SECONDS = 30
# Under another name until it is whole: a piece that was cut short must not count as archived.
ARCHIVE_COMMAND = 'test ! -f "{wal}/%f" && cp "%p" "{wal}/%f.part" && mv "{wal}/%f.part" "{wal}/%f"'
RECOVERY = """
# A later line wins: what the backed-up server had set stays behind.
archive_mode = 'off'
archive_command = ''
restore_command = 'cp "{wal}/%f" "%p"'
recovery_target_action = 'promote'
# It answers when it has arrived, not on the way.
hot_standby = 'off'
"""
ACCOUNTS = "select count(*) from subaccount where auth_token_sealed is not null"


@dataclass(frozen=True, slots=True)
class Found:
    """What the restored portal holds."""

    tenants: int
    leads: int
    tokens: int
    tokens_opened: int
    wall_breaches: int

    @property
    def could_serve(self) -> bool:
        """Whether every tenant is there behind the wall, and every credential opens."""
        return self.tokens == self.tokens_opened and not self.wall_breaches


def restore(base: Path, wal: Path, folder: Path, until: str = "") -> EmbeddedServer:
    """A server in `folder` made of copies of a base backup and an archive, played up to `until` (else to the end).

    Returns when it answers. PortalError with the server's own words if it does not.
    """
    server = EmbeddedServer(folder)
    server.files.home.mkdir(parents=True)
    shutil.copytree(base, server.files.cluster)
    server.files.cluster.chmod(0o700)
    archive = shutil.copytree(wal, server.files.home / "wal")
    choose(server.files.home, binaries()).give(archive)
    (server.files.cluster / "recovery.signal").touch()
    target = f"recovery_target_time = '{until}'\n" if until else ""
    with (server.files.cluster / "postgresql.auto.conf").open("a") as file:
        file.write(RECOVERY.format(wal=archive) + target)
    server.start()
    return server


async def look(admin_url: str) -> Found:
    """Count what is there, and try to open every sealed token as the portal would."""
    db.use_database(database_setup.prepare(admin_url))
    try:
        async with db.staff_session() as session:
            tenant_ids = await queries.tenant_ids(session)
        opened = [await _opens(tenant_id) for tenant_id in tenant_ids]
        async with db.engine().connect() as connection:
            broken = await connection.run_sync(breaches)
    finally:
        await db.close()
    leads, tokens = (_count(admin_url, query) for query in ("select count(*) from lead", ACCOUNTS))
    return Found(len(tenant_ids), leads, tokens, sum(opened), len(broken))


async def _opens(tenant_id: UUID) -> bool:
    async with db.tenant_session(tenant_id) as session:
        try:
            await service.credentials(session, tenant_id)
        except (CannotOpen, service.NotConnected):
            return False
    return True


def _count(admin_url: str, query: str) -> int:
    with psycopg.connect(admin_url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def archiving_server(folder: Path, wal: Path) -> Iterator[EmbeddedServer]:
    """A migrated server that copies its finished write-ahead log to `wal`."""
    server = EmbeddedServer(folder)
    with server:
        wal.mkdir()
        choose(server.files.home, binaries()).give(wal)
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            command = sql.Literal(ARCHIVE_COMMAND.format(wal=wal))
            connection.execute("alter system set archive_mode = 'on'")
            connection.execute(sql.SQL("alter system set archive_command = {}").format(command))
    # Archiving begins with a start.
    with server:
        yield server


def base_backup(server: EmbeddedServer, base: Path) -> None:
    """A copy of the running server."""
    environment = {"PGPASSWORD": server.files.password_file.read_text(), "PATH": os.defpath}
    source = ["--host", str(server.files.socket_choice.read_text()), "--username", SUPERUSER, "--no-password"]
    copy = [str(binaries() / "pg_basebackup"), *source, "--pgdata", str(base), "--checkpoint", "fast"]
    subprocess.run(copy, env=environment, check=True, capture_output=True)


async def found_tenant(name: str) -> None:
    """A client with a lead and a sealed token."""
    tenant = Tenant(name=name, state=TenantState.ACTIVE)
    async with db.staff_session() as session:
        session.add(tenant)
    sealed = seal(secrets.token_hex(16), service.token_place(tenant.id))
    async with db.tenant_session(tenant.id) as session:
        account_sid = f"AC{secrets.token_hex(16)}"
        session.add(Subaccount(tenant_id=tenant.id, account_sid=account_sid, auth_token_sealed=sealed))
        session.add(Lead(tenant_id=tenant.id, address="+14155550123", source=ChannelKind.SMS))


async def found_tenants(*names: str) -> None:
    """Several, and the connections given back."""
    for name in names:
        await found_tenant(name)
    await db.close()


def mistake(admin_url: str) -> str:
    """Delete every lead; the moment before, as the server's clock has it."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        row = connection.execute("select clock_timestamp()::text").fetchone()
        # Times are compared as of the commit: the clock must have moved.
        connection.execute("select pg_sleep(0.05)")
        connection.execute("delete from lead")
        assert row is not None
        return str(row[0])


def wait_for_archive(admin_url: str) -> None:
    """Close the current piece of the log and wait until it is in the archive."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        end = time.monotonic() + ARCHIVE_SECONDS
        query = "select coalesce(last_archived_wal >= %s, false) from pg_stat_archiver"
        while connection.execute(query, row).fetchone() != (True,):
            if time.monotonic() > end:
                raise SystemExit("The write-ahead log does not arrive in the archive.")
            time.sleep(0.05)


def rehearse(scratch: Path) -> bool:
    """The whole story on two scratch servers; whether it ended well."""
    base, wal = scratch / "base", scratch / "wal"
    with archiving_server(scratch / "lost", wal) as server:
        admin_url = database_setup.create_database(server.admin_url)
        db.use_database(database_setup.prepare(admin_url))
        asyncio.run(found_tenants("Before the backup"))
        base_backup(server, base)
        asyncio.run(found_tenants("After the backup", "Just before the mistake"))
        before = mistake(admin_url)
        asyncio.run(found_tenants("After the mistake"))
        wait_for_archive(admin_url)
        at_the_end = asyncio.run(look(admin_url))
    restored = _restored(base, wal, scratch / "restored", before)
    # Control: the same backup with another key, as if the keys had been lost.
    os.environ["PORTAL_SECRET_KEYS"] = new_secret_key("k1")
    settings.cache_clear()
    keyless = _restored(base, wal, scratch / "keyless", before)
    _report(moment=before, lost_server=at_the_end, restored=restored, restored_without_the_keys=keyless)
    return restored == Found(3, 3, 3, 3, 0) and at_the_end.leads == 1 and keyless.tokens_opened == 0


def _restored(base: Path, wal: Path, folder: Path, until: str) -> Found:
    server = restore(base, wal, folder, until)
    try:
        return asyncio.run(look(database_setup.create_database(server.admin_url)))
    finally:
        server.stop()


def restore_real(options: argparse.Namespace, scratch: Path) -> bool:
    """A backup that somebody made; whether the portal could serve from it."""
    base = shutil.copytree(options.base, scratch / "base")
    (base / "superuser_password").write_text(options.password_file.read_text().strip())
    found = _restored(base, options.wal, scratch / "restored", options.until)
    _report(moment=options.until or "the end of the archive", restored=found)
    return found.could_serve


def _report(**parts: Found | str) -> None:
    print(json.dumps({name: part if isinstance(part, str) else asdict(part) for name, part in parts.items()}, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, help="a base backup in plain format")
    parser.add_argument("--wal", type=Path, help="the archive of the write-ahead log")
    parser.add_argument("--password-file", type=Path, help="password of `postgres` at the time of the backup")
    parser.add_argument("--until", default="", help="moment to go back to; the end of the archive otherwise")
    options = parser.parse_args()
    if bool(options.base) != bool(options.wal and options.password_file):
        parser.error("--base, --wal and --password-file go together")
    return options


def main() -> int:
    """The exit code."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as name:
        scratch = Path(name)
        if options.base:
            return 0 if restore_real(options, scratch) else 1
        os.environ |= {"PORTAL_DATA_DIR": str(scratch / "data"), "PORTAL_SECRET_KEYS": new_secret_key("k1")}
        return 0 if rehearse(scratch) else 1


if __name__ == "__main__":
    sys.exit(main())
