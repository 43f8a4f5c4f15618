"""A client's day in the browser: messages arrive by themselves, answers go out, nothing of another client is seen."""

import json
from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PHONE, Person, Stage, shown
from tests.running_portal import eventually

_phones = count(1000)
HEAD_PIXELS = 80


@pytest.fixture
def lead() -> str:
    """The number of somebody who has never written before."""
    return f"+1415555{next(_phones)}"


@pytest.mark.parametrize("whatsapp", [False, True], ids=["sms", "whatsapp"])
def test_a_message_appears_in_its_clients_open_inbox_and_in_no_other(
    stage: Stage, alice: Person, charlie: Person, lead: str, whatsapp: bool
) -> None:
    mine, theirs = alice.open("/inbox"), charlie.open("/inbox")
    stage.write(lead, "acme", "A leak under the sink", whatsapp=whatsapp)
    expect(mine.locator(".thread-link", has_text="A leak under the sink").first).to_be_visible()
    expect(mine.locator(".nav .nav-count").first).to_be_visible()
    stage.write(lead, "globex", "A tooth hurts", whatsapp=whatsapp)
    expect(theirs.locator(".thread-link", has_text="A tooth hurts").first).to_be_visible()
    assert "A leak" not in theirs.content()
    assert "A tooth" not in mine.content()


@pytest.mark.parametrize("whatsapp", [False, True], ids=["sms", "whatsapp"])
def test_an_answer_goes_out_and_its_delivery_advances(stage: Stage, alice: Person, lead: str, whatsapp: bool) -> None:
    stage.write(lead, "acme", "Are you open?", whatsapp=whatsapp)
    page = alice.open_thread(lead)
    page.fill("#composer-body", "Until six")
    page.keyboard.press("Enter")
    answer = page.locator(".entry-ours").last
    expect(answer).to_contain_text("Until six")
    expect(answer.locator(".entry-status")).to_have_text("Read" if whatsapp else "Delivered", timeout=15_000)
    expect(page.locator("#composer-body")).to_have_value("")
    entries = stage.phones(lambda phones: phones.conversation(lead))
    assert [entry.text for entry in entries if not entry.outgoing] == ["Until six"]


def test_a_new_line_is_not_yet_sent(stage: Stage, alice: Person, lead: str) -> None:
    stage.write(lead, "acme", "Hello")
    page = alice.open_thread(lead)
    page.click("#composer-body")
    page.keyboard.type("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Two")
    expect(page.locator(".composer-count")).to_contain_text("1 SMS segment")
    assert page.locator(".entry-ours").count() == 0
    page.keyboard.press("Enter")
    expect(page.locator(".entry-ours .bubble-text")).to_have_text("One\nTwo")


def test_an_answer_that_does_not_arrive_says_why_and_can_be_repeated(stage: Stage, alice: Person) -> None:
    unreachable = "+15005553003"
    stage.write(unreachable, "acme", "Call me")
    page = alice.open_thread(unreachable)
    page.fill("#composer-body", "We try")
    page.keyboard.press("Enter")
    error = page.locator(".entry-error").first
    expect(error).to_contain_text("switched off or out of reach", timeout=15_000)
    error.get_by_role("button", name="Retry").click()
    expect(error).to_contain_text("Sent again below")
    expect(page.locator(".entry-ours")).to_have_count(2)


def test_a_voicemail_arrives_and_can_be_played(stage: Stage, alice: Person, charlie: Person, lead: str) -> None:
    page, other = alice.open("/inbox"), charlie.open("/inbox")
    stage.phones(lambda phones: phones.call(lead, stage.numbers["acme"], wait=True))
    page.click(f".thread-link:has-text('{shown(lead)}')")
    player = page.locator("audio")
    expect(player).to_be_visible(timeout=15_000)
    assert player.evaluate("async (sound) => { await sound.play(); return sound.duration }") > 0.5
    assert eventually(lambda: player.evaluate("(sound) => sound.currentTime") > 0, 5)
    assert shown(lead) not in other.content()


def test_a_picture_and_a_place_arrive(stage: Stage, alice: Person, lead: str) -> None:
    stage.write(lead, "acme", "My kitchen", pictures=1)
    page = alice.open_thread(lead)
    picture = page.locator("img.picture")
    expect(picture).to_be_visible(timeout=15_000)
    assert eventually(lambda: picture.evaluate("(image) => image.naturalWidth") > 0, 5)
    stage.write(
        lead, "acme", whatsapp=True, extra={"Latitude": "52.52", "Longitude": "13.405", "Label": "Alexanderplatz"}
    )
    place = page.locator(".place-link")
    expect(place).to_contain_text("Alexanderplatz")
    assert "openstreetmap.org" in (place.get_attribute("href") or "")


def test_a_lead_who_says_stop_cannot_be_written_to(stage: Stage, alice: Person, lead: str) -> None:
    stage.write(lead, "acme", "Hello")
    page = alice.open_thread(lead)
    expect(page.locator("#composer-body")).to_be_visible()
    stage.write(lead, "acme", "STOP")
    expect(page.locator(".composer-closed")).to_contain_text("withdrawn consent")
    expect(page.locator("#composer-body")).to_have_count(0)
    stage.write(lead, "acme", "START")
    expect(page.locator("#composer-body")).to_be_visible()


