"""Each row of the attack table, by a raw socket.io client against the real web process."""

import asyncio
import time
from uuid import uuid4

import pytest

from tenant_portal.ui import live
from tests.cast import Cast
from tests.portal_server import STATE, Portal, name_of, open_tab
from tests.ui.canary import SECRET
from tests.ui.conftest import Stage

VAULT = "tests___ui___attack_app____vault_state"
BACK_OFFICE = "tests___ui___attack_app____back_office_state"
CHECKED = "tests___ui___attack_app____checked_staff_state"
FORGOTTEN = "tests___ui___attack_app____forgotten_state"
SESSION = "tenant_portal___ui___session_state____session_state"


async def test_a_websocket_without_a_cookie_is_refused(portal: Portal) -> None:
    with pytest.raises(ConnectionError):
        async with open_tab(portal):
            pass


@pytest.mark.parametrize("origin", ["", "https://evil.example", "http://127.0.0.1", "null"])
async def test_a_websocket_from_another_origin_is_refused(portal: Portal, people: Cast, origin: str) -> None:
    with pytest.raises(ConnectionError):
        async with open_tab(portal, portal.session(people.alice), origin=origin):
            pass


@pytest.mark.parametrize("cookie", ["made-up", "", "x" * 9000])
async def test_a_websocket_with_a_made_up_cookie_is_refused(portal: Portal, cookie: str) -> None:
    with pytest.raises(ConnectionError):
        async with open_tab(portal, cookie):
            pass


