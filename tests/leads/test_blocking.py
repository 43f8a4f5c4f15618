"""The block list: what a blocked person sends is kept and quiet, and nothing is sent to them."""

import pytest

from tenant_portal import db
from tenant_portal.errors import Conflict
from tenant_portal.inbox import outbox, rules
from tenant_portal.inbox import queries as inbox
from tenant_portal.inbox import service as inbox_service
from tenant_portal.leads import service
from tenant_portal.leads.queries import Filter
from tests.cast import Cast
from tests.leads.stage import a_lead, do, listed, trail
from tests.threads import receive

pytestmark = pytest.mark.database


async def test_messages_are_kept_and_nothing_is_unread(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.set_blocked, lead.id, blocked=True)
    await receive(cast.acme, body="Again")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        (thread,) = await inbox.list_threads(session, cast.acme.tenant_id, viewer=cast.bob.user_id)
        assert (thread.unread_count, thread.preview) == (0, "Again")
        assert await inbox.count_unread(session, cast.acme.tenant_id, cast.bob.user_id) == 0
        assert len(await inbox.list_messages(session, cast.acme.tenant_id, thread.id)) == 2


async def test_the_block_list_is_a_list_of_its_own_and_one_can_leave_it(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    await do(cast.bob, service.set_blocked, lead.id, blocked=True)
    assert await listed(cast.acme) == []
    assert [row.id for row in await listed(cast.acme, Filter(blocked=True))] == [lead.id]
    await do(cast.bob, service.set_blocked, lead.id, blocked=False)
    await do(cast.bob, service.set_blocked, lead.id, blocked=False)
    await receive(cast.acme)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await inbox.count_unread(session, cast.acme.tenant_id, cast.bob.user_id) == 1
    assert [action for action, _ in await trail(cast.acme)] == ["lead:blocked", "lead:unblocked"]


async def test_nothing_is_sent_not_even_what_was_queued_before(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    assert lead.conversation_id is not None
    queued = await do(cast.bob, inbox_service.queue_reply, lead.conversation_id, "Hello")
    await do(cast.bob, service.set_blocked, lead.id, blocked=True)
    with pytest.raises(Conflict, match="blocked"):
        await do(cast.bob, inbox_service.queue_reply, lead.conversation_id, "Hello")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await outbox.claim(session, cast.acme.tenant_id) is None
        messages = await inbox.list_messages(session, cast.acme.tenant_id, lead.conversation_id)
    assert [(row.status, row.error_text) for row in messages if row.id == queued] == [("failed", rules.BLOCKED)]
