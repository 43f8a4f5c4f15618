"""The media route: a file for its own people, the same 404 for everybody else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from tenant_portal import db, object_store
from tenant_portal.identity.cookies import cookie_name
from tenant_portal.identity.sessions import begin
from tenant_portal.inbox import http
from tenant_portal.models import Media, User
from tenant_portal.models.enums import MediaState
from tenant_portal.models.ids import uuid7
from tests.cast import Cast, Company, Someone
from tests.threads import receive

pytestmark = pytest.mark.database
SOUND = bytes(range(256)) * 40


async def keep(company: Company, content: bytes = SOUND, content_type: str = "audio/mpeg") -> UUID:
    file = {"id": str(uuid7()), "position": 0, "url": "https://x/0", "type": content_type}
    await receive(company, media=[file])
    media_id = UUID(str(file["id"]))
    key = object_store.key_of(company.tenant_id, media_id)
    await object_store.put(key, content)
    async with db.tenant_session(company.tenant_id) as session:
        row = await session.get_one(Media, (company.tenant_id, media_id))
        row.state, row.object_key, row.content_type, row.size_bytes = MediaState.STORED, key, content_type, len(content)
    return media_id


@pytest_asyncio.fixture
async def web(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=http.routes))
    async with httpx.AsyncClient(transport=transport, base_url="https://portal.example.com") as client:
        yield client


async def cookie(someone: Someone) -> dict[str, str]:
    async with db.identity_session() as session:
        user = await session.get_one(User, someone.user_id)
        token = await begin(session, user, address="127.0.0.1", user_agent="", now=datetime.now(UTC))
    return {"Cookie": f"{cookie_name()}={token}"}


async def test_the_team_gets_the_file_as_it_is(cast: Cast, web: httpx.AsyncClient) -> None:
    answer = await web.get(f"/media/{await keep(cast.acme)}", headers=await cookie(cast.bob))
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/mpeg"


@pytest.mark.parametrize(
    ("header", "content", "content_range"),
    [
        ("bytes=0-9", SOUND[:10], "bytes 0-9/10240"),
        ("bytes=10000-", SOUND[10000:], "bytes 10000-10239/10240"),
        ("bytes=-16", SOUND[-16:], "bytes 10224-10239/10240"),
        ("bytes=5-999999", SOUND[5:], "bytes 5-10239/10240"),
    ],
)
async def test_a_player_gets_the_part_it_asks_for(
    cast: Cast, web: httpx.AsyncClient, header: str, content: bytes, content_range: str
) -> None:
    headers = {"Range": header} | await cookie(cast.bob)
    answer = await web.get(f"/media/{await keep(cast.acme)}", headers=headers)
    assert (answer.status_code, answer.content, answer.headers["content-range"]) == (206, content, content_range)


@pytest.mark.parametrize("header", ["bytes=99999-", "bytes=-0", "bytes=9-3", "bytes=-"])
async def test_a_part_that_is_not_there_is_refused(cast: Cast, web: httpx.AsyncClient, header: str) -> None:
    headers = {"Range": header} | await cookie(cast.bob)
    answer = await web.get(f"/media/{await keep(cast.acme)}", headers=headers)
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10240")


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "lines=1-2", "bytes=a-b"])
async def test_an_unusual_range_gets_the_whole_file(cast: Cast, web: httpx.AsyncClient, header: str) -> None:
    headers = {"Range": header} | await cookie(cast.bob)
    answer = await web.get(f"/media/{await keep(cast.acme)}", headers=headers)
    assert answer.content == SOUND


async def test_head_tells_the_size_without_the_content(cast: Cast, web: httpx.AsyncClient) -> None:
    answer = await web.head(f"/media/{await keep(cast.acme)}", headers=await cookie(cast.bob))
    assert (answer.headers["content-length"], answer.headers["accept-ranges"]) == ("10240", "bytes")


async def test_everybody_else_gets_the_answer_of_a_made_up_id(cast: Cast, web: httpx.AsyncClient) -> None:
    media_id, answers = await keep(cast.acme), set()
    for headers in (await cookie(cast.charlie), await cookie(cast.sam), {}, {"Cookie": f"{cookie_name()}=guess"}):
        for target in (media_id, uuid4(), "not-an-id"):
            answer = await web.get(f"/media/{target}", headers=headers)
            answers.add((answer.status_code, answer.text, answer.headers["cache-control"]))
    assert answers == {(404, "This file does not exist.", "no-store")}


async def test_a_file_that_is_not_fetched_yet_does_not_exist(cast: Cast, web: httpx.AsyncClient) -> None:
    file = {"id": str(uuid7()), "position": 0, "url": "https://x/0", "type": "image/png"}
    await receive(cast.acme, media=[file])
    assert (await web.get(f"/media/{file['id']}", headers=await cookie(cast.bob))).status_code == 404


@pytest.mark.parametrize(
    ("content_type", "place"), [("image/png", "inline"), ("application/pdf", "attachment"), ("text/html", "attachment")]
)
async def test_nothing_a_lead_sends_can_act_as_a_page_of_the_portal(
    cast: Cast, web: httpx.AsyncClient, content_type: str, place: str
) -> None:
    media_id = await keep(cast.acme, b"<script>alert(1)</script>", content_type)
    headers = (await web.get(f"/media/{media_id}", headers=await cookie(cast.bob))).headers
    assert headers["content-disposition"].startswith(place)
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "text/html" not in headers["content-type"]
    assert headers["cache-control"].startswith("private")