def test_what_a_lead_writes_stays_text(stage: Stage, alice: Person, lead: str) -> None:
    attack = (
        "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>[x](javascript:alert(1))"
    )
    stage.write(lead, "acme", attack, whatsapp=True, profile_name="<b>Mallory</b>")
    page = alice.open("/inbox")
    page.locator(".thread-link", has_text="<b>Mallory</b>").first.click()
    expect(page.locator(".bubble-text")).to_have_text(attack)
    assert page.title() != "pwned"
    assert page.locator(".bubble img, .bubble script, .bubble a, .thread-title b").count() == 0


def test_anothers_conversation_does_not_exist(stage: Stage, alice: Person, charlie: Person, lead: str) -> None:
    stage.write(lead, "acme", "Secret of Acme")
    address = alice.open_thread(lead).url.removeprefix(stage.address)
    page = charlie.open(address)
    expect(page.locator(".inbox-pane")).to_contain_text("This conversation does not exist")
    assert "Secret of Acme" not in page.content()


def test_older_messages_load_without_a_jump(stage: Stage, alice: Person, lead: str) -> None:
    def write_many() -> None:
        for n in range(60):
            stage.write(lead, "acme", f"Message {n}")

    write_many()
    page = alice.open_thread(lead)
    newest = page.locator(".bubble-text", has_text="Message 59")
    expect(newest).to_be_in_viewport()
    expect(page.locator(".bubble-text", has_text="Message 10")).to_have_count(1)
    button = page.get_by_role("button", name="Show earlier messages")
    button.scroll_into_view_if_needed()
    reading = page.locator(".bubble-text", has_text="Message 10")
    before = reading.evaluate("(line) => line.getBoundingClientRect().top")
    button.click()
    expect(page.locator(".bubble-text", has_text="Message 0")).to_have_count(1)
    # The line loses the head that it had as the first one; beyond that nothing moves under the reader's eyes.
    assert abs(reading.evaluate("(line) => line.getBoundingClientRect().top") - before) < HEAD_PIXELS


def test_a_lead_is_named_staged_and_noted(stage: Stage, alice: Person, lead: str) -> None:
    stage.write(lead, "acme", "A new bathroom")
    page = alice.open("/leads")
    page.fill("#lead-search", shown(lead))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("tbody .text-link")
    page.fill("#name", "Ada Lovelace")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("Ada Lovelace")
    page.select_option("#stage", label="Qualified")
    expect(page.locator(".timeline")).to_contain_text("Qualified")
    page.fill("#note", "Wants oak")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline")).to_contain_text("Wants oak")
    page.get_by_role("link", name="Open conversation").click()
    expect(page.locator(".thread-head .thread-title")).to_have_text("Ada Lovelace")


def test_the_inbox_is_worked_by_keyboard(stage: Stage, alice: Person, lead: str) -> None:
    stage.write(lead, "acme", "Hello")
    page = alice.open("/inbox")
    page.locator(".thread-link").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".thread-head")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "composer-body":
            break
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-ours").last).to_contain_text("By keyboard")


def test_a_phone_shows_one_pane_at_a_time(stage: Stage, alice: Person, lead: str) -> None:
    stage.write(lead, "acme", "Hello from a phone")
    page = alice.open("/inbox", size=PHONE)
    expect(page.locator(".inbox-pane")).to_be_hidden()
    page.locator(".thread-link", has_text="Hello from a phone").first.click()
    expect(page.locator("#composer-body")).to_be_in_viewport()
    expect(page.locator(".inbox-list")).to_be_hidden()
    page.get_by_role("link", name="Back to all conversations").click()
    expect(page.locator(".inbox-list")).to_be_visible()


PAGES = ("/", "/inbox", "thread", "/leads", "lead", "/channels", "/settings")


def address_of(page: Page, name: str) -> str:
    """The path of the first thread or lead of an open list."""
    chosen = page.locator(".thread-link" if name == "thread" else "tbody .text-link").first
    return chosen.get_attribute("href") or ""


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_fit_for_everybody(
    stage: Stage, alice: Person, flaws: Callable[..., list[str]], name: str
) -> None:
    everything(stage)
    if name.startswith("/"):
        found = flaws(alice, name)
    else:
        address = address_of(alice.open({"thread": "/inbox", "lead": "/leads"}[name]), name)
        found = flaws(alice, address, ready=".bubble, .facts")
    assert found == []
    # It is as narrow as a phone now.
    assert alice.page.locator(".tabs").is_visible()
    assert not alice.page.locator(".side").is_visible()


_prepared: list[str] = []


def everything(stage: Stage) -> None:
    """A thread with one of each kind of message, once for all pages."""
    if _prepared:
        return
    lead = f"+1415555{next(_phones)}"
    _prepared.append(lead)
    stage.write(lead, "acme", "Look at this", pictures=1)
    stage.write(lead, "acme", whatsapp=True, extra={"Latitude": "52.5", "Longitude": "13.4", "Label": "Here"})
    stage.write(lead, "acme", "A very long word: " + "x" * 300)
    stage.phones(lambda phones: phones.call(lead, stage.numbers["acme"], wait=True))


def test_what_the_browser_gets_holds_nothing_of_another_client(stage: Stage, charlie: Person, lead: str) -> None:
    frames: list[str] = []
    charlie.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    for path in ("/", "/inbox", "/leads"):
        charlie.open(path)
        stage.write(lead, "acme", "CANARY-of-Acme", whatsapp=True, profile_name="CANARY-name")
    assert json.dumps(frames)
    assert not [frame for frame in frames if "CANARY" in frame]
