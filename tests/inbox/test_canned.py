"""Answers kept ready, and drafts."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.audit.queries import latest
from tenant_portal.errors import BadInput, NotAllowed, NotFound
from tenant_portal.inbox import canned, drafts
from tests.cast import Cast, Someone
from tests.signed_in import person
from tests.threads import open_thread

pytestmark = pytest.mark.database
ADA = {"lead name": "Ada Byron", "lead first name": "Ada"}


async def do(someone: Someone, work: Any, *arguments: object) -> Any:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await work(session, person(someone), *arguments)


async def names(someone: Someone, thread: UUID, words: str) -> list[str]:
    return [reply.name for reply in await do(someone, canned.find_replies, thread, words)]


@pytest.mark.parametrize(
    ("body", "values", "text"),
    [
        ("Hi {lead first name}, thanks.", ADA, "Hi Ada, thanks."),
        ("Hi { Lead  First Name }, thanks.", ADA, "Hi Ada, thanks."),
        ("Hi {lead name}, thanks.", {}, "Hi, thanks."),
        ("Thank you, {lead name}!", {}, "Thank you!"),
        ("{lead name}\nthanks", {}, "thanks"),
        ("{lead name}", {"lead name": "{agent name} \\1"}, "{agent name} \\1"),
    ],
    ids=["filled", "any spelling", "unknown name", "with its comma", "alone in its line", "looks like a variable"],
)
def test_variables_are_filled_once(body: str, values: dict[str, str], text: str) -> None:
    assert canned.filled(body, values) == text


async def test_a_reply_is_found_and_filled_for_the_thread(cast: Cast) -> None:
    thread = await open_thread(cast.acme, profile_name="Ada Byron")
    await do(cast.alice, canned.add_reply, "Thanks", "Thank you, {lead first name}. {agent name}")
    await do(cast.alice, canned.add_reply, "Opening hours", "We are open until six. 100% sure.")
    (found,) = await do(cast.bob, canned.find_replies, thread, "than")
    assert found.body == "Thank you, Ada. Bob Baker"
    assert await names(cast.bob, thread, "") == ["Opening hours", "Thanks"]
    assert await names(cast.bob, thread, "six OPEN") == ["Opening hours"]
    assert await names(cast.bob, thread, "100%") == ["Opening hours"]
    assert await names(cast.bob, thread, "_") == []


async def test_owners_change_and_delete_and_it_is_in_the_audit(cast: Cast) -> None:
    reply_id = await do(cast.alice, canned.add_reply, "Thanks", "Thank you")
    await do(cast.alice, canned.change_reply, reply_id, "Thank you", "Thank you, {company name}")
    for work, arguments in (
        (canned.add_reply, ("Mine", "x")),
        (canned.change_reply, (reply_id, "Mine", "x")),
        (canned.delete_reply, (reply_id,)),
    ):
        with pytest.raises(NotAllowed):
            await do(cast.bob, work, *arguments)
    await do(cast.alice, canned.delete_reply, reply_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await canned.list_replies(session, cast.acme.tenant_id) == []
        actions = [entry.action for entry in await latest(session, cast.acme.tenant_id)]
    assert actions == ["reply:deleted", "reply:changed", "reply:added"]


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        (" ", "x", "name"),
        ("n" * 61, "x", "name"),
        ("Taken", "x", "name"),
        ("New", " ", "body"),
        ("New", "x" * 1601, "body"),
        ("New", "Hi {first}", "body"),
    ],
)
async def test_bad_input_names_its_field(cast: Cast, name: str, body: str, field: str) -> None:
    await do(cast.alice, canned.add_reply, "Taken", "x")
    with pytest.raises(BadInput) as refusal:
        await do(cast.alice, canned.add_reply, name, body)
    assert refusal.value.field == field


async def test_anothers_replies_and_threads_do_not_exist(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    reply_id = await do(cast.alice, canned.add_reply, "Thanks", "Thank you")
    for target in (reply_id, uuid4()):
        with pytest.raises(NotFound):
            await do(cast.charlie, canned.change_reply, target, "Mine", "x")
        with pytest.raises(NotFound):
            await do(cast.charlie, canned.delete_reply, target)
    with pytest.raises(NotFound):
        await names(cast.charlie, thread, "")
    assert await names(cast.charlie, await open_thread(cast.globex), "") == []
    await do(cast.charlie, canned.add_reply, "Thanks", "The same name is free for another client")


async def test_a_draft_is_its_writers_own_and_only_in_the_own_threads(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    for body in ("On my", "On my way"):
        await do(cast.bob, drafts.keep_draft, thread, body)
    await do(cast.charlie, drafts.keep_draft, thread, "Charlie was here")
    assert await do(cast.bob, drafts.get_draft, thread) == "On my way"
    assert await do(cast.alice, drafts.get_draft, thread) == ""
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await session.scalar(text("select count(*) from draft")) == 0
    await do(cast.bob, drafts.keep_draft, thread, " ")
    assert await do(cast.bob, drafts.get_draft, thread) == ""
