"""Leads from a file: checked row by row, made all at once, and taken away again."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.leads import import_steps, importing, jobs, service, setup
from tenant_portal.leads.queries import Filter, Source
from tenant_portal.models import LeadImport
from tests.cast import Cast, Company
from tests.leads.stage import do, listed, stages, trail
from tests.threads import receive

pytestmark = pytest.mark.database
HEAD = "Mobile phone,Full name,Deal value,Stage,Tags,Owner,Due date,Dog,Remark\n"
GOOD = '(415) 555-0001,Ada,"1,250",qualified,"VIP, big",bob@acme.example,2026-12-01,Rex,x\n'


async def taken(cast: Cast, content: str) -> UUID:
    """A file of Acme's that Bob has uploaded, read and waiting."""
    found: UUID = await do(cast.bob, importing.start, "leads.csv", content.encode())
    await jobs.drain(cast.acme.tenant_id)
    return found


async def checked(cast: Cast, content: str, mapping: list[str] | None = None) -> LeadImport:
    found = await taken(cast, content)
    row = await read(cast.acme, found)
    await do(cast.bob, importing.set_mapping, found, mapping or row.mapping)
    await jobs.drain(cast.acme.tenant_id)
    return await read(cast.acme, found)


async def read(company: Company, import_id: UUID) -> LeadImport:
    async with db.tenant_session(company.tenant_id) as session:
        return await importing.read_import(session, company.tenant_id, import_id)


async def wrong(company: Company, import_id: UUID) -> dict[int, dict[str, str]]:
    async with db.tenant_session(company.tenant_id) as session:
        rows = await importing.rows_after(session, company.tenant_id, import_id, 0, wrong=True)
    return {number: errors for number, _, errors in rows}


async def set_up(cast: Cast) -> None:
    for label in ("VIP", "Big"):
        await do(cast.alice, setup.add_label, label, "amber")
    await do(cast.alice, setup.add_field, "Dog", "text", "")


async def test_columns_are_recognised_by_their_names(cast: Cast) -> None:
    await set_up(cast)
    row = await read(cast.acme, await taken(cast, HEAD + GOOD))
    dog = row.mapping[7]
    assert row.mapping == ["number", "name", "value", "stage", "labels", "owner", "next_step_on", dog, ""]
    assert (dog.startswith("field:"), row.state, row.total, row.content) == (True, "mapping", 1, None)


async def test_a_row_becomes_a_lead_with_everything_in_it(cast: Cast) -> None:
    await set_up(cast)
    row = await checked(cast, HEAD + GOOD)
    assert (row.state, row.good) == ("ready", 1)
    assert await listed(cast.acme) == []
    await do(cast.bob, importing.confirm, row.id)
    await jobs.drain(cast.acme.tenant_id)
    (lead,) = await listed(cast.acme, Filter(source=Source.TEAM))
    assert (lead.address, lead.name, lead.value, lead.stage_name) == ("+14155550001", "Ada", 1250, "Qualified")
    assert (lead.owner_name, [one.name for one in lead.labels]) == ("Bob Baker", ["Big", "VIP"])
    assert (str(lead.next_step_on), list(lead.fields.values())) == ("2026-12-01", ["Rex"])
    done = await read(cast.acme, row.id)
    assert (done.state, done.outcome) == ("done", "1 leads were made.")
    assert await listed(cast.globex) == []


async def test_each_wrong_row_says_what_is_wrong_and_the_others_go_on(cast: Cast) -> None:
    await receive(cast.acme, lead="+14155550009")
    content = "Phone,Value,Stage\n" + "".join(
        f"{line}\n"
        for line in (
            "+14155550001,10,New",
            "nobody,10,New",
            "+14155550002,much,Nowhere",
            "+1 415 555 0001,,",
            "+14155550009,,",
        )
    )
    row = await checked(cast, content)
    assert (row.total, row.good) == (5, 1)
    found = await wrong(cast.acme, row.id)
    assert set(found) == {3, 4, 5, 6}
    assert "country code" in found[3]["Phone"]
    assert "as a number" in found[4]["Value"]
    assert found[4]["Stage"] == "There is no stage called Nowhere."
    assert found[5]["Phone"] == "The same number stands in line 2."
    assert found[6]["Phone"] == "There is a lead with this number already."


