"""What the gate answers over HTTP: pages, scripts, headers, machines."""

import httpx
import pytest

from tests.cast import Cast
from tests.portal_server import Portal

CLIENT_PAGES = ("/", "/inbox", "/inbox/0", "/leads", "/channels", "/settings", "/anything")
STAFF_PAGES = ("/staff", "/staff/quarantine", "/staff/simulator", "/staff/settings", "/staff/tenants/0")


@pytest.mark.parametrize("path", [*CLIENT_PAGES, *STAFF_PAGES, "/signed-out"])
def test_a_page_without_a_session_leads_to_the_sign_in(portal: Portal, path: str) -> None:
    with portal.http() as http:
        answer = http.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_a_client_who_asks_for_a_staff_page_is_led_home(portal: Portal, people: Cast, path: str) -> None:
    with portal.http(portal.session(people.alice)) as http:
        assert http.get(path).headers["location"] == "/"


@pytest.mark.parametrize("path", CLIENT_PAGES)
def test_staff_who_ask_for_a_clients_page_are_led_to_the_tenants(portal: Portal, people: Cast, path: str) -> None:
    with portal.http(portal.session(people.sam)) as http:
        assert http.get(path).headers["location"] == "/staff"


@pytest.mark.parametrize("path", ["//staff", "/staff/", "/./staff", "/%73taff", "/x/../staff", "/STAFF"])
def test_no_spelling_of_a_staff_page_is_open_to_a_client(portal: Portal, people: Cast, path: str) -> None:
    with portal.http(portal.session(people.alice)) as http:
        answer = http.get(path)
    assert answer.status_code in {303, 404}


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        ("/assets/entry.js", None, 403),
        ("/assets/_staff_._index-1.js", None, 403),
        ("/assets/_staff_._index-1.js", "alice", 403),
        ("/assets/_staff_._index-1.js", "sam", 404),
        ("/assets/entry.js", "alice", 404),
    ],
)
def test_scripts_are_served_to_those_they_are_for(
    portal: Portal, people: Cast, path: str, who: str | None, status: int
) -> None:
    with portal.http(portal.session(getattr(people, who)) if who else "") as http:
        assert http.get(path).status_code == status


@pytest.mark.parametrize("path", ["/login", "/settings", "/auth/login", "/assets/x.js", "/healthz", "/nothing.txt"])
def test_every_answer_carries_the_security_headers(portal: Portal, path: str) -> None:
    with portal.http() as http:
        headers = http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_no_foreign_origin_is_echoed(portal: Portal, people: Cast) -> None:
    with portal.http(portal.session(people.alice), origin="https://evil.example") as http:
        assert "access-control-allow-origin" not in http.get("/healthz").headers


def test_the_sign_in_page_runs_no_script_and_cannot_be_framed(portal: Portal) -> None:
    with portal.http() as http:
        policy = http.get("/login").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_event_address_is_no_page(portal: Portal) -> None:
    with portal.http() as http:
        assert http.get("/_event/?EIO=4&transport=polling").status_code == 403


def test_a_reader_at_the_wrong_name_of_this_machine_is_led_to_the_right_one(portal: Portal) -> None:
    with portal.http() as http:
        answer = http.get("/leads", headers={"Host": portal.origin.replace("http://127.0.0.1", "localhost")})
    assert answer.headers["location"] == f"{portal.origin}/leads"


def test_a_foreign_host_name_is_never_redirected_to(portal: Portal) -> None:
    with portal.http() as http:
        answer = http.get("/leads", headers={"Host": "evil.example"})
    assert "evil.example" not in answer.headers["location"]


def test_machines_can_ask_whether_it_lives_and_serves(portal: Portal) -> None:
    with portal.http() as http:
        assert (http.get("/healthz").text, http.get("/readyz").text) == ("ok", "ready")


def test_figures_are_for_this_machine_and_for_staff(portal: Portal, people: Cast) -> None:
    proxied = {"X-Forwarded-For": "203.0.113.7"}
    with portal.http() as http:
        assert "portal_" in http.get("/metrics").text
        assert http.get("/metrics", headers=proxied).status_code == 404
    assert _figures(portal, portal.session(people.alice), proxied).status_code == 404
    assert _figures(portal, portal.session(people.sam), proxied).status_code == 200


def _figures(portal: Portal, cookie: str, headers: dict[str, str]) -> httpx.Response:
    with portal.http(cookie) as http:
        return http.get("/metrics", headers=headers)


def test_webhooks_need_no_session_but_a_signature(portal: Portal) -> None:
    with portal.http() as http:
        answer = http.post(f"/api/webhooks/sms?account=AC{'0' * 32}", data={"AccountSid": f"AC{'0' * 32}"})
    assert answer.status_code in {403, 404}
    assert "location" not in answer.headers
