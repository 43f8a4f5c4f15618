"""Staff play two leads in one browser, clients answer them in theirs, and the two-tenant check runs beside."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import PHONE, Person

CHECK, HANDSET = "/staff/simulator", "/staff/simulator/handset"
# A voicemail is spoken, recorded and fetched; the check tries hundreds of ways.
SLOW, CHECK_MILLISECONDS = 30_000, 180_000


def phone(page: Page, client: str) -> Locator:
    """The phone that faces this client."""
    return page.locator(".phone-column", has=page.locator(".phone-client", has_text=client))


def write(on: Locator, words: str) -> None:
    on.get_by_role("textbox", name="Message", exact=True).fill(words)
    on.get_by_role("textbox", name="Message", exact=True).press("Enter")
    expect(on.locator(".phone-mine", has_text=words)).to_be_visible()


def app(on: Locator, name: str) -> Locator:
    return on.get_by_role("group", name="Channel").get_by_role("button", name=name)


def open_thread(person: Person, words: str) -> Page:
    page = person.open("/inbox")
    page.click(f".thread-link:has-text('{words}')")
    page.wait_for_selector(".thread-head")
    return page


def test_both_phones_reach_their_client_by_text_and_alice_answers(sam: Person, alice: Person, charlie: Person) -> None:
    page = sam.open(HANDSET)
    left, right = phone(page, "Acme Plumbing"), phone(page, "Globex Dental")
    write(left, "Do you mend boilers?")
    write(right, "Do you whiten teeth?")
    expect(charlie.open("/inbox").locator("main")).to_contain_text("Do you whiten teeth?")
    expect(charlie.page.locator("main")).not_to_contain_text("boilers")
    thread = open_thread(alice, "Do you mend boilers?")
    expect(thread.locator("main")).not_to_contain_text("teeth")
    thread.fill("#composer-body", "Every day.")
    thread.press("#composer-body", "Enter")
    expect(left.locator(".phone-theirs", has_text="Every day.")).to_be_visible(timeout=SLOW)
    expect(right.locator(".phone-theirs")).to_have_count(0)


def test_whatsapp_carries_a_picture_and_a_place(sam: Person, alice: Person) -> None:
    left = phone(sam.open(HANDSET), "Acme Plumbing")
    app(left, "WhatsApp").click()
    write(left, "On WhatsApp now")
    left.get_by_role("button", name="Send a picture").click()
    left.get_by_role("button", name="Share a location").click()
    expect(left.locator(".phone-place")).to_contain_text("City Hall")
    expect(left.locator(".phone-picture")).to_have_js_property("complete", True)
    thread = open_thread(alice, "Maria Lopez")
    expect(thread.locator(".log")).to_contain_text("City Hall", timeout=SLOW)
    expect(thread.locator(".log .picture").first).to_be_visible(timeout=SLOW)


def test_a_call_leaves_a_voicemail_with_the_right_client(sam: Person, charlie: Person) -> None:
    right = phone(sam.open(HANDSET), "Globex Dental")
    app(right, "Call").click()
    right.get_by_role("button", name="Call and leave a voicemail").click()
    expect(right.locator(".phone-ring")).to_contain_text("You have reached Globex Dental", timeout=SLOW)
    expect(right.locator(".phone-ring")).to_contain_text("Call ended", timeout=SLOW)
    expect(open_thread(charlie, "Ben Carter").locator(".transcript")).to_contain_text("new kitchens", timeout=SLOW)


def test_the_other_channel_shows_that_there_is_news(sam: Person, alice: Person) -> None:
    left = phone(sam.open(HANDSET), "Acme Plumbing")
    write(left, "Do you mend taps?")
    app(left, "Call").click()
    thread = open_thread(alice, "Do you mend taps?")
    thread.fill("#composer-body", "Call me back, please.")
    thread.press("#composer-body", "Enter")
    expect(left.locator(".phone-dock .phone-dot")).to_be_visible(timeout=SLOW)


def test_on_a_small_screen_one_phone_is_shown_at_a_time(sam: Person) -> None:
    page = sam.open(HANDSET, size=PHONE)
    expect(phone(page, "Acme Plumbing")).to_be_visible()
    expect(phone(page, "Globex Dental")).to_be_hidden()
    page.get_by_role("group", name="Which phone").get_by_role("button", name="Ben Carter").click()
    expect(phone(page, "Globex Dental")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_check_goes_on_while_its_page_is_closed_and_can_be_stopped(sam: Person) -> None:
    page = sam.open(CHECK)
    page.get_by_role("button", name="Run the check").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("link", name="Handset").click()
    expect(page.locator(".phone").first).to_be_visible()
    sam.open(CHECK)
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop the check").click()
    verdict = page.get_by_role("region", name="Outcome of the latest check")
    expect(verdict).to_contain_text("The check did not finish", timeout=CHECK_MILLISECONDS)


@pytest.mark.parametrize("path", [CHECK, HANDSET])
def test_everybody_can_use_these_pages(sam: Person, flaws: Callable[..., list[str]], path: str) -> None:
    assert flaws(sam, path) == []
