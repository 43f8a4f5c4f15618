"""An owner connects and disconnects a channel; the agency adds, suspends and resumes a client."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person, shown

CLIENT_PAGES = ("/calls", "/channels/connect")
STAFF_PAGES = ("/staff", "/staff/quarantine")
# A job has to be picked up, and Twilio to be asked several times, on a machine that does much else.
SLOW = 30_000


def test_an_owner_connects_a_number_tests_it_and_gives_it_back(charlie: Person) -> None:
    page = charlie.open("/channels/connect")
    page.click("button[role=checkbox]:has-text('Voicemail')")
    page.fill("#area_code", "617")
    page.click("button:has-text('Search')")
    number = page.locator(".number-row .channel-number").first.inner_text()
    expect(page.locator(".number-row").first).to_contain_text("1.15 USD")
    page.click(".number-row >> nth=0 >> button")
    expect(page.locator("main")).to_contain_text("costs 1.15 USD a month")
    page.click("button:has-text('Buy number and connect')")
    group = page.locator(".number-group", has_text=number)
    expect(group.locator(".badge:has-text('Connected')")).to_have_count(2, timeout=SLOW)
    voicemail = group.locator(".channel-card", has_text="Voicemail")
    voicemail.locator("text=Test this channel").click()
    expect(voicemail).to_contain_text("Test passed", timeout=SLOW)
    expect(voicemail).to_contain_text("A call from PORTALTEST arrived.")
    for title in ("Voicemail", "Text messages"):
        _disconnect(page, number, title)
    expect(page.locator(".number-group", has_text=number)).to_have_count(0, timeout=SLOW)


def _disconnect(page: Page, number: str, title: str) -> None:
    card = page.locator(".number-group", has_text=number).locator(".channel-card", has_text=title)
    card.locator("button:has-text('Disconnect')").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Disconnect {title} on {number}?")
    expect(dialog).to_contain_text("messages and voicemails stay")
    if title == "Text messages":
        dialog.get_by_role("checkbox").check()
        expect(dialog).to_contain_text("The number is lost for good")
    else:
        expect(dialog).to_contain_text("The number stays, because it also carries Text messages")
    dialog.get_by_role("button", name=re.compile("^Disconnect")).click()
    expect(card).to_have_count(0, timeout=SLOW)


def test_a_greeting_is_written_and_recorded(alice: Person) -> None:
    page = alice.open("/channels")
    card = page.locator(".channel-card", has_text="Voicemail")
    card.locator("text=Greeting, hours and texts").click()
    page.fill("#greeting", "Acme, please leave a message.")
    page.click("text=Save greeting")
    expect(page.locator(".notice-good")).to_have_text("The greeting is changed.")
    sound = {"name": "g.mp3", "mimeType": "audio/mpeg", "buffer": b"ID3" + bytes(400)}
    page.set_input_files("input[type=file] >> nth=0", sound)
    expect(page.get_by_label("Recorded greeting", exact=True)).to_be_attached()
    page.click("text=Use the written words")
    expect(page.get_by_label("Recorded greeting", exact=True)).to_have_count(0)
    assert not alice.faults
    page = alice.open("/channels")
    expect(card.locator("blockquote")).to_have_text("Acme, please leave a message.")


def test_a_missed_call_is_texted_and_looked_after(alice: Person) -> None:
    page = alice.open("/channels")
    page.locator(".channel-card", has_text="Voicemail").locator("text=Greeting, hours and texts").click()
    page.check("[name=text_is_on]")
    for name in ("quiet_from", "quiet_until"):
        page.fill(f"#{name}", "00:00")
    page.click("text=Save text")
    expect(page.locator(".notice-good")).to_have_text("The text to missed callers is changed.")
    lead, number = "+14155550186", alice.stage.numbers["acme"]
    alice.stage.phones(lambda phones: phones.call(lead, number, hangs_up="greeting"))
    call = alice.open("/calls").locator(".call-list > li", has_text=shown(lead))
    expect(call).to_contain_text("The caller was sent your text.", timeout=SLOW)
    expect(call.locator("a:has-text('Call back')")).to_have_attribute("href", f"tel:{lead}")
    call.locator("text=Mark as handled").click()
    expect(call).to_have_count(0)
    page.click("button:has-text('Handled')")
    expect(call).to_contain_text("Handled by Alice Archer")
    call.locator("text=Reply by text").click()
    expect(page.locator(".thread")).to_contain_text("Sorry we missed your call.")
    expect(page.locator("#composer-body")).to_be_visible()


def test_the_agency_adds_a_client_that_comes_alive_by_itself(sam: Person) -> None:
    page = sam.open("/staff")
    page.click("button:has-text('New client')")
    page.fill("#name", "Initech Legal")
    page.fill("#email", "ida@initech.example")
    page.click("button:has-text('Create client')")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Invitation link")).to_have_value(re.compile(r"/invitation/\S{40,}"))
    dialog.get_by_role("button", name="Done").click()
    row = page.locator("tr", has_text="Initech Legal")
    expect(row).to_contain_text("Active", timeout=SLOW)


def test_a_client_is_suspended_and_resumed_after_a_question(sam: Person) -> None:
    page = sam.open("/staff")
    row = page.locator("tr", has_text="Initech Legal")
    row.get_by_role("button", name="Suspend Initech Legal").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(row).to_contain_text("Suspended")
    row.get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("Connection to Twilio")
    expect(page.locator("dl").first).to_contain_text("suspended", timeout=SLOW)
    page.click("button:has-text('Resume')")
    page.get_by_role("alertdialog").get_by_role("button", name="Resume").click()
    expect(page.locator("dl").first).to_contain_text("Active", timeout=SLOW)


def test_the_pages_of_channels_and_staff_are_fit_for_everybody(
    alice: Person, sam: Person, flaws: Callable[..., list[str]]
) -> None:
    opened = [(person, path) for person, paths in ((alice, CLIENT_PAGES), (sam, STAFF_PAGES)) for path in paths]
    assert {path: found for person, path in opened if (found := flaws(person, path))} == {}
