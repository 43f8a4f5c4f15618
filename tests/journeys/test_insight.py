"""The figures in the browser: read by everybody of a client, also without the chart, and of no other client."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PHONE, Person, Stage


def look(page: Page, name: str) -> None:
    """No page of figures scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_seen_read_and_taken_away(
    stage: Stage, alice: Person, axe: Callable[[Page], list[str]], scheme: str
) -> None:
    stage.write("+14155557401", "acme", "How much is it?")
    alice.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = alice.open("/insight")
    expect(page.locator(".chart .recharts-bar-rectangle path").first).to_be_visible()
    look(page, f"{scheme}-wide")
    assert axe(page) == []
    page.get_by_text("As a table").click()
    expect(page.get_by_role("region", name="Messages by day").locator("tbody tr")).to_have_count(30)
    page.set_viewport_size(PHONE)
    look(page, f"{scheme}-phone")
    assert axe(page) == []
    page.select_option("#insight-days", "own")
    page.fill("#first", "2026-01-01")
    page.fill("#last", "2026-01-31")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nobody wrote in this period")).to_be_visible()
    look(page, f"{scheme}-own")
    with page.expect_download() as file:
        page.get_by_role("link", name="Export as CSV").click()
    assert file.value.suggested_filename == "insight-2026-01-01-2026-01-31.csv"
