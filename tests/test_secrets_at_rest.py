"""A stolen dump of the database opens nothing."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from tenant_portal import db
from tenant_portal.config import settings
from tenant_portal.embedded_postgres.cluster import binaries
from tenant_portal.identity import sessions, team
from tenant_portal.identity.queries import Person
from tenant_portal.models import User
from tests.cast import PASSWORD, Cast
from tests.threads import receive

CANARY = "canary-that-may-be-read"


def dump(admin_url: str, target: Path) -> bytes:
    """The whole database as a thief would have it, in the plain format."""
    command = [binaries() / "pg_dump", "--no-password", "--inserts", f"--file={target}", admin_url]
    subprocess.run(command, check=True, timeout=60)
    return target.read_bytes()


async def secrets_of(cast: Cast) -> dict[str, str]:
    """Everything that must not be in a dump, by what it is; written to the database on the way."""
    now = datetime.now(UTC)
    async with db.identity_session() as session:
        alice = (await session.scalars(select(User).where(User.id == cast.alice.user_id))).one()
        cookie = await sessions.begin(session, alice, address="192.0.2.1", user_agent="test", now=now)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        alice_now = Person(alice.id, cast.acme.tenant_id, alice.name, alice.email, alice.role, alice.id)
        link = await team.invite(session, alice_now, email="new@acme.example", role="agent", now=now)
    return {
        "session cookie": cookie,
        "invitation": link,
        "password": PASSWORD,
        "token of Acme": cast.acme.auth_token,
        "token of Globex": cast.globex.auth_token,
        **{f"key {name}": key.hex() for name, key in settings().keys.items()},
    }


@pytest.mark.database
async def test_a_dump_holds_no_secret_in_clear(cast: Cast, admin_url: str, tmp_path: Path) -> None:
    secrets = await secrets_of(cast)
    await receive(cast.acme, body=CANARY)
    stolen = dump(admin_url, tmp_path / "dump.sql")
    assert CANARY.encode() in stolen  # the dump is whole
    shown = {
        name for name, value in secrets.items() if value.encode() in stolen or value.encode().hex().encode() in stolen
    }
    assert shown == set()
