"""Acme before the shipped simulated Twilio: its subaccount, its number and its WhatsApp sender are there."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.inbox import jobs, queries, service
from tenant_portal.inbox.queries import MediaRow, MessageRow
from tenant_portal.models.ids import uuid7
from tenant_portal.simulator.stand_in.records import Media, Message, new_sid
from tests.cast import Cast, Company
from tests.signed_in import person
from tests.simulated_twilio import SimulatedTwilio, addresses, enter_twilio, portal, twilio
from tests.threads import LEAD, open_thread, receive

__all__ = ["addresses", "portal", "twilio"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Bob at Acme's inbox, with an open thread, before the simulated Twilio."""

    cast: Cast
    twilio: SimulatedTwilio
    thread: UUID

    @property
    def acme(self) -> Company:
        return self.cast.acme

    async def answer(self, body: str = "On my way", thread: UUID | None = None) -> UUID:
        """Queue an answer; nothing is sent yet."""
        async with db.tenant_session(self.acme.tenant_id) as session:
            return await service.queue_reply(session, person(self.cast.bob), thread or self.thread, body)

    async def drain(self, *, due: bool = True) -> None:
        """Let the outbox job run once; `due` ends all pauses first."""
        if due:
            await self.end_pauses()
            await self.sql("update message set next_attempt_at = now() where next_attempt_at is not null")
        await jobs.drain_outbox(self.acme.tenant_id)

    async def end_pauses(self) -> None:
        """As if time had passed."""
        await self.sql("update throttle set until = now() where subject like 'task:%'")

    async def message(self, message_id: UUID) -> MessageRow:
        """The message as it stands."""
        thread = await self.sql("select conversation_id from message where id = :id", id=message_id)
        async with db.tenant_session(self.acme.tenant_id) as session:
            rows = await queries.list_messages(session, self.acme.tenant_id, thread)
        return next(row for row in rows if row.id == message_id)

    async def status(self, message_id: UUID) -> str:
        return (await self.message(message_id)).status.value

    async def sql(self, statement: str, **values: object) -> Any:
        """Run a statement as Acme; the first value of its first row, if it has rows."""
        async with db.tenant_session(self.acme.tenant_id) as session:
            result = await session.execute(text(statement), values)
            row = result.first() if result.returns_rows else None
        return row[0] if row else None

    def at_twilio(self) -> list[Message]:
        """What Acme has sent, as the simulated Twilio sees it; oldest first."""
        return [
            one for one in self.twilio.world.store.all(Message, self.acme.account_sid) if one.to != self.acme.number
        ]

    def file_at_twilio(self, content: bytes, content_type: str = "image/png") -> str:
        """The URL of a file of Acme's."""
        return file_at_twilio(self.twilio, self.acme, content, content_type)

    async def receive_file(self, url: str, content_type: str = "image/png") -> UUID:
        """A message with a file arrives; the id of the file."""
        file = {"id": str(uuid7()), "position": 0, "url": url, "type": content_type}
        await receive(self.acme, media=[file])
        return UUID(str(file["id"]))

    async def fetch(self, media_id: UUID, *, due: bool = True) -> MediaRow:
        """Let the media job run once; the file as it stands."""
        if due:
            await self.end_pauses()
            await self.sql("update media set next_attempt_at = now() where state = 'waiting'")
        await jobs.drain_media(self.acme.tenant_id)
        async with db.tenant_session(self.acme.tenant_id) as session:
            rows = await queries.list_messages(session, self.acme.tenant_id, self.thread)
        return next(file for row in rows for file in row.media if file.id == media_id)


@pytest_asyncio.fixture
async def desk(cast: Cast, twilio: SimulatedTwilio) -> Desk:
    enter_twilio(twilio, cast.acme)
    return Desk(cast, twilio, await open_thread(cast.acme, lead=LEAD))


def file_at_twilio(twilio: SimulatedTwilio, company: Company, content: bytes, content_type: str = "image/png") -> str:
    """The URL of a file of this company's account, as a webhook tells it."""
    store, account, message = twilio.world.store, company.account_sid, new_sid("MM")
    file = store.save_file(new_sid("ME"), content)
    media = store.put(
        Media(sid=new_sid("ME"), account_sid=account, message_sid=message, content_type=content_type, file=file)
    )
    return f"https://api.twilio.com/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media.sid}"
