"""The page of activity and its file: for the client's owners, and for nobody else."""

import csv
import io
from uuid import uuid4

import pytest

from tests.cast import Cast
from tests.portal_server import Portal, name_of, open_tab
from tests.ui.conftest import Stage
from tests.ui.test_sessions import SETTINGS, newcomer

ACTIVITY = "tenant_portal___ui___pages___activity___state____activity_state"
EXPORT = "/export/activity.csv"
MANY = 2300


def write(stage: Stage, company: str, action: str, subject: str, count: int = 1, actor: str = "Alice Archer") -> None:
    """Lines in a client's trail, as a superuser writes them."""
    stage.query(
        "insert into audit_event (tenant_id, id, at, actor_id, actor_name, action, subject, details)"
        " select t.id, gen_random_uuid(), now() - n * interval '1 ms', u.id, u.name, %s, %s, '{}' from tenant t"
        " join portal_user u on u.tenant_id = t.id and u.name = %s, generate_series(1, %s) n where t.name = %s",
        action,
        subject,
        actor,
        count,
        company,
    )


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


async def test_an_owner_reads_narrows_and_pages(stage: Stage) -> None:
    mark = f"mark{uuid4().hex[:6]}"
    write(stage, "Acme", f"{mark}:done", "thing", 120)
    async with open_tab(stage.portal, stage.portal.session(stage.cast.alice)) as tab:
        await tab.call(name_of(ACTIVITY, "load"))
        assert {"value": mark, "words": mark.capitalize()} in tab.var(ACTIVITY, "kinds")
        await tab.call(name_of(ACTIVITY, "choose_kind"), {"kind": mark})
        assert (len(tab.var(ACTIVITY, "lines")), tab.var(ACTIVITY, "has_more")) == (50, True)
        for _ in range(2):
            await tab.call(name_of(ACTIVITY, "load_more"))
        lines = tab.var(ACTIVITY, "lines")
        assert (len(lines), len({line["id"] for line in lines}), tab.var(ACTIVITY, "has_more")) == (120, 120, False)
        await tab.call(name_of(ACTIVITY, "choose_person"), {"person": str(stage.cast.bob.user_id)})
        assert tab.var(ACTIVITY, "lines") == []


async def test_an_agent_and_another_client_see_nothing_of_it(stage: Stage) -> None:
    canary = f"canary{uuid4().hex}"
    write(stage, "Acme", "lead:renamed", canary)
    for who in (stage.cast.bob, stage.cast.charlie):
        async with open_tab(stage.portal, stage.portal.session(who)) as tab:
            await tab.call(name_of(ACTIVITY, "load"))
            await tab.call(name_of(ACTIVITY, "choose_person"), {"person": str(stage.cast.alice.user_id)})
            await tab.call(name_of(ACTIVITY, "load_more"))
            assert canary not in tab.all
    async with open_tab(stage.portal, stage.portal.session(stage.cast.charlie)) as tab:
        await tab.call(name_of(ACTIVITY, "choose_person"), {"person": str(stage.cast.alice.user_id)})
        assert tab.var(ACTIVITY, "lines") in (None, [])


def test_the_file_holds_the_whole_trail_of_this_client_and_no_formula(stage: Stage) -> None:
    mark = f"mark{uuid4().hex[:6]}"
    write(stage, "Acme", f"{mark}:done", '=HYPERLINK("https://evil.example")', MANY)
    write(stage, "Globex", f"{mark}:done", "of Globex", 5, actor="Charlie Cole")
    with stage.portal.http(stage.portal.session(stage.cast.alice)) as http:
        answer = http.get(EXPORT, params={"kind": mark})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["cache-control"] == "no-store"
    head, *found = rows(answer.text)
    assert head[:3] == ["Time (UTC)", "Who", "What"]
    assert len(found) == MANY
    assert {row[3] for row in found} == {'\'=HYPERLINK("https://evil.example")'}
    assert [row[0] for row in found] == sorted((row[0] for row in found), reverse=True)


@pytest.mark.parametrize("who", ["bob", "sam", None])
def test_the_file_is_for_owners(portal: Portal, people: Cast, who: str | None) -> None:
    with portal.http(portal.session(getattr(people, who)) if who else "") as http:
        answer = http.get(EXPORT)
    assert (answer.status_code, answer.text) == (404, "This file does not exist.")


def test_another_clients_person_gives_an_empty_file_like_a_made_up_one(stage: Stage) -> None:
    write(stage, "Acme", "lead:renamed", "secret")
    with stage.portal.http(stage.portal.session(stage.cast.charlie)) as http:
        theirs = http.get(EXPORT, params={"person": str(stage.cast.alice.user_id)})
        nobodys = http.get(EXPORT, params={"person": str(uuid4())})
        wrong = http.get(EXPORT, params={"person": "' or 1=1"})
    assert theirs.text == nobodys.text
    assert len(rows(theirs.text)) == 1
    assert wrong.status_code == 404


async def test_signing_browsers_out_cuts_them_within_a_second_and_is_written_down(stage: Stage) -> None:
    nora, portal = await newcomer(stage), stage.portal
    here, there, third = (portal.sign_in(nora) for _ in range(3))
    (row,) = stage.query("select id from user_session where token_hash = sha256(%s::bytea)", there.encode())
    async with (
        open_tab(portal, here) as this,
        open_tab(portal, there) as other,
        open_tab(portal, third) as last,
    ):
        await this.call(name_of(SETTINGS, "end_session"), {"session_id": str(row[0])})
        assert await other.closed(within=1)
        assert last.client.connected
        await this.call(name_of(SETTINGS, "end_other_sessions"))
        assert await last.closed(within=1)
        assert this.client.connected
    done = stage.query("select action from audit_event where actor_id = %s order by at desc", nora.user_id)
    assert done[:2] == [("session:others-ended",), ("session:ended",)]


async def test_agents_cannot_ask_the_handlers_either(stage: Stage) -> None:
    async with open_tab(stage.portal, stage.portal.session(stage.cast.bob)) as tab:
        assert "Only an owner" in await tab.call(name_of(ACTIVITY, "choose_kind"), {"kind": "lead"})
