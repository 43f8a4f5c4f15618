"""Two-step sign-in over HTTP: no cookie before the second step, and what its pages show."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pyotp
import pytest

from tests.cast import PASSWORD, Someone
from tests.portal_server import COOKIE, Portal, name_of, open_tab
from tests.ui.conftest import Stage
from tests.ui.test_sessions import SETTINGS, alices_settings, newcomer

POSTS = ("/auth/two-step", "/auth/two-step/on", "/auth/two-step/codes", "/auth/two-step/off")
STEP = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _a_fresh_address(stage: Stage) -> None:
    stage.query("delete from sign_in_attempt")


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return found[1]


def secret_in(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None, page
    return found[1].replace(" ", "")


def recovery_codes_in(page: str) -> list[str]:
    return re.findall(r"<li>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</li>", page)


def code_of(secret: str, by: timedelta = timedelta(0)) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + by)


def post(portal: Portal, path: str, cookie: str = "", **form: str) -> httpx.Response:
    with portal.http(cookie) as http:
        return http.post(path, data=form)


def type_password(portal: Portal, who: Someone) -> httpx.Response:
    return post(portal, "/auth/login", email=who.email, password=PASSWORD, next="/leads")


def turn_on(portal: Portal, cookie: str) -> tuple[str, httpx.Response]:
    """The secret, and the page with the recovery codes."""
    with portal.http(cookie) as http:
        secret = secret_in(http.get("/auth/two-step").text)
    return secret, post(portal, "/auth/two-step/on", cookie, code=code_of(secret), password=PASSWORD)


@pytest.fixture
async def nora(stage: Stage) -> Someone:
    return await newcomer(stage)


@pytest.fixture
def required(stage: Stage) -> Iterator[None]:
    """Acme's team needs it, until the test is over."""
    stage.query("update tenant set two_factor_required = true where name = 'Acme'")
    yield
    stage.query("update tenant set two_factor_required = false where name = 'Acme'")


def test_from_the_password_over_the_code_into_the_portal(stage: Stage, nora: Someone) -> None:
    portal = stage.portal
    secret, done = turn_on(portal, portal.sign_in(nora))
    assert len(recovery_codes_in(done.text)) == 10
    asked = type_password(portal, nora)
    assert (asked.status_code, "set-cookie" in asked.headers) == (200, False)
    note = field(asked.text, "note")
    wrong = post(portal, "/auth/two-step", note=note, code="000000", next="/leads")
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert "This code is wrong" in wrong.text
    code = code_of(secret, STEP)
    entered = post(portal, "/auth/two-step", note=note, code=code, next=field(asked.text, "next"))
    assert (entered.status_code, entered.headers["location"]) == (303, "/leads")
    cookie = entered.headers["set-cookie"].lower()
    assert all(flag in cookie for flag in ("httponly", "secure", "samesite=lax"))
    again = post(portal, "/auth/two-step", note=note, code=code)
    assert (again.status_code, "set-cookie" in again.headers) == (401, False)
    for secret_word in (secret, code, note, *recovery_codes_in(done.text)):
        assert secret_word not in portal.logged()


def test_the_note_after_the_password_is_no_cookie(stage: Stage, nora: Someone) -> None:
    turn_on(stage.portal, stage.portal.sign_in(nora))
    note = field(type_password(stage.portal, nora).text, "note")
    with stage.portal.http(note) as http:
        assert http.get("/").headers["location"] == "/login"