async def test_all_rows_become_leads_or_none_does(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await checked(cast, "Phone\n" + "".join(f"+1415555{n:04}\n" for n in range(50)))

    async def dies(*_: Any, **__: Any) -> None:
        raise OSError("the database went away")

    await do(cast.bob, importing.confirm, row.id)
    with monkeypatch.context() as fault:
        fault.setattr(import_steps, "_set", dies)
        await jobs.drain(cast.acme.tenant_id)
    assert await listed(cast.acme) == []
    failed = await read(cast.acme, row.id)
    assert (failed.state, failed.outcome) == ("failed", jobs.FAULT)


async def test_a_worker_that_dies_leaves_nothing_half_done_and_the_next_one_goes_on(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 10)
    monkeypatch.setattr(importing, "CHUNK", 10)
    found = await do(
        cast.bob, importing.start, "x.csv", b"Phone\n" + b"".join(b"+1415555%04d\n" % n for n in range(45))
    )

    class Killed(BaseException):
        pass

    kept, calls = import_steps.keep_rows, []

    async def kept_until_killed(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        await kept(*arguments)

    with monkeypatch.context() as fault, pytest.raises(Killed):
        fault.setattr(import_steps, "keep_rows", kept_until_killed)
        await jobs.drain(cast.acme.tenant_id)
    assert (await read(cast.acme, found)).state == "reading"
    await jobs.drain(cast.acme.tenant_id)
    row = await read(cast.acme, found)
    assert (row.state, row.total) == ("mapping", 45)
    await do(cast.bob, importing.set_mapping, found, ["number"])
    await jobs.drain(cast.acme.tenant_id)
    assert (await read(cast.acme, found)).good == 45


async def test_a_job_does_a_slice_and_wakes_itself_for_the_rest(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await taken(cast, "Phone\n+14155550001\n")
    await do(cast.bob, importing.set_mapping, found, ["number"])
    monkeypatch.setattr(jobs, "SLICE_SECONDS", -1.0)
    await jobs.drain(cast.acme.tenant_id)
    assert (await read(cast.acme, found)).state == "checking"
    async with db.job_queue_session() as session:
        waiting = text("select count(*) from jobs.procrastinate_jobs where task_name = :task and status = 'todo'")
        assert await session.scalar(waiting, {"task": importing.IMPORT}) == 1


async def test_undoing_takes_away_what_nobody_has_touched(cast: Cast) -> None:
    row = await checked(cast, "Phone,Name\n" + "".join(f"+1415555000{n},Lead {n}\n" for n in range(4)))
    await do(cast.bob, importing.confirm, row.id)
    await jobs.drain(cast.acme.tenant_id)
    ids = {lead.name: lead.id for lead in await listed(cast.acme)}
    await receive(cast.acme, lead="+14155550000")
    await do(cast.bob, service.add_note, ids["Lead 1"], "Called")
    await do(cast.bob, service.set_stage, ids["Lead 2"], (await stages(cast.acme))["Won"])
    await do(cast.bob, importing.undo, row.id)
    await jobs.drain(cast.acme.tenant_id)
    assert {lead.name for lead in await listed(cast.acme)} == {"Lead 0", "Lead 1", "Lead 2"}
    undone = await read(cast.acme, row.id)
    assert undone.outcome == "1 leads were taken away. 3 stay, since somebody has worked on them."
    assert [action for action, _ in await trail(cast.acme) if action.startswith("import:")] == [
        "import:started",
        "import:confirmed",
        "import:undone",
    ]


async def test_what_stood_in_the_file_is_kept_only_where_it_was_not_taken(cast: Cast) -> None:
    row = await checked(cast, "Phone,Name\n+14155550001,Ada\nnobody,Grace\n")
    await do(cast.bob, importing.confirm, row.id)
    await jobs.drain(cast.acme.tenant_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        kept = await session.scalar(text("select string_agg(t::text, '') from lead_import_row t"))
        assert ("Grace" in kept, "Ada" in kept) == (True, False)
        assert await session.scalar(text("select count(*) from lead_import where content is not null")) == 0
    await do(cast.bob, importing.discard, row.id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await session.scalar(text("select count(*) from lead_import_row")) == 0


@pytest.mark.parametrize(
    ("mapping", "sentence"), [(["", "name"], "phone number"), (["number", "number"], "Two columns"), ([], "phone")]
)
async def test_columns_that_make_no_lead_are_refused(cast: Cast, mapping: list[str], sentence: str) -> None:
    found = await taken(cast, "Phone,Name\n+14155550001,Ada\n")
    with pytest.raises(BadInput, match=sentence):
        await do(cast.bob, importing.set_mapping, found, mapping)


async def test_one_file_at_a_time_and_steps_in_their_order(cast: Cast) -> None:
    await do(cast.bob, importing.start, "a.csv", b"Phone\n1\n")
    with pytest.raises(Conflict, match="Another file"):
        await do(cast.bob, importing.start, "b.csv", b"Phone\n1\n")
    await jobs.drain(cast.acme.tenant_id)
    found = await taken(cast, "Phone\nnobody\n")
    with pytest.raises(Conflict):
        await do(cast.bob, importing.confirm, found)
    await do(cast.bob, importing.set_mapping, found, ["number"])
    await jobs.drain(cast.acme.tenant_id)
    with pytest.raises(Conflict, match="No row"):
        await do(cast.bob, importing.confirm, found)


@pytest.mark.parametrize("content", [b"", b"x" * (importing.MAX_BYTES + 1)])
async def test_an_empty_or_a_huge_file_is_refused(cast: Cast, content: bytes) -> None:
    with pytest.raises(BadInput):
        await do(cast.bob, importing.start, "x.csv", content)


async def test_a_file_that_cannot_be_read_says_so_on_its_line(cast: Cast) -> None:
    row = await read(cast.acme, await taken(cast, "Phone\n"))
    assert (row.state, row.content) == ("failed", None)
    assert "no rows" in row.outcome


async def test_anothers_import_looks_made_up_and_stays(cast: Cast) -> None:
    row = await checked(cast, "Phone,Name\n+14155550001,Ada\n")
    for change, more in (
        (importing.confirm, ()),
        (importing.undo, ()),
        (importing.discard, ()),
        (importing.set_mapping, (["number"],)),
    ):
        answers = []
        for target in (row.id, uuid4()):
            with pytest.raises(NotFound) as caught:
                await do(cast.charlie, change, target, *more)
            answers.append(caught.value.message)
        assert answers[0] == answers[1]
    with pytest.raises(NotFound):
        await read(cast.globex, row.id)
    assert (await read(cast.acme, row.id)).state == "ready"
