"""The routes of files of leads: their own people's, and the same 404 for everybody else."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from tenant_portal import db
from tenant_portal.identity.cookies import cookie_name
from tenant_portal.identity.sessions import begin
from tenant_portal.leads import http, importing, jobs, merging, service, setup
from tenant_portal.leads.service import LeadForm
from tenant_portal.models import LeadImport, User
from tests.cast import Cast, Company, Someone
from tests.leads.stage import a_lead, do, listed, trail

pytestmark = pytest.mark.database
ORIGIN = "https://portal.example.com"
UPLOAD, EXPORT = "/files/leads/import", "/files/leads/export.csv"


@pytest_asyncio.fixture
async def web(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=http.routes))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def headers(someone: Someone | None, origin: str = ORIGIN) -> dict[str, str]:
    if someone is None:
        return {"Origin": origin}
    async with db.identity_session() as session:
        user = await session.get_one(User, someone.user_id)
        token = await begin(session, user, address="127.0.0.1", user_agent="", now=datetime.now(UTC))
    return {"Cookie": f"{cookie_name()}={token}", "Origin": origin}


async def imports(company: Company) -> list[LeadImport]:
    async with db.tenant_session(company.tenant_id) as session:
        return await importing.list_imports(session, company.tenant_id)


async def test_a_file_is_taken_in_for_the_signed_in_tenant(cast: Cast, web: httpx.AsyncClient) -> None:
    files = {"file": ("my leads.csv", b"Phone\n+14155550001\n", "text/csv")}
    answer = await web.post(UPLOAD, files=files, headers=await headers(cast.bob))
    assert (answer.status_code, answer.headers["location"]) == (303, "/leads/import")
    assert [(row.file_name, row.state) for row in await imports(cast.acme)] == [("my leads.csv", "reading")]
    assert await imports(cast.globex) == []


@pytest.mark.parametrize(("content", "problem"), [(b"", "empty"), (b"x" * (importing.MAX_BYTES + 20_000), "too-large")])
async def test_a_file_that_is_not_taken_says_why(
    cast: Cast, web: httpx.AsyncClient, content: bytes, problem: str
) -> None:
    answer = await web.post(UPLOAD, files={"file": ("x.csv", content)}, headers=await headers(cast.bob))
    assert answer.headers["location"] == f"/leads/import?problem={problem}"
    assert await imports(cast.acme) == []


async def test_a_second_file_waits_for_the_first(cast: Cast, web: httpx.AsyncClient) -> None:
    for expected in ("/leads/import", "/leads/import?problem=busy"):
        files = {"file": ("x.csv", b"Phone\n1\n")}
        answer = await web.post(UPLOAD, files=files, headers=await headers(cast.bob))
        assert answer.headers["location"] == expected


async def test_another_site_and_other_people_cannot_upload(cast: Cast, web: httpx.AsyncClient) -> None:
    files = {"file": ("x.csv", b"Phone\n1\n")}
    foreign = await web.post(UPLOAD, files=files, headers=await headers(cast.bob, "https://attacker.example"))
    assert foreign.status_code == 403
    for someone in (None, cast.sam):
        assert (await web.post(UPLOAD, files=files, headers=await headers(someone))).status_code == 404
    assert await imports(cast.acme) == []


async def test_a_body_of_unknown_length_is_not_read(cast: Cast, web: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise AssertionError("it was read on")

    answer = await web.post(UPLOAD, content=endless(), headers=await headers(cast.bob))
    assert answer.headers["location"] == "/leads/import?problem=too-large"


async def test_rows_with_errors_can_be_taken_back_home(cast: Cast, web: httpx.AsyncClient) -> None:
    content = b"Phone,Name\n+14155550001,Ada\nnobody,=1+1\n"
    found = await do(cast.bob, importing.start, "x.csv", content)
    await jobs.drain(cast.acme.tenant_id)
    await do(cast.bob, importing.set_mapping, found, ["number", "name"])
    await jobs.drain(cast.acme.tenant_id)
    path = f"{UPLOAD}/{found}/errors.csv"
    answer = await web.get(path, headers=await headers(cast.bob))
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["Line", "Phone", "Name", "What is wrong"]
    assert rows[1][:3] == ["3", "nobody", "'=1+1"]
    theirs = await web.get(path, headers=await headers(cast.charlie))
    nothing = await web.get(f"{UPLOAD}/{uuid4()}/errors.csv", headers=await headers(cast.charlie))
    junk = await web.get(f"{UPLOAD}/junk/errors.csv", headers=await headers(cast.charlie))
    assert [(one.status_code, one.text) for one in (theirs, nothing, junk)] == [(404, theirs.text)] * 3


async def test_all_leads_go_out_and_come_in_again(
    cast: Cast, web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenant_portal.leads.exporting.PAGE", 2)
    label = await do(cast.alice, setup.add_label, "VIP", "amber")
    field = str(await do(cast.alice, setup.add_field, "Dog", "text", ""))
    for n in range(5):
        lead = await a_lead(cast.acme, lead=f"+1415555000{n}", profile_name="=HYPERLINK(1)")
        await do(cast.bob, service.edit, lead.id, LeadForm(f"+Lead {n}", "12.5", "", "2026-12-01", {field: "@Rex"}))
    await do(cast.bob, service.set_label, lead.id, label, on=True)
    await do(cast.bob, service.set_blocked, lead.id, blocked=True)
    await a_lead(cast.globex, lead="+14155559999", profile_name="Not ours")
    answer = await web.get(EXPORT, headers=await headers(cast.bob))
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 5
    last = next(row for row in rows if row["Number"] == "+14155550004")
    assert (last["Name"], last["Profile name"], last["Dog"]) == ("'+Lead 4", "'=HYPERLINK(1)", "'@Rex")
    assert (last["Value"], last["Labels"], last["Due on"], bool(last["Blocked since"])) == (
        "12.50",
        "VIP",
        "2026-12-01",
        True,
    )
    assert not [row for row in rows for cell in row.values() if cell[:1] in "=@" and cell]
    assert "Not ours" not in answer.text
    assert ("leads:exported", "Bob Baker") in await trail(cast.acme)
    found = await do(cast.charlie, importing.start, "acme.csv", answer.content)
    await jobs.drain(cast.globex.tenant_id)
    (row,) = await imports(cast.globex)
    await do(cast.charlie, importing.set_mapping, found, row.mapping)
    await jobs.drain(cast.globex.tenant_id)
    assert (await imports(cast.globex))[0].good == 4
    await do(cast.charlie, importing.confirm, found)
    await jobs.drain(cast.globex.tenant_id)
    assert {one.name for one in await listed(cast.globex)} >= {f"+Lead {n}" for n in range(4)}


async def test_nobody_else_takes_leads_out(cast: Cast, web: httpx.AsyncClient) -> None:
    await a_lead(cast.acme, profile_name="Ada")
    assert "Ada" not in (await web.get(EXPORT, headers=await headers(cast.charlie))).text
    for someone in (None, cast.sam):
        assert (await web.get(EXPORT, headers=await headers(someone))).status_code == 404


async def test_a_person_gets_everything_that_is_kept_about_them(cast: Cast, web: httpx.AsyncClient) -> None:
    field = str(await do(cast.alice, setup.add_field, "Dog", "text", ""))
    lead = await a_lead(cast.acme, lead="+14155550001", body="My secret", profile_name="Ada")
    twin = await a_lead(cast.acme, lead="+14155550002", body="From work")
    await a_lead(cast.acme, lead="+14155550003", body="Somebody else")
    await do(cast.bob, service.edit, lead.id, LeadForm("Ada Lovelace", fields={field: "Rex"}))
    await do(cast.bob, service.add_note, lead.id, "Likes engines")
    await do(cast.bob, merging.merge, lead.id, twin.id)
    answer = await web.get(f"/files/leads/{lead.id}/data.json", headers=await headers(cast.bob))
    found = answer.json()
    assert (found["person"]["number"], found["person"]["other_numbers"]) == ("+14155550001", ["+14155550002"])
    assert found["kept_by_the_team"]["own_fields"] == {"Dog": "Rex"}
    assert [row["body"] for row in found["messages_and_calls"]] == ["My secret", "From work"]
    assert [row["body"] for row in found["notes"]] == ["Likes engines"]
    assert "lead:merged" in [row["action"] for row in found["changes"]]
    assert "Somebody else" not in answer.text
    assert ("lead:data-exported", "Bob Baker") in await trail(cast.acme)


async def test_nobody_else_gets_a_persons_data(cast: Cast, web: httpx.AsyncClient) -> None:
    lead = await a_lead(cast.acme, body="My secret")
    for someone in (cast.charlie, cast.sam, None):
        answers = [
            await web.get(f"/files/leads/{target}/data.json", headers=await headers(someone))
            for target in (lead.id, uuid4(), "junk")
        ]
        assert {(one.status_code, one.text) for one in answers} == {(404, answers[0].text)}
