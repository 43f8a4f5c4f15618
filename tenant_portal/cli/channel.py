"""`channel`: a client's connections to SMS, WhatsApp and voicemail."""

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID

import typer

from tenant_portal.channels import jobs, numbers, queries, round_trip, rules, service
from tenant_portal.channels.queries import ChannelRow
from tenant_portal.cli import runtime
from tenant_portal.cli.runtime import AsJson
from tenant_portal.db import staff_session, tenant_session
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.models.enums import ChannelKind, ChannelState
from tenant_portal.tenants.queries import find, tenant_name

POLL_SECONDS = 0.5
TEST_SECONDS = 60
SETTLED = frozenset({ChannelState.ACTIVE, ChannelState.FAILED, ChannelState.DISCONNECTED})

app = typer.Typer(help="A client's channels.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(help="Name or id of the client.")]
Which = Annotated[UUID, typer.Argument(help="Id of the channel, see `channel list`.")]
Kinds = Annotated[list[ChannelKind], typer.Option("--kind", help="Repeat it for several channels on one number.")]


@app.command()
def search(
    client: Who,
    country: str = "US",
    area_code: str = "",
    digits: str = "",
    number_type: str = "local",
    as_json: AsJson = False,
) -> None:
    """Numbers on sale, with their monthly price."""
    wanted = numbers.Search(country=country, number_type=number_type, area_code=area_code, digits=digits)
    runtime.show(runtime.run(lambda: _search(client, wanted)), as_json=as_json, title="On sale")


@app.command()
def connect(
    client: Who,
    number: Annotated[str, typer.Argument(help="A number on sale or already the client's, such as +14155550100.")],
    kind: Kinds,
    display_name: Annotated[str, typer.Option(help="Business name for WhatsApp.")] = "",
    wait: Annotated[int, typer.Option(help="Seconds to wait until it is connected.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Buy a number if the client does not own it, and connect channels on it."""
    rows = runtime.run(lambda: _connect(client, number, frozenset(kind), display_name, wait))
    runtime.show(rows if as_json else [_brief(row) for row in rows], as_json=as_json)
    _exit_unless(all(row["state"] != ChannelState.FAILED.value for row in rows))


@app.command("list")
def list_(client: Who, as_json: AsJson = False) -> None:
    """The client's channels."""
    rows = runtime.run(lambda: _list(client))
    runtime.show(rows if as_json else [_brief(row) for row in rows], as_json=as_json, title="Channels")


@app.command("test")
def try_out(client: Who, channel: Which, as_json: AsJson = False) -> None:
    """Prove that a channel works; exit 1 if it does not."""
    report = runtime.run(lambda: _test(client, channel))
    runtime.show_one(report, as_json=as_json)
    _exit_unless(report["ok"])


@app.command()
def disconnect(
    client: Who,
    channel: Which,
    release_number: Annotated[bool, typer.Option(help="Give the number back; it is lost.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a channel down; messages and leads stay."""
    if not yes:
        lost = " The number is given back and cannot be had again." if release_number else ""
        typer.confirm(f"Nothing more will arrive on this channel.{lost} Disconnect it?", abort=True)
    runtime.show_one(runtime.run(lambda: _disconnect(client, channel, release_number)), as_json=as_json)


async def _tenant(client: str) -> UUID:
    async with staff_session() as session:
        return await find(session, client)


async def _search(client: str, wanted: numbers.Search) -> list[dict[str, Any]]:
    actor = service.operator(await _tenant(client))
    return [
        {"number": one.phone_number, "place": one.place, "sms": one.sms, "voice": one.voice, "monthly_price": one.price}
        for one in await numbers.on_sale(actor, wanted)
    ]


async def _connect(
    client: str, number: str, kinds: frozenset[ChannelKind], display_name: str, wait: int
) -> list[dict[str, Any]]:
    actor = service.operator(await _tenant(client))
    found = await _number(actor, rules.e164(number))
    async with tenant_session(actor.tenant_id) as session:
        wish = service.Wish(
            kinds=kinds,
            phone_number=found.phone_number,
            country=found.country,
            number_sid=found.number_sid or None,
            sms=found.sms,
            voice=found.voice,
            monthly_price=found.price,
            display_name=display_name or await tenant_name(session, actor.tenant_id),
        )
        ids = await service.connect(session, actor, wish)
    return [_shown(row) for row in await _settled(actor.tenant_id, ids, wait)]


async def _number(actor: rules.Actor, phone_number: str) -> numbers.Number:
    mine = [one for one in await numbers.owned(actor) if one.phone_number == phone_number]
    return mine[0] if mine else await _on_sale(actor, phone_number)


async def _on_sale(actor: rules.Actor, phone_number: str) -> numbers.Number:
    country = rules.country_of(phone_number)
    digits = phone_number.lstrip("+")
    for number_type in ("local", "mobile", "toll free"):
        wanted = numbers.Search(country=country, number_type=number_type, digits=digits)
        for one in await numbers.on_sale(actor, wanted):
            if one.phone_number == phone_number and not one.obstacle:
                return one
    raise BadInput(f"{phone_number} is not on sale and not the client's. See `channel search`.")


async def _settled(tenant_id: UUID, ids: list[UUID], wait: float) -> list[ChannelRow]:
    """Do the steps here, since no worker may be running; if one is, the claim in the row keeps the two apart."""
    end = time.monotonic() + wait
    while True:
        await jobs.drain(tenant_id)
        async with tenant_session(tenant_id) as session:
            rows = [await queries.channel(session, tenant_id, channel_id) for channel_id in ids]
        if all(row.state in SETTLED or row.last_error for row in rows) or time.monotonic() > end:
            return rows
        await asyncio.sleep(POLL_SECONDS)


async def _list(client: str) -> list[dict[str, Any]]:
    tenant_id = await _tenant(client)
    async with tenant_session(tenant_id) as session:
        return [_shown(row) for row in await queries.channels(session, tenant_id)]


async def _test(client: str, channel_id: UUID) -> dict[str, Any]:
    tenant_id = await _tenant(client)
    async with tenant_session(tenant_id) as session:
        await service.start_test(session, service.operator(tenant_id), channel_id)
    await round_trip.run_tests(tenant_id)
    end = time.monotonic() + TEST_SECONDS
    while time.monotonic() < end:
        async with tenant_session(tenant_id) as session:
            row = await queries.channel(session, tenant_id, channel_id)
        if row.test_report:
            return {"channel": channel_id, "kind": row.kind.value, "number": row.phone_number, **row.test_report}
        await asyncio.sleep(POLL_SECONDS)
    raise NotFound("The test did not finish.")


async def _disconnect(client: str, channel_id: UUID, release_number: bool) -> dict[str, Any]:
    tenant_id = await _tenant(client)
    async with tenant_session(tenant_id) as session:
        await service.disconnect(session, service.operator(tenant_id), channel_id, release_number=release_number)
    await jobs.drain(tenant_id)
    async with tenant_session(tenant_id) as session:
        return _shown(await queries.channel(session, tenant_id, channel_id))


def _shown(row: ChannelRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind.value,
        "number": row.phone_number,
        "state": row.state.value,
        "sender": row.sender_status,
        "monthly_price": row.monthly_price,
        "last_webhook_at": row.last_webhook_at,
        "problem": row.last_error,
    }


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """What fits on a line of a terminal; the id whole, since the other commands ask for it."""
    return {name: row[name] for name in ("id", "kind", "number", "state", "problem")}


def _exit_unless(fine: bool) -> None:
    if not fine:
        raise typer.Exit(1)
