"""Staff play two leads on the handset; what they write takes the way of every webhook."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from tenant_portal import db
from tenant_portal.config import settings
from tenant_portal.errors import NotAllowed
from tenant_portal.simulator.stand_in import delivery
from tenant_portal.simulator.stand_in.delivery import Outgoing
from tenant_portal.tenant_portal import http_app
from tenant_portal.tenants.service import suspend
from tenant_portal.ui.pages.simulator import HandsetState
from tenant_portal.ui.pages.simulator.handset_state import FIRST, PLACE_LINK, SECOND
from tenant_portal.ui.pages.simulator.phones import PhoneItem
from tests.cast import Cast
from tests.channels.stage import NUMBER, OTHER_NUMBER, SMS, VOICEMAIL, WHATSAPP, Stage
from tests.simulated_twilio import SimulatedTwilio, make_client
from tests.ui.handlers import HANDLERS
from tests.ui_client.browser import Tab, sign_in

WAIT_SECONDS = 10.0


@pytest_asyncio.fixture
async def clients(twilio: SimulatedTwilio, portal: str, cast: Cast) -> tuple[Stage, Stage]:
    """Two clients, each with a number for texts and calls."""
    first, second = Stage(twilio, await make_client("Initech")), Stage(twilio, await make_client("Hooli"))
    await first.connect(SMS, VOICEMAIL, number=NUMBER)
    await second.connect(SMS, number=OTHER_NUMBER)
    return first, second


async def opened(cast: Cast) -> Tab:
    tab = await sign_in(cast.sam)
    await tab.call(HandsetState.load)
    return tab


async def until(tab: Tab, is_so: Callable[[HandsetState], object]) -> HandsetState:
    async with asyncio.timeout(WAIT_SECONDS):
        while not is_so(state := await tab.call(HandsetState.refresh)):
            await asyncio.sleep(0.02)
    return state  # type: ignore[no-any-return]


async def bodies(client: Stage) -> list[str]:
    async with db.tenant_session(client.tenant_id) as session:
        return list(await session.scalars(sa.text("select body from message order by created_at")))


def texts(phone: PhoneItem) -> list[str]:
    return [bubble.text for bubble in phone.bubbles]


async def test_the_phones_face_two_clients_from_the_start(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    state = (await opened(cast)).state(HandsetState)
    assert (state.left.client, state.left.shown_number) == ("Initech", "+1 212-555-0100")
    assert (state.right.client, state.right.number) == ("Hooli", OTHER_NUMBER)
    assert [line.label for line in state.lines] == ["Initech · +1 212-555-0100", "Hooli · +1 212-555-0102"]


async def test_a_text_reaches_the_chosen_client_only(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    state = await tab.call(HandsetState.send, 0, {"text": "Hello there 👋"})
    assert (texts(state.left), texts(state.right)) == (["Hello there 👋"], [])
    assert ([await bodies(one) for one in clients]) == [["Hello there 👋"], []]


async def test_another_number_can_be_chosen(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    await tab.call(HandsetState.choose_line, 0, OTHER_NUMBER)
    state = await tab.call(HandsetState.send, 0, {"text": "Hi"})
    assert (state.left.client, await bodies(clients[1])) == ("Hooli", ["Hi"])


async def test_a_number_that_nobody_has_leads_back_to_a_client(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    assert (await (await opened(cast)).call(HandsetState.choose_line, 1, "+19995550000")).right.client == "Hooli"


async def test_an_empty_text_is_not_sent(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    for form in ({"text": "  "}, {}, {"text": ["a"]}):
        assert texts((await tab.call(HandsetState.send, 0, form)).left) == []


async def test_the_keys_write_for_the_lead(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    for key in ("emoji", "button", "place", "stop"):
        await tab.call(HandsetState.press, 0, key)
    assert await bodies(clients[0]) == ["👍🏽🎉", "Yes", PLACE_LINK, "STOP"]


async def test_a_key_that_is_not_there_writes_nothing(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    assert texts((await (await opened(cast)).call(HandsetState.press, 0, "grenade")).left) == []


async def test_a_picture_is_seen_by_staff_alone(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    [bubble] = (await tab.call(HandsetState.press, 0, "picture")).left.bubbles
    [url] = bubble.pictures
    answers = [await _get(await sign_in(who), url) for who in (cast.sam, cast.alice, None)]
    assert [answer.status_code for answer in answers] == [200, 303, 303]
    assert answers[0].headers["content-type"] == "image/jpeg"
    assert (await _get(tab, url[:-2])).status_code == (await _get(tab, url[:-1] + "x")).status_code == 404


async def _get(tab: Tab, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=http_app)
    headers = {"cookie": tab.root.router.headers.cookie}
    async with httpx.AsyncClient(transport=transport, base_url=settings().origin) as http:
        return await http.get(path, headers=headers)


async def test_a_call_leaves_a_voicemail_and_shows_how_it_goes(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    await tab.call(HandsetState.choose_channel, 0, "call")
    assert (await tab.call(HandsetState.call, 0)).left.is_calling
    state = await until(tab, lambda state: not state.left.is_calling)
    [call] = state.left.bubbles
    assert (call.words, call.left_message, call.state) == ("Call ended", True, "ended")
    assert "after the" in call.heard[0]
    assert len(await bodies(clients[0])) == 1


async def test_a_second_call_waits_for_the_first(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    await tab.call(HandsetState.choose_channel, 0, "call")
    for _ in range(2):
        await tab.call(HandsetState.call, 0)
    assert len((await until(tab, lambda state: not state.left.is_calling)).left.bubbles) == 1


async def test_an_answer_comes_to_the_phone_and_marks_its_channel(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    await tab.call(HandsetState.send, 0, {"text": "Hi"})
    await tab.call(HandsetState.choose_channel, 0, "call")
    world = clients[0].twilio.world
    delivery.send(world, world.owner_of(world.number(NUMBER).account_sid), Outgoing(FIRST.lead, NUMBER, "Come by!"))  # type: ignore[union-attr]
    assert (await until(tab, lambda state: state.left.fresh)).left.fresh == ["sms"]
    state = await tab.call(HandsetState.choose_channel, 0, "sms")
    assert (texts(state.left), state.left.fresh) == (["Hi", "Come by!"], [])
    assert [bubble.mine for bubble in state.left.bubbles] == [True, False]


async def test_an_answer_that_cannot_arrive_says_so(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    unreachable = "+15005553003"
    tab = await opened(cast)
    await tab.call(HandsetState.choose_lead, 0, unreachable)
    world = clients[0].twilio.world
    delivery.send(world, world.owner_of(world.number(NUMBER).account_sid), Outgoing(unreachable, NUMBER, "Hello?"))  # type: ignore[union-attr]
    state = await until(tab, lambda state: [one for one in state.left.bubbles if one.state == "failed"])
    assert state.left.bubbles[0].words == "Never arrives (Twilio 30003)"


async def test_another_lead_has_another_history(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    await tab.call(HandsetState.send, 0, {"text": "Hi"})
    state = await tab.call(HandsetState.choose_lead, 0, "+44 7700 900123")
    assert (state.left.lead, state.left.owner, state.left.bubbles) == ("+447700900123", "+44 7700 900123", [])
    assert texts((await tab.call(HandsetState.choose_lead, 0, FIRST.lead)).left) == ["Hi"]


async def test_a_lead_needs_a_real_number(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    state = await (await opened(cast)).call(HandsetState.choose_lead, 1, "12")
    assert (state.right.lead, state.right.note[:16]) == (SECOND.lead, "Enter the number")


async def test_whatsapp_shows_the_code_it_has_sent(cast: Cast, twilio: SimulatedTwilio) -> None:
    await Stage(twilio, await make_client("Initech")).connect(WHATSAPP, number=NUMBER)
    tab = await opened(cast)
    await tab.call(HandsetState.choose_channel, 0, "whatsapp")
    state = await until(tab, lambda state: state.left.code)
    assert (state.left.code.replace("-", "").isdigit(), state.left.is_connected) == (True, False)


async def test_what_a_client_is_not_connected_for_is_not_sent(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    await tab.call(HandsetState.choose_channel, 0, "whatsapp")
    state = await tab.call(HandsetState.send, 0, {"text": "Hi"})
    assert (state.left.note != "", await bodies(clients[0])) == (True, [])


async def test_a_refusal_of_the_portal_is_told(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    tab = await opened(cast)
    async with db.staff_session() as session:
        await suspend(session, clients[0].tenant_id)
    state = await tab.call(HandsetState.send, 0, {"text": "Hi"})
    assert state.left.note.startswith("The portal did not take it (HTTP 4")


async def test_a_narrow_screen_shows_one_phone_at_a_time(cast: Cast, clients: tuple[Stage, Stage]) -> None:
    assert (await (await opened(cast)).call(HandsetState.show, 1)).shown == 1


async def test_without_numbers_there_is_nothing_to_call(cast: Cast, twilio: SimulatedTwilio) -> None:
    tab = await opened(cast)
    for handler, arguments in ((HandsetState.send, (0, {"text": "Hi"})), (HandsetState.call, (0,))):
        state = await tab.call(handler, *arguments)
    assert (state.is_loaded, state.lines, state.left.number, state.trouble) == (True, [], "", "")


async def test_a_simulated_twilio_that_is_away_is_told(cast: Cast) -> None:
    assert (await opened(cast)).state(HandsetState).trouble == "The simulated Twilio does not answer."


async def test_on_a_real_account_there_is_no_handset(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("PORTAL_TWILIO_AUTH_TOKEN", "0" * 32)
    settings.cache_clear()
    state = (await opened(cast)).state(HandsetState)
    monkeypatch.undo()
    settings.cache_clear()
    assert (state.is_live, state.is_loaded, state.lines) == (True, True, [])


CALLS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("load", ()),
    ("refresh", ()),
    ("show", (1,)),
    ("choose_line", (0, NUMBER)),
    ("choose_lead", (0, "+14155550123")),
    ("choose_channel", (0, "call")),
    ("send", (0, {"text": "Hi"})),
    ("press", (0, "stop")),
    ("tap", (0, "Yes", "yes")),
    ("call", (0,)),
)


async def test_clients_and_strangers_have_no_handset(cast: Cast) -> None:
    assert {name for name, _ in CALLS} == HANDLERS["HandsetState"]
    for who in (cast.alice, None):
        tab = await sign_in(who)
        for handler, arguments in CALLS:
            with pytest.raises(NotAllowed):
                await tab.call(getattr(HandsetState, handler), *arguments)
        assert not tab.state(HandsetState).is_loaded