async def test_a_signed_in_tab_sees_its_own_client(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        await tab.call(name_of(VAULT, "load"))
        assert tab.var(VAULT, "secret") == f"{SECRET}-Acme"


async def test_a_state_that_nobody_listed_cannot_be_called(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        assert SECRET not in await tab.call(name_of(FORGOTTEN, "helper_grant"), {"role": "ADMIN"})


@pytest.mark.parametrize("state", [BACK_OFFICE, VAULT, SESSION])
async def test_no_variable_can_be_set_from_outside(portal: Portal, people: Cast, state: str) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        answer = await tab.call(name_of(state, "setvar"), {"var_name": "secret", "value": SECRET})
        assert SECRET not in answer


async def test_storage_variables_cannot_be_sent(portal: Portal, people: Cast) -> None:
    update = f"{STATE}.reflex___state____update_vars_internal_state.update_vars_internal"
    async with open_tab(portal, portal.session(people.alice)) as tab:
        assert SECRET not in await tab.call(update, {"vars": {f"{name_of(VAULT)}.secret": SECRET}})


async def test_a_client_cannot_call_a_staff_handler_even_an_unchecked_one(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        assert await tab.call(name_of(BACK_OFFICE, "open_books")) == "[]"


async def test_staff_can_call_it(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.sam)) as tab:
        await tab.call(name_of(CHECKED, "load"))
        assert tab.var(CHECKED, "seen") == "staff-Sam Smith"


async def test_staff_cannot_call_a_clients_handler(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.sam)) as tab:
        assert await tab.call(name_of(VAULT, "load")) == "[]"


async def test_a_handler_in_the_connect_packet_is_checked_too(portal: Portal, people: Cast) -> None:
    boot = f"{BACK_OFFICE}.open_books"
    async with open_tab(portal, portal.session(people.alice), boot=boot) as tab:
        assert SECRET not in tab.all


GOOD = {"n": 17, "words": ["a"], "form": {"a": "b"}}


@pytest.mark.parametrize(
    "payload",
    [
        {**GOOD, "n": "not a number"},
        {**GOOD, "n": {"$ne": 1}},
        {**GOOD, "n": None},
        {**GOOD, "words": "text"},
        {**GOOD, "words": [1, {"a": 1}]},
        {**GOOD, "form": ["a"]},
        {**GOOD, "person": "alice"},
        ["n", 1],
        "text",
    ],
)
async def test_arguments_of_the_wrong_type_never_reach_a_handler(portal: Portal, people: Cast, payload: object) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        assert await tab.call(name_of(VAULT, "take_number"), payload) == "[]"


async def test_arguments_of_the_right_type_do(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        await tab.call(name_of(VAULT, "take_number"), GOOD)
        assert tab.var(VAULT, "ran") == ["int-list-dict"]


async def test_forged_headers_in_an_event_change_nothing(portal: Portal, people: Cast) -> None:
    forged = {"headers": {"cookie": f"portal_session={portal.session(people.alice)}"}, "ip": "1.2.3.4", "token": "t"}
    async with open_tab(portal, portal.session(people.charlie)) as tab:
        await tab.call(name_of(VAULT, "load"), **forged)
        assert tab.var(VAULT, "secret") == f"{SECRET}-Globex"


async def test_a_forged_path_opens_no_staff_page(portal: Portal, people: Cast) -> None:
    load = f"{STATE}.reflex___state____on_load_internal_state.on_load_internal"
    async with open_tab(portal, portal.session(people.alice)) as tab:
        await tab.call(load, pathname="/staff", asPath="/staff", query={"tenant_id": str(people.globex.tenant_id)})
        assert "Globex" not in tab.all


async def test_the_token_of_an_open_tab_gives_an_empty_state(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as victim:
        await victim.call(name_of(VAULT, "load"))
        async with open_tab(portal, portal.session(people.charlie), token=victim.token) as thief:
            assert SECRET not in thief.all
            assert thief.new_token not in {"", victim.token}


async def test_the_token_of_a_closed_tab_opens_nothing(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as victim:
        await victim.call(name_of(VAULT, "load"))
    async with open_tab(portal, portal.session(people.charlie), token=victim.token) as thief:
        await thief.call(name_of(VAULT, "load"))
        assert SECRET not in thief.all
        assert "Alice" not in thief.all
        assert "/signed-out" in thief.all


async def test_the_token_of_a_closed_tab_opens_nothing_within_one_client_either(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as victim:
        await victim.call(name_of(VAULT, "load"))
    async with open_tab(portal, portal.session(people.bob), token=victim.token) as thief:
        assert SECRET not in thief.all


async def test_whoever_took_over_a_token_receives_no_live_updates(stage: Stage) -> None:
    portal, people = stage.portal, stage.cast
    async with open_tab(portal, portal.session(people.alice)) as victim:
        await victim.call(name_of(VAULT, "load"))
    async with open_tab(portal, portal.session(people.charlie), token=victim.token) as thief:
        before = len(thief.received)
        stage.query("select pg_notify('portal_live', %s)", str(people.acme.tenant_id))
        await asyncio.sleep(0.5)
        assert thief.received[before:] == []


async def test_a_live_update_pokes_only_the_tenants_own_tabs(stage: Stage) -> None:
    portal, people = stage.portal, stage.cast
    async with (
        open_tab(portal, portal.session(people.alice)) as own,
        open_tab(portal, portal.session(people.charlie)) as other,
    ):
        for tab in (own, other):
            await tab.call(name_of(VAULT, "load"))
        heard = len(other.received)
        stage.query("select pg_notify('portal_live', %s)", f"{uuid4()},{people.acme.tenant_id}")
        await own.quiet()
        assert name_of(VAULT, "poked") in repr(own.received[-1])
        assert other.received[heard:] == []


async def test_a_burst_of_updates_is_one_poke_now_and_one_later(stage: Stage) -> None:
    portal, people = stage.portal, stage.cast
    async with open_tab(portal, portal.session(people.alice)) as tab:
        await tab.call(name_of(VAULT, "load"))
        before, begun = len(tab.received), time.monotonic()
        for _ in range(20):
            stage.query("select pg_notify('portal_live', %s)", str(people.acme.tenant_id))
        # A busy machine spreads the burst; each poke brings an event, and perhaps an answer.
        gaps = (time.monotonic() - begun) / live.GAP_SECONDS
        await tab.quiet(0.5)
        assert 2 <= len(tab.received) - before <= 4 + 2 * gaps


async def test_after_a_lost_database_connection_everybody_asks_again(stage: Stage) -> None:
    people, portal = stage.cast, stage.portal
    async with (
        open_tab(portal, portal.session(people.alice)) as tab,
        open_tab(portal, portal.sign_in(people.sam)) as staff,
    ):
        before = (len(tab.received), len(staff.received))
        listener = "datname = current_database() and query like 'listen portal%%'"
        cut = f"select pg_terminate_backend(pid) from pg_stat_activity where {listener}"
        assert (True,) in stage.query(cut)
        await asyncio.sleep(1.6)
        assert "session_state.refresh" in repr(tab.received[before[0] :])
        assert "session_state.refresh" in repr(staff.received[before[1] :])


@pytest.mark.parametrize("path", ["/_upload", "/_all_routes"])
def test_there_is_no_upload_route(portal: Portal, people: Cast, path: str) -> None:
    with portal.http(portal.session(people.alice)) as http:
        answer = http.post(path, headers={"reflex-client-token": "t"}, files={"files": b"x"})
        assert answer.status_code in {404, 405}


async def test_an_unknown_handler_name_and_the_cookie_are_not_logged(portal: Portal, people: Cast) -> None:
    cookie, marker = portal.session(people.alice), f"{STATE}.marker_{uuid4().hex}"
    async with open_tab(portal, cookie) as tab:
        await tab.call(marker, {"phone": "+4915112345678"})
        await tab.client.emit("event", f"text {marker}", namespace="/_event")
        await tab.client.emit("client_error", {"message": marker}, namespace="/_event")
        await tab.quiet()
    for hidden in (marker, cookie, "+4915112345678", tab.token):
        assert hidden not in portal.logged()


@pytest.mark.parametrize("data", ["text", 17, None, [], {"name": 3}, {"name": None, "payload": {}}, {"payload": {}}])
async def test_an_event_that_is_none_leaves_the_tab_alive(portal: Portal, people: Cast, data: object) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        await tab.client.emit("event", data, namespace="/_event")
        await tab.call(name_of(VAULT, "load"))
        assert tab.var(VAULT, "secret") == f"{SECRET}-Acme"


async def test_a_flood_is_cut_off(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        for _ in range(100):
            await tab.send(name_of(SESSION, "dismiss_trouble"))
        assert await tab.closed(within=3)


async def test_an_event_beyond_64_kb_cuts_the_socket(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        await tab.send(name_of(SESSION, "tell_trouble"), {"text": "x" * 70_000})
        assert await tab.closed(within=3)


async def test_a_session_holds_at_most_thirty_sockets(portal: Portal, people: Cast) -> None:
    cookie, tabs = portal.sign_in(people.bob), []
    try:
        with pytest.raises(ConnectionError):
            for _ in range(31):
                opened = open_tab(portal, cookie, boot=None)
                await opened.__aenter__()
                tabs.append(opened)
    finally:
        await asyncio.gather(*(tab.__aexit__(None, None, None) for tab in tabs))
    assert len(tabs) == 30


async def test_the_text_of_an_error_reaches_no_browser(portal: Portal, people: Cast) -> None:
    async with open_tab(portal, portal.session(people.alice)) as tab:
        answer = await tab.call(name_of(VAULT, "fail"))
        assert SECRET not in answer
        assert "Something went wrong here" in answer
        assert "Traceback" not in answer
    assert "a page failed" in portal.logged()
    assert "\nValueError\n" in portal.logged()
    assert SECRET not in portal.logged()
