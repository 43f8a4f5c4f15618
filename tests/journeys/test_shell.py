"""The frame around every page: signing in and out, appearance, keyboard, lost connections."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.conftest import WIDE, Person, Stage

ALICE = "alice@acme.example"
# A browser that goes offline keeps the websockets it has, so the test closes them itself.
REMEMBER_SOCKETS = """
window.opened = [];
window.WebSocket = class extends window.WebSocket {
  constructor(...given) { super(...given); window.opened.push(this); }
};
"""


@pytest.fixture
def fresh(stage: Stage, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes a page in a browser that nobody has used."""
    opened = []

    def make(**options: Any) -> Page:
        opened.append(browser.new_context(viewport=WIDE, **options))
        return opened[-1].new_page()

    yield make
    for context in opened:
        context.close()


def sign_in(stage: Stage, page: Page, path: str = "/settings") -> Page:
    """Type address and password, as a person does, and arrive at `path`."""
    page.goto(stage.address + path)
    page.fill("#email", ALICE)
    page.fill("#password", stage.password_of(ALICE))
    page.keyboard.press("Enter")
    page.wait_for_selector("main h1:has-text('Settings')" if path == "/settings" else "main h1")
    page.wait_for_selector(".side .person-name:has-text('Alice')")
    return page


def test_signing_in_works_without_javascript(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = fresh(java_script_enabled=False)
    page.goto(stage.address)
    page.fill("#email", ALICE)
    page.fill("#password", stage.password_of(ALICE))
    page.click("button[type=submit]")
    assert page.url.rstrip("/") == stage.address


def test_a_wrong_password_says_so_and_keeps_the_address(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = fresh()
    page.goto(f"{stage.address}/login")
    page.fill("#email", "nobody@acme.example")
    page.fill("#password", "not it")
    page.keyboard.press("Enter")
    assert "too many tries" in page.inner_text("[role=alert]")
    assert page.input_value("#email") == "nobody@acme.example"


def test_no_script_of_the_page_can_read_the_cookie(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = sign_in(stage, fresh())
    assert "portal_session" not in page.evaluate("document.cookie")
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "portal_session"]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")


def test_signing_out_in_one_tab_ends_the_other_by_itself(stage: Stage, fresh: Callable[..., Page]) -> None:
    first = sign_in(stage, fresh())
    second = first.context.new_page()
    second.goto(f"{stage.address}/leads")
    second.wait_for_selector("main h1:has-text('Leads')")
    second.wait_for_selector(".side .person-name:has-text('Alice')")
    first.click("#sign-out-side")
    first.wait_for_selector("h1:has-text('Sign in')")
    second.wait_for_selector("h1:has-text('Sign in')", timeout=5000)


def test_nothing_of_the_last_person_is_left_for_the_next_one(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = sign_in(stage, fresh())
    token = page.evaluate("sessionStorage.getItem('token')")
    page.click("#sign-out-side")
    page.wait_for_selector("h1:has-text('Sign in')")
    assert token
    # React Router writes scroll positions as the page goes, which tell nothing of the session.
    assert page.evaluate("Object.keys(sessionStorage).filter(key => !key.includes(`scroll`))") == []
    page.go_back()
    page.wait_for_selector("h1:has-text('Sign in')")


def test_the_chosen_appearance_outlives_a_sign_out(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = sign_in(stage, fresh(color_scheme="light"))
    page.click(".side [aria-label='Dark appearance']")
    page.wait_for_selector("html.dark")
    page.click("#sign-out-side")
    page.wait_for_selector("html[data-theme=dark]")
    sign_in(stage, page)
    page.wait_for_selector("html.dark")


def test_the_appearance_follows_the_device_at_first(stage: Stage, fresh: Callable[..., Page]) -> None:
    sign_in(stage, fresh(color_scheme="dark")).wait_for_selector("html.dark")


def test_the_first_key_leads_past_the_navigation(alice: Person) -> None:
    page = alice.open("/settings")
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_navigation_can_be_walked_with_the_keyboard(alice: Person) -> None:
    page = alice.open("/settings")
    labels = []
    page.focus(".skip-link")
    for _ in range(8):
        page.keyboard.press("Tab")
        labels.append(page.inner_text(":focus").strip().partition("\n")[0])
    assert [label for label in labels if label in {"Home", "Inbox", "Leads", "Channels", "Settings"}] == [
        "Home",
        "Inbox",
        "Leads",
        "Channels",
        "Settings",
    ]


def test_the_frame_does_not_jump_while_a_page_loads(alice: Person) -> None:
    page = alice.open("/settings")
    page.evaluate(
        """() => { window.shift = 0; new PerformanceObserver((list) => {
             for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
           }).observe({ type: 'layout-shift', buffered: true }); }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.shift") < 0.1


def test_a_lost_connection_is_told_in_plain_words_and_heals(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = fresh()
    page.add_init_script(REMEMBER_SOCKETS)
    sign_in(stage, page)
    page.context.set_offline(True)
    page.evaluate("window.opened.forEach((socket) => socket.close())")
    page.wait_for_selector("text=The connection to the portal is lost", timeout=20_000)
    page.context.set_offline(False)
    page.wait_for_selector("text=The connection to the portal is lost", state="detached", timeout=30_000)


def test_an_unknown_address_leads_back(alice: Person) -> None:
    page = alice.page
    page.goto(f"{alice.stage.address}/no-such-page")
    page.wait_for_selector("text=There is nothing at this address")
    alice.faults.clear()
    page.click("text=Go to the start page")
    page.wait_for_selector("main h1:has-text('Home')")


def test_a_tab_that_kept_the_token_of_an_old_session_finds_its_way(stage: Stage, fresh: Callable[..., Page]) -> None:
    page = sign_in(stage, fresh())
    old = page.evaluate("sessionStorage.getItem('token')")
    page.click("#sign-out-side")
    sign_in(stage, page)
    # As in a browser that does not know Clear-Site-Data; the tab leads itself out and in again.
    page.evaluate("token => sessionStorage.setItem('token', token)", old)
    page.goto(f"{stage.address}/leads")
    page.wait_for_selector("main h1:has-text('Home')", timeout=10_000)
    page.wait_for_selector(".side .person-name:has-text('Alice')")
