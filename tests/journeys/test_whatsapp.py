"""A template from its first word to the tap of the person who got it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import PHONE, Person
from tests.running_portal import eventually

LEAD = "+14155550163"


def write_template(page: Page) -> None:
    """Fill in the form of a new template."""
    page.click("button:has-text('New template')")
    page.fill("#name", "visit_ready")
    page.select_option("#kind", "quick-reply")
    page.fill("#body", "Hello {{1}}, your kitchen is ready. May we come by?")
    page.fill("[name=sample_1]", "Ada")
    page.select_option("[name=fill_1]", "first_name")
    page.fill("#reply_1", "Yes, please")
    expect(page.locator(".template-aside .wa-button")).to_have_text("Yes, please")
    expect(page.locator(".template-aside .wa-text")).to_have_text("Hello Ada, your kitchen is ready. May we come by?")


def test_a_template_is_approved_sent_and_answered_with_a_tap(alice: Person, axe: Callable[[Page], list[str]]) -> None:
    page = alice.open("/channels/templates")
    write_template(page)
    assert axe(page) == []
    page.click("button:has-text('Submit for approval')")
    card = page.locator(".template-card", has_text="visit_ready")
    expect(card.locator(".badge")).to_have_text("Approved", timeout=30_000)
    alice.open("/channels/templates", size=PHONE)
    assert axe(page) == []

    alice.stage.write(LEAD, "acme", "Is it ready?", whatsapp=True, profile_name="Ada Lovelace")
    page = alice.open("/inbox")
    page.click(".thread-link:has-text('Ada Lovelace')")
    expect(page.locator(".thread-head .countdown")).to_contain_text("left")
    page.click("button:has-text('Use a template')")
    expect(page.locator(".wa-text")).to_have_text("Hello Ada, your kitchen is ready. May we come by?")
    assert axe(page) == []
    page.click("[role=dialog] button[type=submit]")
    expect(page.locator(".bubble-answer")).to_have_text("Yes, please")

    assert eventually(lambda: tap(alice))
    expect(page.locator(".bubble-note", has_text="Tapped a button")).to_be_visible()


def tap(person: Person) -> bool:
    """Tap the first button on the phone, once the template is there."""
    number = person.stage.numbers["acme"]
    talk = person.stage.phones(lambda phones: phones.conversation(LEAD, number))
    buttons = [entry.actions[0] for entry in talk if entry.actions and entry.arrived]
    if buttons:
        _, title, code = buttons[0]
        person.stage.write(LEAD, "acme", title, whatsapp=True, button=(title, code))
    return bool(buttons)
