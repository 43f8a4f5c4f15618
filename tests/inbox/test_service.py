"""What a person does in the inbox: answering, repeating."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.inbox import queries, service
from tenant_portal.inbox.activity import activity
from tenant_portal.inbox.queries import MessageRow, ThreadRow
from tenant_portal.models import Media
from tenant_portal.models.enums import ChannelKind, Direction, MediaState, MessageStatus
from tenant_portal.models.ids import uuid7
from tests.cast import Cast, Company, Someone
from tests.signed_in import person
from tests.threads import LEAD, open_thread, receive

pytestmark = pytest.mark.database


async def do(someone: Someone, change: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
    assert someone.tenant_id is not None
    async with db.tenant_session(someone.tenant_id) as session:
        return await change(session, person(someone), *arguments)


async def options(company: Company, thread: UUID) -> service.ReplyOptions:
    async with db.tenant_session(company.tenant_id) as session:
        return await service.reply_options(session, company.tenant_id, thread)


async def the_thread(company: Company, thread: UUID) -> ThreadRow:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.get_thread(session, company.tenant_id, thread)


async def messages(company: Company, thread: UUID) -> list[MessageRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.list_messages(session, company.tenant_id, thread)


async def change(company: Company, statement: str, **values: object) -> None:
    async with db.tenant_session(company.tenant_id) as session:
        await session.execute(text(statement), values)


def jobs(admin_url: str) -> list[str]:
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute("select task_name from jobs.procrastinate_jobs where status = 'todo' order by id")
        return [task for (task,) in rows]


@pytest.mark.parametrize(
    ("kind", "answered_on", "prefix"),
    [("sms", ChannelKind.SMS, ""), ("whatsapp", ChannelKind.WHATSAPP, "whatsapp:"), ("voicemail", ChannelKind.SMS, "")],
)
async def test_an_answer_goes_back_on_the_leads_channel(
    cast: Cast, kind: str, answered_on: ChannelKind, prefix: str
) -> None:
    preferred = (await options(cast.acme, await open_thread(cast.acme, kind=kind))).preferred
    assert (preferred.kind, preferred.reason) == (answered_on, None)
    assert (preferred.our_number, preferred.lead_number) == (f"{prefix}{cast.acme.number}", f"{prefix}{LEAD}")


async def test_the_number_the_lead_wrote_to_answers(cast: Cast) -> None:
    await change(
        cast.acme,
        "insert into channel (tenant_id, id, kind, state, phone_number, country, monthly_price, config, attempts,"
        " created_at, changed_at)"
        " values (:tenant, :id, 'sms', 'active', '+14155550111', 'US', '', '{}', 0, now(), now())",
        tenant=cast.acme.tenant_id,
        id=uuid7(),
    )
    thread = await open_thread(cast.acme, channel_number="+14155550111", our_number="+14155550111")
    assert (await options(cast.acme, thread)).preferred.our_number == "+14155550111"


async def test_a_disconnected_channel_cannot_answer(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await change(cast.acme, "update channel set state = 'disconnected' where kind = 'sms'")
    assert "no connected SMS channel" in ((await options(cast.acme, thread)).preferred.reason or "")


async def test_a_lead_who_said_stop_cannot_be_written_to(cast: Cast) -> None:
    thread = await open_thread(cast.acme, opt_out="stop")
    with pytest.raises(Conflict, match="STOP"):
        await do(cast.bob, service.queue_reply, thread, "Please come back")
    assert len(await messages(cast.acme, thread)) == 1


async def test_whatsapp_closes_after_a_day_and_says_so(cast: Cast) -> None:
    thread = await open_thread(cast.acme, kind="whatsapp")
    await change(cast.acme, "update message set created_at = now() - interval '25 hours'")
    with pytest.raises(Conflict, match="24 hours"):
        await do(cast.bob, service.queue_reply, thread, "Hello?")


async def test_whatsapp_tells_until_when_it_is_open(cast: Cast) -> None:
    closes_at = (await options(cast.acme, await open_thread(cast.acme, kind="whatsapp"))).preferred.window_closes_at
    assert closes_at is not None
    assert timedelta(hours=23) < closes_at - datetime.now(UTC) <= timedelta(hours=24)


async def test_a_suspended_client_sends_nothing(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    await change(cast.acme, "update tenant set state = 'suspended'")
    with pytest.raises(Conflict, match="suspended"):
        await do(cast.bob, service.queue_reply, thread, "Hello")


@pytest.mark.parametrize("sender", ["77234", "DHL", "anonymous/CA1"])
async def test_a_sender_without_a_phone_number_gets_no_answer(cast: Cast, sender: str) -> None:
    thread = await open_thread(cast.acme, lead=sender)
    assert "no phone number" in ((await options(cast.acme, thread)).preferred.reason or "")


async def test_an_answer_waits_in_the_outbox_with_a_job(cast: Cast, admin_url: str) -> None:
    thread = await open_thread(cast.acme)
    message_id = await do(cast.bob, service.queue_reply, thread, " On my way ")
    answer = (await messages(cast.acme, thread))[-1]
    assert (answer.id, answer.body, answer.status) == (message_id, "On my way", MessageStatus.QUEUED)
    assert (answer.direction, answer.author_name) == (Direction.OUT, "Bob Baker")
    assert "inbox.send_outbox" in jobs(admin_url)


async def test_an_answer_moves_its_thread_up(cast: Cast) -> None:
    thread = await open_thread(cast.acme, body="Hi")
    await receive(cast.acme, lead="+14155550888")
    await do(cast.bob, service.queue_reply, thread, "On my way")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        (first, *_) = await queries.list_threads(session, cast.acme.tenant_id)
    assert (first.id, first.preview, first.last_direction) == (thread, "On my way", Direction.OUT)


async def test_an_answer_is_counted(cast: Cast) -> None:
    await do(cast.bob, service.queue_reply, await open_thread(cast.acme), "One")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        since = datetime.now(UTC) - timedelta(hours=2)
        assert (await activity(session, cast.acme.tenant_id, since)).messages_out == 1


async def test_an_empty_answer_is_not_queued(cast: Cast) -> None:
    thread = await open_thread(cast.acme)
    with pytest.raises(BadInput):
        await do(cast.bob, service.queue_reply, thread, "  ")


async def test_nobody_answers_in_anothers_thread(cast: Cast) -> None:
    theirs, answers = await open_thread(cast.acme), []
    for target in (theirs, uuid4()):
        with pytest.raises(NotFound) as caught:
            await do(cast.charlie, service.queue_reply, target, "Buy from us instead")
        answers.append(caught.value.message)
    assert answers[0] == answers[1]
    assert len(await messages(cast.acme, theirs)) == 1


async def failed_answer(cast: Cast) -> tuple[UUID, UUID]:
    thread = await open_thread(cast.acme)
    message_id = await do(cast.bob, service.queue_reply, thread, "On my way")
    await change(cast.acme, "update message set status = 'failed' where id = :id", id=message_id)
    return thread, message_id


async def test_retry_sends_a_failed_message_as_a_new_one(cast: Cast) -> None:
    thread, message_id = await failed_answer(cast)
    again = await do(cast.alice, service.retry, message_id)
    _, failed, repeated = await messages(cast.acme, thread)
    assert (failed.status, failed.details["retried_as"]) == (MessageStatus.FAILED, str(again))
    assert (repeated.id, repeated.status, repeated.body) == (again, MessageStatus.QUEUED, "On my way")


async def test_a_message_is_repeated_once(cast: Cast) -> None:
    thread, message_id = await failed_answer(cast)
    await do(cast.alice, service.retry, message_id)
    with pytest.raises(Conflict, match="already been sent again"):
        await do(cast.bob, service.retry, message_id)
    assert len(await messages(cast.acme, thread)) == 3


async def test_a_message_that_has_not_failed_is_not_repeated(cast: Cast) -> None:
    message_id = await do(cast.bob, service.queue_reply, await open_thread(cast.acme), "On my way")
    with pytest.raises(Conflict, match="has not failed"):
        await do(cast.bob, service.retry, message_id)
    await change(cast.acme, "update message set status = 'unknown' where id = :id", id=message_id)
    with pytest.raises(Conflict, match="still being asked"):
        await do(cast.bob, service.retry, message_id)


async def test_a_received_message_cannot_be_sent(cast: Cast) -> None:
    received = await receive(cast.acme)
    with pytest.raises(NotFound):
        await do(cast.bob, service.retry, received)


async def test_anothers_failed_message_cannot_be_repeated(cast: Cast) -> None:
    thread, message_id = await failed_answer(cast)
    with pytest.raises(NotFound):
        await do(cast.charlie, service.retry, message_id)
    assert len(await messages(cast.acme, thread)) == 2


async def a_file(cast: Cast, state: MediaState) -> UUID:
    file = {"id": str(uuid7()), "position": 0, "url": "https://x/0", "type": "image/png"}
    await receive(cast.acme, media=[file])
    await change(cast.acme, "update media set state = :state, attempts = 9", state=state.value)
    return UUID(str(file["id"]))


async def test_a_person_can_have_a_failed_file_fetched_again(cast: Cast, admin_url: str) -> None:
    media_id = await a_file(cast, MediaState.FAILED)
    await do(cast.bob, service.fetch_again, media_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        row = await session.get_one(Media, (cast.acme.tenant_id, media_id))
    assert (row.state, row.attempts) == (MediaState.WAITING, 0)
    assert "inbox.fetch_media" in jobs(admin_url)


@pytest.mark.parametrize("state", [MediaState.STORED, MediaState.REFUSED, MediaState.WAITING])
async def test_only_a_failed_file_is_fetched_again(cast: Cast, state: MediaState) -> None:
    with pytest.raises(NotFound):
        await do(cast.bob, service.fetch_again, await a_file(cast, state))


async def test_anothers_file_is_not_fetched_again(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await do(cast.charlie, service.fetch_again, await a_file(cast, MediaState.FAILED))
