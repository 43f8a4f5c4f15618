"""`keys`: the keys that seal credentials in the database."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Protocol

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.cli import runtime
from tenant_portal.cli.runtime import AsJson
from tenant_portal.config import new_secret_key, settings
from tenant_portal.db import front_door_session, identity_session, staff_session, tenant_session
from tenant_portal.front_door import quarantine
from tenant_portal.identity import second_factor
from tenant_portal.mail import service as mail
from tenant_portal.tenants import queries, service

BATCH = 100


class Reseal(Protocol):
    """Seals up to `limit` rows again; how many there were."""

    async def __call__(self, session: AsyncSession, *, limit: int) -> int: ...


app = typer.Typer(help="Keys that seal credentials.", no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Id of the key, 1 to 8 letters or digits.")], as_json: AsJson = False
) -> None:
    """Print a fresh entry to be put first into PORTAL_SECRET_KEYS."""
    entry = new_secret_key(name)
    typer.echo(json.dumps({"entry": entry}) if as_json else entry)


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Seal everything again with the first key of PORTAL_SECRET_KEYS. Afterwards the others may be dropped."""
    runtime.show_one(runtime.run(reseal_all), as_json=as_json)


async def reseal_all() -> dict[str, int | str]:
    """Re-seal what another key than the first sealed; repeating it finds nothing more."""
    async with staff_session() as session:
        tenant_ids = await queries.tenant_ids(session)
    tokens = 0
    for tenant_id in tenant_ids:
        async with tenant_session(tenant_id) as session:
            tokens += await service.reseal(session, tenant_id)
    return {
        "key": next(iter(settings().keys)),
        "tokens": tokens,
        "quarantined": await _all(front_door_session, quarantine.reseal),
        "emails": await _all(identity_session, mail.reseal),
        "second_steps": await _all(identity_session, second_factor.reseal),
    }


async def _all(door: Callable[[], AbstractAsyncContextManager[AsyncSession]], reseal: Reseal) -> int:
    total = 0
    while True:
        async with door() as session:
            done = await reseal(session, limit=BATCH)
        total += done
        if done < BATCH:
            return total
