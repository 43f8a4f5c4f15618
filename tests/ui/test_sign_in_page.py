"""Signing in and out over HTTP: CSRF, fixation, guessing, and where one lands."""

import re
import time
from statistics import median
from uuid import uuid4

import httpx
import pytest

from tests.cast import PASSWORD, Cast
from tests.portal_server import COOKIE, Portal, name_of, open_tab
from tests.ui.conftest import Stage
from tests.ui.test_sessions import SETTINGS

POSTS = ("/auth/login", "/auth/logout", "/auth/invitation")
ORIGINS = ["", "https://evil.example", "null", "http://127.0.0.1", "http://localhost:3000"]


def post_sign_in(portal: Portal, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
    with portal.http() as http:
        return http.post("/auth/login", data={"email": email, "password": password, **fields})


def test_the_right_password_leads_in_with_a_cookie_no_script_can_read(portal: Portal, people: Cast) -> None:
    answer = post_sign_in(portal, people.alice.email)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    for flag in ("httponly", "secure", "samesite=lax", "path=/", "max-age="):
        assert flag in cookie
    assert "domain" not in cookie


def test_the_email_address_may_be_typed_in_any_case(portal: Portal, people: Cast) -> None:
    assert post_sign_in(portal, f" {people.alice.email.upper()} ").status_code == 303


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_form_from_another_origin_is_refused(portal: Portal, people: Cast, path: str, origin: str) -> None:
    with portal.http(portal.session(people.bob), origin=origin) as http:
        answer = http.post(path, data={"email": people.alice.email, "password": PASSWORD, "token": "t", "name": "n"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_forged_sign_out_signs_nobody_out(portal: Portal, people: Cast) -> None:
    cookie = portal.sign_in(people.bob)
    with portal.http(cookie, origin="https://evil.example") as http:
        http.post("/auth/logout")
    with portal.http(cookie) as http:
        assert http.get("/login").status_code == 303


@pytest.mark.parametrize("path", POSTS)
def test_no_form_can_be_sent_by_a_link(portal: Portal, path: str) -> None:
    with portal.http() as http:
        assert http.get(path).status_code in {404, 405}


def test_a_planted_cookie_is_not_taken_over_at_sign_in(portal: Portal, people: Cast) -> None:
    with portal.http("planted-by-somebody-else") as http:
        answer = http.post("/auth/login", data={"email": people.alice.email, "password": PASSWORD})
        assert answer.cookies[COOKIE] != "planted-by-somebody-else"
    with portal.http("planted-by-somebody-else") as http:
        assert http.get("/").headers["location"] == "/login"


def test_an_earlier_session_is_not_reused_at_sign_in(portal: Portal, people: Cast) -> None:
    assert portal.sign_in(people.alice) != portal.sign_in(people.alice)


def test_sign_in_and_sign_out_clear_what_the_browser_stored(portal: Portal, people: Cast) -> None:
    with portal.http(portal.sign_in(people.bob)) as http:
        left = http.post("/auth/logout")
    assert left.headers["clear-site-data"] == '"storage"'
    assert re.search(rf'{COOKIE}="?"?;.*max-age=0', left.headers["set-cookie"], re.IGNORECASE)
    assert post_sign_in(portal, people.alice.email).headers["clear-site-data"] == '"storage"'


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example", "/auth/logout", "/\\evil.example", ""])
def test_sign_in_leads_to_no_other_site(portal: Portal, people: Cast, goal: str) -> None:
    assert post_sign_in(portal, people.alice.email, next=goal).headers["location"] == "/"


def test_sign_in_leads_back_to_the_page_that_was_asked_for(portal: Portal, people: Cast) -> None:
    with portal.http() as http:
        assert http.get("/leads").headers["location"] == "/login?next=/leads"
        assert 'value="/leads"' in http.get("/login?next=/leads").text
    assert post_sign_in(portal, people.alice.email, next="/leads").headers["location"] == "/leads"


def test_whoever_is_signed_in_sees_no_sign_in_page(portal: Portal, people: Cast) -> None:
    with portal.http(portal.session(people.alice)) as http:
        assert http.get("/login?next=//evil.example").headers["location"] == "/"


def test_unknown_wrong_and_blocked_get_one_answer(portal: Portal, people: Cast) -> None:
    email, unknown = f"{uuid4().hex}@acme.example", f"{uuid4().hex}@acme.example"
    blocked = [post_sign_in(portal, unknown, "wrong") for _ in range(7)][-1]
    answers = [blocked, post_sign_in(portal, email, "wrong"), post_sign_in(portal, people.charlie.email, "wrong")]
    texts = {re.sub(r"[^\s\"]+@[^\s\"]+", "", answer.text) for answer in answers}
    assert {answer.status_code for answer in answers} == {401}
    assert len(texts) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_an_unknown_address_takes_as_long_as_a_known_one(portal: Portal, people: Cast) -> None:
    def seconds(email: str) -> float:
        start = time.perf_counter()
        post_sign_in(portal, email, "wrong")
        return time.perf_counter() - start

    known = median(seconds(people.sam.email) for _ in range(4))
    unknown = median(seconds(f"{uuid4().hex}@acme.example") for _ in range(4))
    # Both compute one Argon2id hash of some 30 ms; without it an answer takes a tenth of that.
    assert 0.3 < known / unknown < 3


async def test_twenty_wrong_passwords_close_the_account_for_a_while_even_to_the_right_one(stage: Stage) -> None:
    portal, email = stage.portal, f"{uuid4().hex[:8]}@globex.example"
    async with open_tab(portal, portal.session(stage.cast.charlie)) as tab:
        await tab.call(name_of(SETTINGS, "invite"), {"form": {"email": email, "role": "agent"}})
        token = tab.var(SETTINGS, "invite_link").rpartition("/")[2]
    with portal.http() as http:
        http.post("/auth/invitation", data={"token": token, "name": "Gus", "password": PASSWORD})
    assert {post_sign_in(portal, email, f"wrong {number}").status_code for number in range(20)} == {401}
    assert post_sign_in(portal, email).status_code == 401
    _forget_address_failures(stage)


def _forget_address_failures(stage: Stage) -> None:
    # All tests of this folder come from one address.
    stage.query("delete from sign_in_attempt where key like 'address:%%'")


@pytest.fixture(autouse=True)
def _a_fresh_address(stage: Stage) -> None:
    _forget_address_failures(stage)


def test_what_was_typed_is_shown_again_without_its_markup(portal: Portal) -> None:
    answer = post_sign_in(portal, '"><script>alert(1)</script>@x.example', "wrong")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("body", [b"", b"email=a", b"\xff\xfe=\x00", b"email=" + b"x" * 10_000, b"&&&=&=="])
def test_a_strange_form_is_a_failed_sign_in(portal: Portal, body: bytes) -> None:
    with portal.http() as http:
        answer = http.post("/auth/login", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code in {400, 401}


def test_a_form_beyond_16_kb_is_not_read(portal: Portal) -> None:
    with portal.http() as http:
        assert http.post("/auth/login", data={"email": "x" * 17_000}).status_code == 403


def test_a_file_is_no_password(portal: Portal, people: Cast) -> None:
    with portal.http() as http:
        answer = http.post("/auth/login", data={"email": people.alice.email}, files={"password": PASSWORD.encode()})
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize("token", ["made-up", "x" * 43, "%00", "..%2f..%2fstaff"])
def test_a_made_up_invitation_says_so(portal: Portal, token: str) -> None:
    with portal.http() as http:
        answer = http.get(f"/invitation/{token}")
    assert answer.status_code in {303, 404}
    if answer.status_code == 404 and "Tenant Portal" in answer.text:
        assert "not valid any more" in answer.text


async def test_an_invitation_page_names_the_client_and_the_address_and_no_more(stage: Stage) -> None:
    portal = stage.portal
    async with open_tab(portal, portal.session(stage.cast.alice)) as tab:
        await tab.call(name_of(SETTINGS, "invite"), {"form": {"email": "page@acme.example", "role": "agent"}})
        link = tab.var(SETTINGS, "invite_link")
    with portal.http() as http:
        page = http.get(link.removeprefix(portal.origin))
        weak = http.post("/auth/invitation", data={"token": link.rpartition("/")[2], "name": "", "password": "x"})
    assert page.status_code == 200
    assert "Join Acme" in page.text
    assert "page@acme.example" in page.text
    assert weak.status_code == 422
    assert link.rpartition("/")[2] not in portal.logged()