def test_a_recovery_code_lets_in_once(stage: Stage, nora: Someone) -> None:
    portal = stage.portal
    _, done = turn_on(portal, portal.sign_in(nora))
    spare = recovery_codes_in(done.text)[0]
    answers = [
        post(portal, "/auth/two-step", note=field(type_password(portal, nora).text, "note"), code=spare)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [303, 401]


@pytest.mark.parametrize("note", ["", "made-up"])
def test_without_a_right_password_a_code_is_nothing(portal: Portal, note: str) -> None:
    answer = post(portal, "/auth/two-step", note=note, code="000000")
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert "Sign in again" in answer.text


def test_setting_it_up_needs_the_password_again(stage: Stage, nora: Someone) -> None:
    portal = stage.portal
    cookie = portal.sign_in(nora)
    with portal.http(cookie) as http:
        page = http.get("/auth/two-step").text
    secret = secret_in(page)
    wrong = post(portal, "/auth/two-step/on", cookie, code=code_of(secret), password="not hers")
    assert (wrong.status_code, "This is not your password" in wrong.text) == (422, True)
    # The picture on the screen stays good for the next try.
    assert secret_in(wrong.text) == secret
    assert "<svg" in page
    assert type_password(portal, nora).status_code == 303


def test_turning_it_off_and_new_codes_need_the_password(stage: Stage, nora: Someone) -> None:
    portal = stage.portal
    cookie = portal.sign_in(nora)
    turn_on(portal, cookie)
    for path in ("/auth/two-step/codes", "/auth/two-step/off"):
        wrong = post(portal, path, cookie, password="not hers")
        assert (wrong.status_code, recovery_codes_in(wrong.text)) == (422, [])
    fresh = post(portal, "/auth/two-step/codes", cookie, password=PASSWORD)
    assert len(recovery_codes_in(fresh.text)) == 10
    off = post(portal, "/auth/two-step/off", cookie, password=PASSWORD)
    assert (off.status_code, off.headers["location"]) == (303, "/settings")
    assert type_password(portal, nora).status_code == 303


def test_whoever_must_have_it_sets_it_up_before_there_is_a_session(stage: Stage, nora: Someone, required: None) -> None:
    portal = stage.portal
    asked = type_password(portal, nora)
    assert (asked.status_code, "set-cookie" in asked.headers) == (200, False)
    secret, note = secret_in(asked.text), field(asked.text, "note")
    wrong = post(portal, "/auth/two-step/on", note=note, code="000000", next="/leads")
    assert (wrong.status_code, secret_in(wrong.text), "set-cookie" in wrong.headers) == (422, secret, False)
    done = post(portal, "/auth/two-step/on", note=note, code=code_of(secret), next="/leads")
    assert len(recovery_codes_in(done.text)) == 10
    assert 'href="/leads"' in done.text
    with portal.http(done.cookies[COOKIE]) as http:
        assert http.get("/login").status_code == 303
        assert "Your team requires it." in http.get("/auth/two-step").text
    off = post(portal, "/auth/two-step/off", done.cookies[COOKIE], password=PASSWORD)
    assert (off.status_code, "Your team requires" in off.text) == (409, True)


async def test_a_newcomer_to_such_a_team_sets_it_up_too(stage: Stage, required: None) -> None:
    email = f"{uuid4().hex[:8]}@acme.example"
    async with alices_settings(stage) as tab:
        await tab.call(name_of(SETTINGS, "invite"), {"form": {"email": email, "role": "agent"}})
        token = tab.var(SETTINGS, "invite_link").rpartition("/")[2]
    joined = post(stage.portal, "/auth/invitation", token=token, name="Nina New", password=PASSWORD)
    assert (joined.status_code, "set-cookie" in joined.headers) == (200, False)
    assert "Set up two-step sign-in" in joined.text


async def test_an_owner_sees_and_resets_a_colleagues_whose_tab_is_cut(stage: Stage, nora: Someone) -> None:
    cookie = stage.portal.sign_in(nora)
    turn_on(stage.portal, cookie)
    async with open_tab(stage.portal, cookie) as hers, alices_settings(stage) as tab:
        await tab.call(name_of(SETTINGS, "load"))
        shown = {row["user_id"]: row["has_second_step"] for row in tab.var(SETTINGS, "members")}
        assert shown[str(nora.user_id)]
        await tab.call(name_of(SETTINGS, "reset_second_step"), {"user_id": str(nora.user_id)})
        assert await hers.closed(within=1)
    assert type_password(stage.portal, nora).status_code == 303


async def test_agents_and_other_clients_change_nothing(stage: Stage, nora: Someone) -> None:
    turn_on(stage.portal, stage.portal.sign_in(nora))
    who = {"user_id": str(nora.user_id)}
    async with open_tab(stage.portal, stage.portal.session(stage.cast.bob)) as tab:
        assert "Only an owner" in await tab.call(name_of(SETTINGS, "reset_second_step"), who)
        assert "Only an owner" in await tab.call(name_of(SETTINGS, "require_second_step"), {"is_required": True})
    async with open_tab(stage.portal, stage.portal.session(stage.cast.charlie)) as tab:
        theirs = await tab.call(name_of(SETTINGS, "reset_second_step"), who)
        nobodys = await tab.call(name_of(SETTINGS, "reset_second_step"), {"user_id": str(uuid4())})
    assert "This no longer exists." in theirs
    assert "This no longer exists." in nobodys
    assert stage.query("select 1 from second_factor where user_id = %s", nora.user_id) == [(1,)]


async def test_neither_secret_nor_codes_are_in_a_pages_state(stage: Stage, nora: Someone) -> None:
    cookie = stage.portal.sign_in(nora)
    secret, done = turn_on(stage.portal, cookie)
    async with open_tab(stage.portal, cookie) as tab:
        await tab.call(name_of(SETTINGS, "load"))
        assert (tab.var(SETTINGS, "has_second_step"), tab.var(SETTINGS, "codes_left")) == (True, 10)
        assert not [word for word in (secret, *recovery_codes_in(done.text)) if word in tab.all]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("origin", ["", "https://evil.example"])
def test_a_form_from_another_origin_is_refused(stage: Stage, path: str, origin: str) -> None:
    with stage.portal.http(stage.portal.session(stage.cast.bob), origin=origin) as http:
        answer = http.post(path, data={"password": PASSWORD, "code": "000000"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", POSTS[1:])
def test_nobody_is_led_to_the_sign_in(portal: Portal, path: str) -> None:
    answer = post(portal, path, password=PASSWORD)
    assert answer.status_code in {303, 401}
    with portal.http() as http:
        assert http.get("/auth/two-step").headers["location"] == "/login"


def test_the_pages_hold_no_script_and_are_not_kept(stage: Stage, nora: Someone) -> None:
    with stage.portal.http(stage.portal.sign_in(nora)) as http:
        answer = http.get("/auth/two-step")
    assert "<script" not in answer.text
    assert 'style="' not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
