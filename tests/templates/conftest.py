"""Acme and Globex before the shipped simulated Twilio, with their WhatsApp senders."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.inbox import jobs as inbox_jobs
from tenant_portal.models.enums import TemplateKind
from tenant_portal.simulator.stand_in.records import Message, Template
from tenant_portal.templates import jobs, queries, service
from tenant_portal.templates.queries import TemplateRow
from tenant_portal.templates.rules import Button, Draft
from tests.cast import Cast, Company, Someone
from tests.inbox.conftest import enter_twilio
from tests.signed_in import person
from tests.simulated_twilio import SimulatedTwilio, addresses, portal, twilio
from tests.threads import LEAD, open_thread
from tests.twilio.servers import until

__all__ = ["addresses", "portal", "twilio"]
BODY = "Hello {{1}}, your kitchen is ready. May we come by?"


def draft(**more: Any) -> Draft:
    """A quick-reply template with one variable."""
    wanted: dict[str, Any] = {
        "name": "kitchen_ready",
        "language": "en",
        "category": "UTILITY",
        "kind": TemplateKind.QUICK_REPLY,
        "body": BODY,
        "buttons": (Button("reply", "Yes, please", "yes"), Button("reply", "Not today", "no")),
        "samples": {"1": "Ada"},
        "fills": {"1": "first_name"},
    }
    return Draft(**wanted | more)


@dataclass(frozen=True, slots=True)
class Studio:
    """Where templates are made: Alice owns Acme, Charlie owns Globex."""

    cast: Cast
    twilio: SimulatedTwilio

    async def create(self, who: Someone | None = None, **more: Any) -> UUID:
        owner = who or self.cast.alice
        async with db.tenant_session(tenant_of(owner)) as session:
            return await service.create(session, person(owner), draft(**more))

    async def sync(self, company: Company | None = None) -> None:
        await jobs.drain((company or self.cast.acme).tenant_id)

    async def rows(self, company: Company | None = None) -> list[TemplateRow]:
        tenant_id = (company or self.cast.acme).tenant_id
        async with db.tenant_session(tenant_id) as session:
            return await queries.list_templates(session, tenant_id)

    async def approved(self, who: Someone | None = None, **more: Any) -> UUID:
        """A template that WhatsApp has approved."""
        company = self.cast.globex if who is self.cast.charlie else self.cast.acme
        template_id = await self.create(who, **more)

        async def is_settled() -> bool:
            await self.sync(company)
            return next(row.state for row in await self.rows(company) if row.id == template_id) == "approved"

        await until(is_settled)
        return template_id

    async def closed_thread(self, hours: int = 25) -> UUID:
        """A thread whose lead's last WhatsApp message is so old."""
        thread = await open_thread(self.cast.acme, kind="whatsapp", lead=LEAD, profile_name="Ada Lovelace")
        async with db.tenant_session(self.cast.acme.tenant_id) as session:
            older = text("update message set created_at = created_at - :age where conversation_id = :thread")
            await session.execute(older, {"age": timedelta(hours=hours), "thread": thread})
        return thread

    async def send_all(self) -> None:
        await inbox_jobs.drain_outbox(self.cast.acme.tenant_id)

    def templates_at_twilio(self, company: Company | None = None) -> list[Template]:
        return self.twilio.world.store.all(Template, (company or self.cast.acme).account_sid)

    def sent(self) -> list[Message]:
        found = self.twilio.world.store.all(Message, self.cast.acme.account_sid)
        return [one for one in found if one.direction != "inbound"]


def tenant_of(someone: Someone) -> UUID:
    assert someone.tenant_id is not None
    return someone.tenant_id


@pytest_asyncio.fixture
async def studio(cast: Cast, twilio: SimulatedTwilio) -> Studio:
    for company in (cast.acme, cast.globex):
        enter_twilio(twilio, company)
    return Studio(cast, twilio)
