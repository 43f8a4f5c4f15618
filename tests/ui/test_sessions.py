"""Sessions that end while a tab is open: the socket goes within a second, whatever ended them."""

import asyncio
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from websockets.asyncio.client import connect

from tests.cast import PASSWORD, Cast, Someone
from tests.portal_server import COOKIE, Portal, Tab, name_of, open_tab
from tests.ui.conftest import Stage
from tests.ui.test_attacks import SESSION, VAULT

SETTINGS = "tenant_portal___ui___pages___settings___state____settings_state"
GONE = "This no longer exists."


async def test_a_sign_out_cuts_the_open_tab(portal: Portal, people: Cast) -> None:
    cookie = portal.sign_in(people.alice)
    async with open_tab(portal, cookie) as tab:
        with portal.http(cookie) as http:
            assert http.post("/auth/logout").status_code == 303
        assert await tab.closed(within=1)
        assert "/signed-out" in tab.all


async def test_the_connection_itself_is_closed_behind_the_farewell(portal: Portal, people: Cast) -> None:
    cookie = portal.sign_in(people.alice)
    address = f"{portal.address.replace('http', 'ws')}/_event/?EIO=4&transport=websocket&token={uuid4()}"
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    async with connect(address, origin=portal.origin, additional_headers=headers, proxy=None) as browser:  # type: ignore[arg-type]
        await browser.send("40/_event,{}")
        while not str(await browser.recv()).startswith("40/_event"):
            continue
        with portal.http(cookie) as http:
            http.post("/auth/logout")
        # Engine.IO's own farewell, `1`, is overlooked by a browser's client; only the end of the connection counts.
        async with asyncio.timeout(2):
            frames = [str(frame) async for frame in browser]
        assert "/signed-out" in "".join(frames)


async def test_a_cookie_is_worthless_after_sign_out(portal: Portal, people: Cast) -> None:
    cookie = portal.sign_in(people.alice)
    with portal.http(cookie) as http:
        http.post("/auth/logout")
        assert http.get("/").headers["location"] == "/login"


async def test_a_removed_session_row_ends_the_next_event_even_without_a_notification(stage: Stage) -> None:
    cookie = stage.portal.sign_in(stage.cast.alice)
    async with open_tab(stage.portal, cookie) as tab:
        stage.query("delete from user_session where token_hash = sha256(%s::bytea)", cookie.encode())
        answer = await tab.call(name_of(VAULT, "load"))
        assert "/signed-out" in answer
        assert "CANARY" not in answer


async def test_a_closed_namespace_cannot_be_opened_again_after_sign_out(stage: Stage) -> None:
    cookie = stage.portal.sign_in(stage.cast.alice)
    async with open_tab(stage.portal, cookie) as tab:
        stage.query("delete from user_session where token_hash = sha256(%s::bytea)", cookie.encode())
        before = len(tab.received)
        await tab.client.eio.send("41/_event,")
        await tab.client.eio.send("40/_event,{}")
        await tab.call(name_of(VAULT, "load"))
        assert "CANARY" not in repr(tab.received[before:])


async def newcomer(stage: Stage, role: str = "agent") -> Someone:
    """Somebody new in Acme, through an invitation."""
    email, owner = f"{uuid4().hex[:8]}@acme.example", stage.cast.alice
    async with open_tab(stage.portal, stage.portal.session(owner)) as tab:
        await tab.call(name_of(SETTINGS, "invite"), {"form": {"email": email, "role": role}})
        token = tab.var(SETTINGS, "invite_link").rpartition("/")[2]
    with stage.portal.http() as http:
        answer = http.post("/auth/invitation", data={"token": token, "name": "Nora New", "password": PASSWORD})
    assert answer.status_code == 303
    (row,) = stage.query("select id, role from portal_user where email = %s", email)
    return Someone(row[0], "Nora New", email, row[1], owner.tenant_id)  # type: ignore[arg-type]


async def test_a_removed_member_is_cut_off_at_once(stage: Stage) -> None:
    nora = await newcomer(stage)
    cookie = stage.portal.sign_in(nora)
    async with open_tab(stage.portal, cookie) as hers, alices_settings(stage) as tab:
        await tab.call(name_of(SETTINGS, "remove_member"), {"user_id": str(nora.user_id)})
        assert await hers.closed(within=1)
    with stage.portal.http(cookie) as http:
        assert http.get("/").headers["location"] == "/login"


async def test_a_password_change_signs_other_browsers_out_but_not_this_one(stage: Stage) -> None:
    nora = await newcomer(stage)
    here, there = stage.portal.sign_in(nora), stage.portal.sign_in(nora)
    form = {"old_password": PASSWORD, "new_password": "another good phrase"}
    async with open_tab(stage.portal, here) as this, open_tab(stage.portal, there) as other:
        await this.call(name_of(SETTINGS, "change_password"), {"form": form})
        assert await other.closed(within=1)
        assert this.client.connected
        assert "is changed" in this.var(SETTINGS, "notice")


