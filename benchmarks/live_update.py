"""From the webhook to the screen: how long a message takes until it stands in a client's open inbox.

    python -m benchmarks.live_update [--quick] [--json FILE]

A signed webhook goes to the web process (one, as in production, with a durable PostgreSQL of its own); Chromium has the
client's inbox open and notes when the words are in the page. The clock starts before the request is sent. `list` is the
line in the list of threads, `thread` the bubble in the open thread; `idle` sends one message at a time, `busy` while
other clients get twenty messages a second.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import httpx
import psycopg
from playwright.sync_api import Page, sync_playwright

from benchmarks import load, runner, world
from benchmarks.load import Sender
from tenant_portal import database_setup, db, frontend_build
from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.identity.service import create_user
from tenant_portal.models.enums import Role
from tenant_portal.twilio_gateway.signatures import sign

PATH = "/api/webhooks/sms"
READER, PASSWORD = "reader@client.example", secrets.token_urlsafe(16)
LEAD = "+14155550123"
OTHERS_PER_SECOND = 20
ARRIVAL_SECONDS = 10
COLUMNS = ("median ms", "p95 ms", "slowest ms")
# Notes once for each mark when its words first stand in the page, in milliseconds of the machine's clock.
WATCH = """
() => {
  window.seen = {};
  const note = (place, node) => {
    const mark = /mark-[0-9a-f]{12}/.exec(node ? node.textContent : "");
    if (mark && !(place + mark[0] in window.seen))
      window.seen[place + mark[0]] = performance.timeOrigin + performance.now();
  };
  new MutationObserver(() => {
    note("list", document.querySelector(".thread-link"));
    const bubbles = document.querySelectorAll(".bubble-text");
    note("thread", bubbles[bubbles.length - 1]);
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """The running portal, its clients, and the page of the first one."""

    origin: str
    senders: Sequence[Sender]
    http: httpx.Client
    page: Page

    def measure(self, place: str, samples: int) -> list[float]:
        """Milliseconds from before the request until the page shows it, for each of so many messages."""
        return [self._one(place) for _ in range(samples)]

    def _one(self, place: str) -> float:
        mark = f"mark-{secrets.token_hex(6)}"
        started = time.time() * 1000
        deliver(self.http, self.origin, self.senders[0], f"{mark} Hello, is the flat still free?")
        seen = seen_at(self.page, place, mark)
        pause()
        return seen - started


def seen_at(page: Page, place: str, mark: str) -> float:
    """When the words with this mark first stood in the page, in milliseconds of the machine's clock; it ran WATCH."""
    end = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < end:
        if seen := page.evaluate("(mark) => window.seen[mark] || 0", place + mark):
            return float(seen)
        time.sleep(0.01)
    raise SystemExit(f"A message did not appear in the {place} within {ARRIVAL_SECONDS} s.")


def pause() -> None:
    """Of uneven length: the next message must not fall into step with any timer."""
    time.sleep(0.15 + secrets.randbelow(150) / 1000)


def deliver(http: httpx.Client, origin: str, sender: Sender, body: str, lead: str = LEAD) -> None:
    """One signed message; SystemExit unless the portal takes it."""
    sid = f"SM{secrets.token_hex(16)}"
    form = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("AccountSid", sender.account_sid),
        ("From", lead),
        ("To", sender.number),
        ("Body", body),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("ApiVersion", "2010-04-01"),
    ]
    url = f"{origin}{PATH}?account={sender.account_sid}"
    headers = {"Content-Type": load.FORM, "X-Twilio-Signature": sign(url, form, sender.auth_token)}
    if not http.post(url, content=urlencode(form), headers=headers).is_success:
        raise SystemExit("The portal did not take a message.")


@contextmanager
def bench(folder: Path, clients: int) -> Iterator[Bench]:
    """Everything started, one thread open in Chromium."""
    frontend_build.ensure()
    with EmbeddedServer(folder / "server") as server:
        admin = database_setup.create_database(server.admin_url)
        login, senders = world.fill(admin, clients)
        asyncio.run(_add_reader(login, _tenant_of(admin, senders[0])))
        port = world.free_port()
        origin = f"http://127.0.0.1:{port}"
        env = {"PORTAL_DATABASE_APP_URL": login, "PORTAL_DATA_DIR": str(folder), "PORTAL_PUBLIC_URL": origin}
        command = [*world.uvicorn("tenant_portal.asgi:create", port), "--factory"]
        with world.serving(command, port, env), httpx.Client(trust_env=False) as http, inbox(origin) as page:
            deliver(http, origin, senders[0], "The first message")
            page.locator(".thread-link").first.click()
            page.wait_for_selector(".bubble-text")
            page.evaluate(WATCH)
            yield Bench(origin, senders, http, page)


@contextmanager
def inbox(origin: str, email: str = READER, password: str = PASSWORD) -> Iterator[Page]:
    """Chromium with this person's inbox open."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("Chromium is needed on PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{origin}/login?next=/inbox")
        page.fill("#email", email)
        page.fill("#password", password)
        page.click("button[type=submit]")
        page.goto(f"{origin}/inbox")
        page.wait_for_selector("main h1", state="attached")
        yield page
        browser.close()


def _tenant_of(admin_url: str, sender: Sender) -> UUID:
    with psycopg.connect(admin_url) as connection:
        found = connection.execute("select tenant_id from subaccount where account_sid = %s", (sender.account_sid,))
        return UUID(str(found.fetchone()[0]))  # type: ignore[index]


async def _add_reader(login: str, tenant_id: UUID) -> None:
    db.use_database(login)
    async with db.identity_session() as session:
        await create_user(session, email=READER, name="Reader", role=Role.OWNER, password=PASSWORD, tenant_id=tenant_id)
    await db.close()


@contextmanager
def others(bench: Bench) -> Iterator[None]:
    """Twenty messages a second to the other clients, for the length of the block."""
    stop = threading.Event()

    def run() -> None:
        with httpx.Client(trust_env=False) as http:
            number = 0
            while not stop.wait(1 / OTHERS_PER_SECOND):
                number += 1
                sender = bench.senders[1 + number % (len(bench.senders) - 1)]
                deliver(http, bench.origin, sender, f"Message {number}", f"+1415556{number % 50:04d}")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def figures(samples: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and the worst, in milliseconds."""
    ordered = sorted(samples)
    return {
        "median ms": statistics.median(ordered),
        "p95 ms": ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))],
        "slowest ms": ordered[-1],
    }


def benchmark(samples: int) -> dict[str, object]:
    """Figures of each case, and every sample."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="portal-benchmark-") as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        with bench(Path(folder), clients=6) as running:
            running.measure("list", 3)
            for place in ("list", "thread"):
                found[f"{place}, idle"] = running.measure(place, samples)
            with others(running):
                for place in ("list", "thread"):
                    found[f"{place}, busy"] = running.measure(place, samples)
    middle = {name: figures(values) for name, values in found.items()}
    print(runner.table(middle, COLUMNS), file=sys.stderr)
    return {"samples": samples, "webhook to page": middle, "all": found}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="ten messages each instead of a hundred")
    parser.add_argument("--json", type=Path, help="write every figure here")
    chosen = parser.parse_args()
    runner.give(benchmark(10 if chosen.quick else 100), chosen.json)


if __name__ == "__main__":
    main()
