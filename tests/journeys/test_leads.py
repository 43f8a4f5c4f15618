"""Leads in the browser: the board by mouse and by keyboard, and a file on its way in."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Person, Stage, shown

LEAD = "+14155557301"


def column(page: Page, name: str) -> Locator:
    return page.locator(f'[data-column-name="{name}"]')


@pytest.fixture
def board(stage: Stage, alice: Person) -> Page:
    stage.write(LEAD, "acme", "I need a plumber")
    page = alice.open("/leads/board")
    page.fill("#lead-search", LEAD)
    expect(page.locator(".board-card")).to_have_count(1)
    return page


def test_a_card_is_dragged_and_carried_by_keyboard(board: Page) -> None:
    card = board.locator(".board-card")
    name = card.get_attribute("data-card-name")
    start, goal = card.bounding_box(), column(board, "Won").bounding_box()
    assert start is not None
    assert goal is not None
    board.mouse.move(start["x"] + 60, start["y"] + start["height"] - 8)
    board.mouse.down()
    board.mouse.move(goal["x"] + 80, goal["y"] + 60, steps=8)
    board.mouse.up()
    expect(column(board, "Won").locator(".board-card")).to_have_count(1)
    column(board, "Won").locator("[data-grip]").focus()
    board.keyboard.press("Enter")
    board.keyboard.press("ArrowLeft")
    expect(board.locator(".board [role=status]")).to_have_text("Qualified")
    board.keyboard.press("Enter")
    expect(column(board, "Qualified").locator(".board-card")).to_have_count(1)
    expect(column(board, "Qualified").locator("[data-grip]")).to_be_focused()
    board.keyboard.press("Enter")
    board.keyboard.press("ArrowLeft")
    board.keyboard.press("Escape")
    expect(board.locator(".board [role=status]")).to_have_text(f"{name} stays where it is.")
    expect(column(board, "Qualified").locator(".board-card")).to_have_count(1)


def test_a_file_becomes_leads_of_its_own_client_only(alice: Person, charlie: Person) -> None:
    page = alice.open("/leads/import")
    rows = "".join(f"+1415557{n:04},Imported {n}\n" for n in range(300))
    file = {"name": "old leads.csv", "mimeType": "text/csv", "buffer": f"Phone,Name\n{rows}nobody,Wrong\n".encode()}
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Check rows").click()
    expect(page.get_by_role("link", name="1 row with an error")).to_be_visible()
    page.get_by_role("button", name="Import these leads").click()
    expect(page.get_by_text("300 leads were made.")).to_be_visible()
    theirs = charlie.open("/leads")
    theirs.fill("#lead-search", "Imported")
    expect(theirs.get_by_text("Nobody found")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("300 leads were taken away.")).to_be_visible()


@pytest.mark.parametrize("path", ["/leads/board", "/leads/duplicates", "/leads/setup", "/leads/import"])
def test_pages_of_leads_are_fit_for_everybody(
    stage: Stage, alice: Person, flaws: Callable[..., list[str]], path: str
) -> None:
    stage.write(LEAD, "acme", "Hello again")
    assert flaws(alice, path) == []


def test_a_lead_is_edited_in_place(stage: Stage, alice: Person, axe: Callable[[Page], list[str]]) -> None:
    stage.write(LEAD, "acme", "Hello once more")
    page = alice.open("/leads")
    page.fill("#lead-search", LEAD)
    page.click(f".lead-table tr:has-text('{shown(LEAD)}') .text-link")
    page.fill("#value", "much")
    page.fill("#next_step", "Call back")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#value-error")).to_have_text("Write the value as a number, such as 1250 or 1250.50.")
    expect(page.locator("#next_step")).to_have_value("Call back")
    page.fill("#value", "1,250")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#value-hint")).to_have_text("$1,250.00")
    expect(page.locator(".timeline")).to_contain_text("changed the value, the next step")
    assert axe(page) == []