async def test_a_password_is_not_changed_without_the_old_one(stage: Stage) -> None:
    form = {"old_password": "not her password", "new_password": "another good phrase"}
    async with open_tab(stage.portal, stage.portal.session(stage.cast.charlie)) as tab:
        await tab.call(name_of(SETTINGS, "change_password"), {"form": form})
        assert "not your present password" in tab.var(SETTINGS, "old_password_error")
    stage.portal.sign_in(stage.cast.charlie)


async def test_ending_another_persons_session_answers_as_for_a_made_up_one(stage: Stage) -> None:
    stage.portal.session(stage.cast.charlie)
    (row,) = stage.query("select id from user_session where user_id = %s limit 1", stage.cast.charlie.user_id)
    await _same_answer(stage, "end_session", {"session_id": str(row[0])}, {"session_id": str(uuid4())})


async def test_another_clients_member_answers_as_a_made_up_one(stage: Stage) -> None:
    charlie = str(stage.cast.charlie.user_id)
    await _same_answer(stage, "remove_member", {"user_id": charlie}, {"user_id": str(uuid4())})
    roles = ({"user_id": charlie, "role": "agent"}, {"user_id": str(uuid4()), "role": "agent"})
    await _same_answer(stage, "change_role", *roles)
    assert stage.query("select role, disabled_at from portal_user where id = %s", charlie) == [("owner", None)]


async def test_another_clients_invitation_answers_as_a_made_up_one(stage: Stage) -> None:
    async with open_tab(stage.portal, stage.portal.session(stage.cast.charlie)) as tab:
        await tab.call(name_of(SETTINGS, "invite"), {"form": {"email": "gina@globex.example", "role": "agent"}})
    (row,) = stage.query("select id from invitation where email = 'gina@globex.example'")
    answers = ({"invitation_id": str(row[0])}, {"invitation_id": str(uuid4())})
    await _same_answer(stage, "revoke_invitation", *answers)


async def test_an_id_that_is_none_answers_the_same(stage: Stage) -> None:
    await _same_answer(stage, "end_session", {"session_id": "' or 1=1"}, {"session_id": str(uuid4())})


async def test_an_agent_cannot_change_the_team(stage: Stage) -> None:
    async with open_tab(stage.portal, stage.portal.session(stage.cast.bob)) as tab:
        answer = await tab.call(name_of(SETTINGS, "remove_member"), {"user_id": str(stage.cast.alice.user_id)})
        assert "Only an owner can change the team." in answer
        answer = await tab.call(name_of(SETTINGS, "invite"), {"form": {"email": "x@y.example", "role": "owner"}})
        assert "Only an owner can change the team." in answer


async def test_staff_cannot_change_a_clients_team(stage: Stage) -> None:
    async with open_tab(stage.portal, stage.portal.session(stage.cast.sam)) as tab:
        answer = await tab.call(name_of(SETTINGS, "remove_member"), {"user_id": str(stage.cast.alice.user_id)})
        assert "You are not allowed to do this." in answer


async def test_the_reader_sees_their_own_sessions_and_no_token(stage: Stage) -> None:
    cookie = stage.portal.session(stage.cast.alice)
    async with alices_settings(stage) as tab:
        await tab.call(name_of(SETTINGS, "load"))
        shown = tab.var(SETTINGS, "browsers")
    assert [row["is_this"] for row in shown].count(True) == 1
    assert cookie not in tab.all


async def test_a_new_name_shows_in_the_frame(stage: Stage) -> None:
    nora = await newcomer(stage)
    async with open_tab(stage.portal, stage.portal.sign_in(nora)) as tab:
        await tab.call(name_of(SETTINGS, "save_name"), {"form": {"name": "  Nora   Newton "}})
        assert tab.var(SESSION, "name") == "Nora Newton"


def alices_settings(stage: Stage) -> AbstractAsyncContextManager[Tab]:
    """A tab of the owner of Acme."""
    return open_tab(stage.portal, stage.portal.session(stage.cast.alice))


async def _same_answer(stage: Stage, handler: str, foreign: dict[str, str], made_up: dict[str, str]) -> None:
    async def ask(tab: Tab, payload: dict[str, str]) -> str:
        await tab.call(name_of(SESSION, "dismiss_trouble"))
        return await tab.call(name_of(SETTINGS, handler), payload)

    async with alices_settings(stage) as tab:
        first, second = await ask(tab, foreign), await ask(tab, made_up)
    assert GONE in first
    assert first == second
