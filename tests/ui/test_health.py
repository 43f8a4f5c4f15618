"""What machines are told when something is wrong, and what the web process refuses to serve on."""

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from tenant_portal import asgi, db, health
from tenant_portal.errors import SchemaUnsafe
from tenant_portal.ui.pages.settings.rows import describe


async def ask(path: str = "/readyz") -> httpx.Response:
    wire = httpx.ASGITransport(Starlette(routes=health.routes))
    async with httpx.AsyncClient(transport=wire, base_url="http://portal") as http:
        return await http.get(path)


async def test_it_is_ready_on_its_own_schema(database: str) -> None:
    answer = await ask()
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "ready", "no-store")


async def test_it_is_not_ready_on_the_schema_of_another_version(database: str, admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("update alembic_version set version_num = '0000'")
    answer = await ask()
    assert (answer.status_code, "another version" in answer.text) == (503, True)


async def test_it_is_not_ready_without_a_database_but_alive(database: str) -> None:
    db.use_database("postgresql://portal_web:secret-word@127.0.0.1:1/portal")
    answer = await ask()
    assert answer.status_code == 503
    assert "secret-word" not in answer.text
    assert (await ask("/healthz")).status_code == 200


async def test_the_web_process_does_not_start_on_a_schema_without_its_wall(database: str, admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("alter table message no force row level security")
    with pytest.raises(SchemaUnsafe):
        async with asgi.serving():
            pass


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("203.0.113.7", {}, False),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.7"}, False),
        ("127.0.0.1", {"forwarded": "for=203.0.113.7"}, False),
        ("unix", {}, False),
    ],
)
def test_only_a_direct_request_of_this_machine_is_local(address: str, headers: dict[str, str], local: bool) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert health.is_local(Request({"type": "http", "client": (address, 1), "headers": raw})) is local


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/17.0 Safari/605.1", "Safari on macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/140 Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) SamsungBrowser/29 Chrome/136 Safari/537", "Samsung Internet on Android"),
        ("curl/8.0", "Another browser"),
        ("Something on Windows", "A browser on Windows"),
        ("", "Another browser"),
    ],
)
def test_a_browser_is_named_as_its_owner_would(agent: str, words: str) -> None:
    assert describe(agent) == words
