"""The whole portal as `make run` starts it, with its sample clients, and people in front of real browsers."""

import asyncio
import json
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tenant_portal.simulator.handset import Handset
from tests.running_portal import RunningPortal, eventually

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
ONLINE_SECONDS = 60
# Deliveries and voicemails take their time in life.
SPEED = 50.0
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 375, "height": 812}
Result = TypeVar("Result")
# The suite's other processes use the same two cores.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No journey without a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium on PATH (on Debian: apt-get install chromium)"))


@dataclass(frozen=True)
class Stage:
    """The running portal, its simulated Twilio, and the numbers of its sample clients."""

    portal: RunningPortal
    numbers: dict[str, str]

    @property
    def address(self) -> str:
        """Where people open it."""
        return self.portal.address

    def password_of(self, email: str) -> str:
        """Of a sample sign-in."""
        made = json.loads((self.portal.data_dir / "sample_sign_ins.json").read_text())
        return str(next(one["password"] for one in made if one["email"] == email))

    def phones(self, use: Callable[[Handset], Awaitable[Result]]) -> Result:
        """Do something with the handset; in a thread, since Playwright has its loop in this one."""
        parent = json.loads((self.portal.data_dir / "simulated_twilio" / "parent_account.json").read_text())
        origin = f"http://127.0.0.1:{self.portal.port + 1}"

        async def with_handset() -> Result:
            async with Handset(origin, parent["sid"], parent["auth_token"]) as handset:
                return await use(handset)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(with_handset())).result()

    def write(self, lead: str, client: str, body: str = "", **more: Any) -> None:
        """A lead writes to a client's number, and the portal takes it."""
        assert self.phones(lambda phones: phones.write(lead, self.numbers[client], body, **more)).accepted


@dataclass
class Person:
    """Somebody in front of a browser of their own; `faults` is what the browser has complained about."""

    stage: Stage
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def open(self, path: str, *, size: Any = None) -> Page:
        """Go to a page and wait until it shows its data."""
        self.page.set_viewport_size(size or WIDE)
        self.page.goto(self.stage.address + path)
        expect(self.page.locator("main h1").first).to_be_attached()
        expect(self.page.locator(".skeleton")).to_have_count(0)
        return self.page

    def open_thread(self, lead: str) -> Page:
        """Open the conversation with this number from the list."""
        page = self.open("/inbox")
        page.click(f".thread-link:has-text('{shown(lead)}')")
        page.wait_for_selector(".thread-head")
        return page


def shown(lead: str) -> str:
    """`+14155550123` as a page shows it."""
    return re.sub(r"\+1(\d{3})(\d{3})(\d{4})", r"+1 \1-\2-\3", lead)


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A first start, with all sample channels online."""
    # Long enough to press Undo, short enough to wait for.
    data_dir = tmp_path_factory.mktemp("journeys") / "data"
    portal = RunningPortal(data_dir, PORTAL_UNDO_SEND_SECONDS="1").wait_until_ready()
    stage = Stage(portal, {})
    try:
        stage.phones(lambda phones: phones.set_speed(SPEED))
        assert eventually(lambda: _find_numbers(stage), ONLINE_SECONDS), portal.output
        yield stage
    finally:
        portal.stop()


def _find_numbers(stage: Stage) -> bool:
    lines = stage.phones(lambda phones: phones.lines())
    ready = [line for line in lines if line.sms and line.voice]
    for line in ready:
        stage.numbers[line.account_name.split()[0].lower()] = line.phone_number
    return len(ready) >= 2


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Ends with the journeys: while Playwright is open, no other test of this process can have a loop."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def people(stage: Stage, browser: Browser) -> Callable[[str], Person]:
    """Signed-in people, each with one tab for all journeys: a new one would compile the portal's scripts once more."""
    seated: dict[str, Person] = {}

    def of(email: str) -> Person:
        if email not in seated:
            seated[email] = _sits_down(stage, browser, email)
        return seated[email]

    return of


def _sits_down(stage: Stage, browser: Browser, email: str) -> Person:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(f"{stage.address}/login")
    page.fill("#email", email)
    page.fill("#password", stage.password_of(email))
    page.click("button[type=submit]")
    page.wait_for_selector("main h1")
    person = Person(stage, context, page)

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            person.faults.append(message.text)

    def see(request: Request) -> None:
        if not request.url.startswith((stage.address, "data:", "blob:")):
            person.faults.append(f"asked {request.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: person.faults.append(str(error)))
    page.on("request", see)
    return person


@contextmanager
def _on_stage(person: Person) -> Iterator[Person]:
    """With an empty tab before and after: an open page would go on, and read the messages of the next journey."""
    person.page.emulate_media(color_scheme="null")
    person.faults.clear()
    try:
        yield person
        assert person.faults == []
    finally:
        # Of the same origin, so that the browser goes on in the same process.
        person.page.goto(f"{person.stage.address}/healthz")
        person.page.evaluate("sessionStorage.clear()")


@pytest.fixture
def alice(people: Callable[[str], Person]) -> Iterator[Person]:
    """The owner of Acme Plumbing."""
    with _on_stage(people("alice@acme.example")) as person:
        yield person


@pytest.fixture
def charlie(people: Callable[[str], Person]) -> Iterator[Person]:
    """The owner of Globex Dental."""
    with _on_stage(people("charlie@globex.example")) as person:
        yield person


@pytest.fixture
def sam(people: Callable[[str], Person]) -> Iterator[Person]:
    """Of the agency's staff."""
    with _on_stage(people("sam@agency.example")) as person:
        yield person


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """What axe-core finds wrong with a page: rule and first element of each violation."""
    engine = Axe()

    def violations(page: Page) -> list[str]:
        found = engine.run(page).response["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]

    return violations


@pytest.fixture(scope="session")
def flaws(axe: Callable[[Page], list[str]]) -> Callable[..., list[str]]:
    """What is wrong with a person's page, light and dark, wide and on a phone: axe's findings, and too wide.

    `ready` is what the page shows when it is there. One load serves both sizes; a change of colours would need time.
    """

    def seen(person: Person, path: str, ready: str = "main h1") -> list[str]:
        found = []
        for scheme in ("light", "dark"):
            person.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page = person.open(path)
            page.wait_for_selector(ready)
            for size in (WIDE, PHONE):
                page.set_viewport_size(size)  # type: ignore[arg-type]
                found += [f"{scheme}, {size['width']} px: {flaw}" for flaw in axe(page)]
                if (width := page.evaluate("document.documentElement.scrollWidth")) > size["width"]:
                    found.append(f"{scheme}, {size['width']} px: {width} px wide")
        return found

    return seen
