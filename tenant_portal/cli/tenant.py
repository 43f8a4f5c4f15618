"""`tenant`: the agency's clients."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from tenant_portal.cli import runtime
from tenant_portal.cli.runtime import AsJson
from tenant_portal.db import staff_session, tenant_session
from tenant_portal.identity import team
from tenant_portal.tenants import jobs, queries, service
from tenant_portal.tenants.queries import TenantRow

WAIT_SECONDS = 20
POLL_SECONDS = 0.5

app = typer.Typer(help="The agency's clients.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(help="Name or id of the client.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the client.")],
    owner_email: Annotated[str, typer.Option(help="Prints an invitation link for this address.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a client and its Twilio subaccount."""
    runtime.show_one(runtime.run(lambda: _create(name, owner_email)), as_json=as_json)


@app.command("list")
def list_(search: str = "", as_json: AsJson = False) -> None:
    """All clients with their state, channels and traffic."""
    rows = runtime.run(lambda: _list(search))
    runtime.show(rows if as_json else [_brief(row) for row in rows], as_json=as_json, title="Clients")


@app.command()
def suspend(client: Who, as_json: AsJson = False) -> None:
    """Stop a client's traffic here and at Twilio."""
    runtime.show_one(runtime.run(lambda: _change(client, service.suspend)), as_json=as_json)


@app.command()
def resume(client: Who, as_json: AsJson = False) -> None:
    """Let a suspended client's traffic flow again."""
    runtime.show_one(runtime.run(lambda: _change(client, service.resume)), as_json=as_json)


@app.command()
def check(client: Who, as_json: AsJson = False) -> None:
    """Look at Twilio again now: finish a set-up, take over a changed token or state."""
    runtime.show_one(runtime.run(lambda: _change(client, service.retry)), as_json=as_json)


@app.command("rotate-token")
def rotate_token(client: Who, as_json: AsJson = False) -> None:
    """Replace the subaccount's auth token at Twilio; webhooks go on arriving."""
    runtime.show_one(runtime.run(lambda: _rotate(client)), as_json=as_json)


async def _create(name: str, owner_email: str) -> dict[str, Any]:
    async with staff_session() as session:
        tenant_id = await service.create(session, name)
    shown = await _settled(tenant_id)
    if owner_email:
        async with tenant_session(tenant_id) as session:
            token = await team.invite_owner(
                session, service.AGENCY, tenant_id, email=owner_email, now=datetime.now(UTC)
            )
        shown["invitation"] = team.invitation_link(token)
    return shown


async def _list(search: str) -> list[dict[str, Any]]:
    rows: list[TenantRow] = []
    page = queries.Page((), None)
    async with staff_session() as session:
        while not rows or page.next_after:
            page = await queries.overview(session, search=search, after=page.next_after, limit=200)
            rows.extend(page.rows)
            if not page.rows:
                break
    return [_shown(row) for row in rows]


async def _change(client: str, change: Callable[..., Awaitable[None]]) -> dict[str, Any]:
    async with staff_session() as session:
        tenant_id = await queries.find(session, client)
        await change(session, tenant_id)
    return await _settled(tenant_id)


async def _rotate(client: str) -> dict[str, Any]:
    async with staff_session() as session:
        tenant_id = await queries.find(session, client)
    await jobs.rotate_token(tenant_id)
    return {"id": tenant_id, "rotated": True}


async def _settled(tenant_id: UUID) -> dict[str, Any]:
    """Do the work here, since no worker may be running; if one is, the claim in the row keeps the two apart."""
    await jobs.settle(tenant_id)
    for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
        async with staff_session() as session:
            row = await queries.one(session, tenant_id)
        if row.next_attempt_at is None or row.last_error:
            break
        await asyncio.sleep(POLL_SECONDS)
    return _shown(row)


def _shown(row: TenantRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state.value,
        "account_sid": row.account_sid,
        "twilio": row.twilio_status,
        "channels": [{"kind": badge.kind.value, "state": badge.state.value} for badge in row.channels],
        "last_webhook_at": row.last_webhook_at,
        "in_24h": row.in_24h,
        "out_24h": row.out_24h,
        "in_30d": row.in_30d,
        "out_30d": row.out_30d,
        "refusals_24h": row.refusals_24h,
        "failures_24h": row.failures_24h,
        "problem": row.last_error,
    }


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """What fits on a line of a terminal."""
    last = row["last_webhook_at"]
    return {
        "name": row["name"],
        "state": row["state"],
        "channels": len(row["channels"]),
        "last webhook": f"{last:%d %b %H:%M}" if last else "never",
        "in/out 24 h": f"{row['in_24h']} / {row['out_24h']}",
        "refused": row["refusals_24h"],
        "failed": row["failures_24h"],
        "problem": row["problem"],
    }
