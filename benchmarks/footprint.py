"""What the portal takes up, for the sizing table of docs/operations.md.

    python -m benchmarks.footprint [--quick] [--json FILE]

Bytes that a stored message takes in PostgreSQL with everything that comes with it; memory of a web process without
visitors, and of each open inbox; processor time of the web process when an open inbox is brought up to date. The tabs
are websocket clients that answer as the portal's pages do.
"""

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import socketio

from benchmarks import load, world
from benchmarks.live_update import PASSWORD, READER, _add_reader, _tenant_of, deliver
from tenant_portal import database_setup
from tenant_portal.embedded_postgres import EmbeddedServer

NAMESPACE = "/_event"
PAGE = {"pathname": "/inbox"}
HYDRATE = "reflex___state____state.hydrate"
LEADS = 40
SIZE = "select pg_total_relation_size(oid) from pg_class where relname = any(%s) and relkind = 'r'"
TABLES = ["message", "conversation", "lead", "tenant_hour"]
TABS_PER_SESSION = 25
"""The portal allows one browser session 30."""
STILL_SECONDS = 0.5


@dataclass
class Tab:
    """One open inbox; counts what it is sent."""

    client: socketio.AsyncClient
    updates: int = 0

    async def take(self, update: dict[str, Any]) -> None:
        """An update has come: ask what it tells the page to ask."""
        self.updates += 1
        for event in update.get("events") or []:
            if not event["name"].startswith("_"):
                await self.send(event["name"], event.get("payload"))

    async def send(self, name: str, payload: Any = None) -> None:
        """One event, as the page's script sends it."""
        await self.client.emit("event", {"name": name, "payload": payload or {}, "router_data": PAGE}, NAMESPACE)


@asynccontextmanager
async def open_tab(origin: str, cookie: str) -> AsyncIterator[Tab]:
    """A tab with the inbox loaded."""
    client = socketio.AsyncClient(reconnection=False)
    tab = Tab(client)
    client.on("event", tab.take, namespace=NAMESPACE)
    headers = {"Origin": origin, "Cookie": f"portal_session={cookie}"}
    url = f"{origin}{NAMESPACE}?token={uuid4()}"
    await client.connect(
        url, headers, transports=["websocket"], namespaces=[NAMESPACE], socketio_path=NAMESPACE, wait_timeout=20
    )
    await tab.send(HYDRATE)
    try:
        yield tab
    finally:
        with contextlib.suppress(Exception):
            await client.disconnect()


async def still(tabs: list[Tab]) -> None:
    """Return once no tab has been sent anything for a while."""
    before = -1
    while before != (now := sum(tab.updates for tab in tabs)):
        before = now
        await asyncio.sleep(STILL_SECONDS)


async def of_tabs(
    origin: str, process: psutil.Process, sender: load.Sender, count: int, pokes: int
) -> dict[str, float]:
    """Memory of a tab, and processor time of bringing one up to date."""
    with httpx.Client(base_url=origin, headers={"Origin": origin}, trust_env=False) as http:
        cookies = [await asyncio.to_thread(sign_in, http) for _ in range(0, count + 1, TABS_PER_SESSION)]
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(open_tab(origin, cookies[0]))
            await still([first])
            empty = process.memory_info().rss
            visits = [open_tab(origin, cookies[number // TABS_PER_SESSION]) for number in range(count)]
            tabs = [await stack.enter_async_context(visit) for visit in visits]
            await still(tabs)
            held = process.memory_info().rss - empty
            begun, updates = sum(process.cpu_times()[:2]), sum(tab.updates for tab in tabs)
            for number in range(pokes):
                await asyncio.to_thread(deliver, http, origin, sender, f"Message {number}")
                await still(tabs)
            cpu = sum(process.cpu_times()[:2]) - begun
            if sum(tab.updates for tab in tabs) - updates < 2 * count * pokes:
                raise SystemExit("The tabs were not brought up to date.")
    return {"KB per open inbox": held / count / 1024, "web CPU ms per refresh": cpu * 1000 / count / pokes}


def sign_in(http: httpx.Client) -> str:
    """The cookie of a new session."""
    return http.post("/auth/login", data={"email": READER, "password": PASSWORD}).cookies["portal_session"]


def of_messages(admin: str, port: int, senders: list[load.Sender], origin: str, count: int) -> dict[str, float]:
    """Bytes in PostgreSQL for one message, its part of lead, thread, counters and indexes included."""
    before, stored = _size(admin), world.messages(admin)
    messages = list(load.requests(senders, origin, count, LEADS))
    load.send_all(port, messages)
    return {"bytes per message": (_size(admin) - before) / (world.messages(admin) - stored)}


def _size(admin: str) -> int:
    with psycopg.connect(admin) as connection:
        return sum(row[0] for row in connection.execute(SIZE, (TABLES,)))


def measure(folder: Path, messages: int, tabs: int, pokes: int) -> dict[str, float]:
    """Every figure, on a portal of its own."""
    with EmbeddedServer(folder / "server") as server:
        admin = database_setup.create_database(server.admin_url)
        login, senders = world.fill(admin, 20)
        asyncio.run(_add_reader(login, _tenant_of(admin, senders[0])))
        port = world.free_port()
        origin = f"http://127.0.0.1:{port}"
        env = {
            "PORTAL_DATABASE_APP_URL": login,
            "PORTAL_DATA_DIR": str(folder),
            "PORTAL_PUBLIC_URL": origin,
            "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "false",
        }
        command = [*world.uvicorn("tenant_portal.asgi:create", port), "--factory"]
        with world.serving(command, port, env) as pid:
            process = psutil.Process(pid)
            time.sleep(STILL_SECONDS)
            figures = {"MB of a web process": process.memory_info().rss / 1024**2}
            figures |= of_messages(admin, port, list(senders), origin, messages)
            return figures | asyncio.run(of_tabs(origin, process, senders[0], tabs, pokes))


def main() -> None:
    """Measure, print, and write JSON where it was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="check the harness only")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    plan = (200, 5, 2) if options.quick else (2_000, 25, 4)
    with tempfile.TemporaryDirectory(prefix="footprint-") as name:
        # Before the settings are read: what is sealed here is opened by the web process.
        os.environ["PORTAL_DATA_DIR"] = name
        figures = {what: round(value, 2) for what, value in measure(Path(name), *plan).items()}
    for what, value in figures.items():
        print(f"{what:<28}{value:>12,.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
