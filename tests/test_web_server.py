"""Whose word the web process takes for a client's address."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

from tenant_portal.web_server import configure

pytestmark = pytest.mark.usefixtures("settings_anew")


async def _who(request: Request) -> PlainTextResponse:
    assert request.client
    return PlainTextResponse(request.client.host)


def echo() -> Router:
    """An application that answers with the client's address."""
    return Router([Route("/", _who)])


@pytest.mark.parametrize(
    ("proxies", "peer", "seen"),
    [
        ("172.30.57.0/24", "172.30.57.9", "203.0.113.7"),
        ("172.30.57.0/24", "172.30.58.9", "172.30.58.9"),
        ("127.0.0.1,10.0.0.1", "10.0.0.1", "203.0.113.7"),
        ("", "127.0.0.1", "203.0.113.7"),
        ("", "10.0.0.1", "10.0.0.1"),
    ],
)
async def test_only_a_trusted_proxy_says_who_the_client_is(
    monkeypatch: pytest.MonkeyPatch, proxies: str, peer: str, seen: str
) -> None:
    if proxies:
        monkeypatch.setenv("PORTAL_TRUSTED_PROXIES", proxies)
    config = configure("tests.test_web_server:echo", "127.0.0.1", 0)
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as http:
        assert (await http.get("/", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})).text == seen
