"""Somebody looks elsewhere while leads write."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person

LEAD = "+14155550642"
# Stands where the desktop would show it, for this page only.
DESKTOP = """() => {
window.shownNews = [];
window.Notification = class {
  static permission = "granted";
  constructor(title, options) { window.shownNews.push({ title, text: options.body, note: this }); }
  close() {}
};
}"""
SHOWN = "window.shownNews.map((one) => [one.title, one.text])"
TOLD = "(count) => (localStorage.getItem('portal-told') || '').split('shown:').length > count"


def shown_in(*pages: Page) -> list[list[str]]:
    return [one for page in pages for one in page.evaluate(SHOWN)]


def test_each_message_is_shown_once_and_none_that_is_in_view(alice: Person) -> None:
    first, second = alice.open("/settings/replies"), alice.context.new_page()
    second.goto(f"{alice.stage.address}/settings/replies")
    expect(second.locator(".skeleton")).to_have_count(0)
    for page in (first, second):
        page.evaluate(DESKTOP)
    alice.stage.write(LEAD, "acme", "Is anybody there?")
    for page in (first, second):
        expect(page).to_have_title(re.compile(r"^\(\d+\) Canned replies"))
        expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/svg"))
    first.wait_for_function(TOLD, arg=1)
    # The tab that has taken it shows it a moment later.
    while not shown_in(first, second):
        first.wait_for_timeout(50)
    assert shown_in(first, second) == [["New message from +1 415-555-0642", "Is anybody there?"]]
    page = first if shown_in(first) else second
    page.evaluate("window.shownNews[0].note.onclick()")
    expect(page.locator(".bubble", has_text="Is anybody there?")).to_be_visible()
    alice.stage.write(LEAD, "acme", "Now I am looking")
    expect(page.locator(".bubble", has_text="Now I am looking")).to_be_visible()
    first.wait_for_function(TOLD, arg=2)
    assert len(shown_in(first, second)) == 1
    second.close()
