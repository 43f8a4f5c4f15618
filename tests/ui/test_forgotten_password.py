"""A forgotten password over HTTP: one answer for all, and a link that only a click of the person's own uses up."""

import time
from statistics import median
from uuid import uuid4

import httpx
import pytest

from tests.cast import PASSWORD, Cast
from tests.portal_server import Portal, open_tab
from tests.ui.conftest import Stage
from tests.ui.mailbox import letters, token_for
from tests.ui.test_sessions import newcomer

NEW = "another good phrase"


@pytest.fixture(autouse=True)
def _a_fresh_address(stage: Stage) -> None:
    stage.query("delete from sign_in_attempt")


def ask(portal: Portal, email: str) -> httpx.Response:
    with portal.http() as http:
        return http.post("/auth/forgotten", data={"email": email})


def use(portal: Portal, token: str, password: str = NEW) -> httpx.Response:
    with portal.http() as http:
        return http.post("/auth/reset", data={"token": token, "password": password})


def test_known_unknown_and_asked_too_often_get_one_answer(stage: Stage, people: Cast) -> None:
    unknown = f"{uuid4().hex}@acme.example"
    answers = {email: [ask(stage.portal, email) for _ in range(5)] for email in (people.charlie.email, unknown)}
    texts = {one.text.replace(email, "ADDRESS") for email, found in answers.items() for one in found}
    shapes = {(one.status_code, len(one.headers)) for found in answers.values() for one in found}
    assert (len(texts), len(shapes)) == (1, 1)
    token_for(stage, people.charlie.email, "/auth/reset/", at_least=3)
    assert len([one for one in letters(stage, people.charlie.email) if "/auth/reset/" in one.link]) == 3


def test_an_unknown_address_takes_as_long_as_a_known_one(stage: Stage, people: Cast) -> None:
    def seconds(email: str) -> float:
        stage.query("delete from sign_in_attempt")
        start = time.perf_counter()
        ask(stage.portal, email)
        return time.perf_counter() - start

    pairs = [(seconds(people.sam.email), seconds(f"{uuid4().hex}@acme.example")) for _ in range(9)]
    known, unknown = (median(column) for column in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2


def test_an_address_that_is_none_gets_a_sentence_beside_its_field(portal: Portal) -> None:
    answer = ask(portal, '"><script>x')
    assert answer.status_code == 422
    assert "Enter an e-mail address" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<script" not in answer.text


async def test_from_the_question_to_the_new_password(stage: Stage) -> None:
    nora, portal = await newcomer(stage), stage.portal
    cookie = portal.sign_in(nora)
    assert ask(portal, nora.email).status_code == 200
    token = token_for(stage, nora.email, "/auth/reset/")
    async with open_tab(portal, cookie) as tab:
        with portal.http() as http:
            # Mail programs look at links before people do.
            pages = [http.get(f"/auth/reset/{token}") for _ in range(2)]
        weak = use(portal, token, "short")
        assert use(portal, token).status_code == 200
        assert await tab.closed(within=1)
    assert {page.status_code for page in pages} == {200}
    assert nora.email in pages[0].text
    assert (weak.status_code, "At least 12" in weak.text) == (422, True)
    assert use(portal, token).status_code == 404
    with portal.http() as http:
        old = http.post("/auth/login", data={"email": nora.email, "password": PASSWORD})
    assert old.status_code == 401
    assert portal.sign_in(nora, NEW)
    assert token not in portal.logged()


async def test_the_answer_signs_nobody_in(stage: Stage) -> None:
    nora = await newcomer(stage)
    ask(stage.portal, nora.email)
    token = token_for(stage, nora.email, "/auth/reset/")
    assert "set-cookie" not in use(stage.portal, token, PASSWORD).headers


@pytest.mark.parametrize("path", ["/auth/forgotten", "/auth/reset"])
@pytest.mark.parametrize("origin", ["", "https://evil.example", "null"])
def test_a_form_from_another_origin_is_refused(portal: Portal, people: Cast, path: str, origin: str) -> None:
    with portal.http(origin=origin) as http:
        answer = http.post(path, data={"email": people.alice.email, "token": "t", "password": NEW})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/auth/forgotten", "/auth/reset/made-up"])
def test_the_pages_hold_no_script(portal: Portal, path: str) -> None:
    with portal.http() as http:
        answer = http.get(path)
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
