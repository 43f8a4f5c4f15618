"""What the first start puts into an empty portal: one member of staff, and two sample clients that can be played with.

With a live Twilio account only the member of staff is made: sample clients would buy real numbers.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from tenant_portal.channels.service import CONNECT_SAMPLE
from tenant_portal.config import settings
from tenant_portal.db import identity_session, staff_session, tenant_session
from tenant_portal.identity.service import create_user
from tenant_portal.job_queue import wake
from tenant_portal.models import User
from tenant_portal.models.enums import Role
from tenant_portal.tenants.service import create

STAFF = ("Sam Smith", "sam@agency.example")
SAMPLES = (
    ("Acme Plumbing", "Alice Archer", "alice@acme.example"),
    ("Globex Dental", "Charlie Cole", "charlie@globex.example"),
)
PRIVATE_FILE = 0o600
FILE = "sample_sign_ins.json"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who can sign in, with the password; `client` is empty for staff."""

    name: str
    email: str
    password: str
    role: str
    client: str = ""


async def seed_if_empty() -> list[SignIn] | None:
    """Fill a portal that nobody can sign in to; the sign-ins to be shown once, None if there was somebody already."""
    async with identity_session() as session:
        if await session.scalar(sa.select(col(User.id)).limit(1)):
            return None
    made = [await _client(*sample) for sample in SAMPLES] if settings().twilio_mode == "simulated" else []
    made.append(await _user(*STAFF, Role.STAFF, None, ""))
    if settings().twilio_mode == "simulated":
        _keep(made)
    return made


def sample_sign_ins() -> list[SignIn]:
    """The sign-ins of a simulated portal's first start, to be shown again; empty where there are none."""
    path = _path()
    return [SignIn(**item) for item in json.loads(path.read_text())] if path.exists() else []


async def _client(client: str, person: str, email: str) -> SignIn:
    async with staff_session() as session:
        tenant_id = await create(session, client)
    sign_in = await _user(person, email, Role.OWNER, tenant_id, client)
    async with tenant_session(tenant_id) as session:
        await wake(session, CONNECT_SAMPLE, tenant_id)
    return sign_in


async def _user(name: str, email: str, role: Role, tenant_id: UUID | None, client: str) -> SignIn:
    password = secrets.token_urlsafe(12)
    async with identity_session() as session:
        await create_user(session, email=email, name=name, role=role, password=password, tenant_id=tenant_id)
    return SignIn(name, email, password, role.value, client)


def _keep(sign_ins: Sequence[SignIn]) -> None:
    # In clear, since these open made-up data only; with a live Twilio account nothing is kept.
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=PRIVATE_FILE)
    path.write_text(json.dumps([asdict(sign_in) for sign_in in sign_ins], indent=2))


def _path() -> Path:
    return settings().data_dir / FILE
