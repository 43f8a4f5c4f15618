"""What the frame tells of news, and the settings of it, as the pages call them."""

import pytest

from tenant_portal.ui.pages.settings import NotificationsState
from tenant_portal.ui.session_state import SessionState
from tests.cast import Cast
from tests.threads import open_thread, receive
from tests.ui_client.browser import sign_in

pytestmark = pytest.mark.database


async def test_a_page_tells_what_came_in_since_it_was_opened(cast: Cast) -> None:
    thread = await open_thread(cast.acme, body="before")
    tabs = [await sign_in(someone) for someone in (cast.bob, cast.charlie, cast.sam)]
    for tab in tabs:
        await tab.call(SessionState.load)
    message = await receive(cast.acme, body="Are you open?", profile_name="Ada")
    bob, charlie, sam = [await tab.call(SessionState.refresh) for tab in tabs]
    (item,) = bob.news
    assert (item.id, item.title, item.text) == (str(message), "New message from Ada", "Are you open?")
    assert (item.href, bob.unread, bob.plays_sound) == (f"/inbox/{thread}", 1, True)
    assert (charlie.news, charlie.unread, sam.news, sam.unread) == ([], 0, [], 0)


async def test_what_was_chosen_holds_for_open_pages_from_the_next_message_on(cast: Cast) -> None:
    tab = await sign_in(cast.bob)
    await tab.call(SessionState.load)
    refused = await tab.call(NotificationsState.save, {"threads": "everything"})
    assert (refused.error, refused.notice) == ("Choose one of the three.", "")
    saved = await tab.call(NotificationsState.save, {"threads": "all"})
    assert (saved.threads, saved.shows_text, saved.plays_sound, saved.error) == ("all", False, False, "")
    await receive(cast.acme, body="Secret", profile_name="Ada")
    told = await tab.call(SessionState.refresh)
    assert [(item.title, item.text) for item in told.news] == [("New message from Ada", "")]
    assert told.plays_sound is False
    other = await (await sign_in(cast.alice)).call(NotificationsState.load)
    assert (other.threads, other.shows_text, other.plays_sound) == ("mine", True, True)
