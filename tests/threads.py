"""Conversations for tests, through the same SQL function that takes Twilio's messages."""

import json
import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tenant_portal import db
from tenant_portal.models.ids import uuid7
from tests.cast import Company

LEAD = "+14155550999"


STORE = text("select outcome, message_id from front_door.store_events(cast(:rows as jsonb))")


def event(company: Company, *, kind: str = "sms", lead: str = LEAD, body: str = "Hello", **more: Any) -> dict[str, Any]:
    """A message from `lead` to this company's number, as the front door hands it over."""
    return {
        "n": 0,
        "event": "message",
        "tenant_id": str(company.tenant_id),
        "message_id": str(uuid7()),
        "lead_id": str(uuid7()),
        "conversation_id": str(uuid7()),
        "kind": kind,
        "provider_sid": f"SM{secrets.token_hex(16)}",
        "thread": lead,
        "channel_number": company.number,
        "our_number": company.number,
        "lead_number": lead,
        "body": body,
        "preview": body[:200],
        "profile_name": "",
        "place": "",
        "opt_out": None,
        "details": {},
        "media": [],
    } | more


async def receive(company: Company, **more: Any) -> UUID:
    """Id of a message from a lead to this company's number."""
    async with db.tenant_session(company.tenant_id) as session:
        stored = await session.execute(STORE, {"rows": json.dumps([event(company, **more)])})
        outcome, message_id = stored.one()
    assert outcome == "stored", outcome
    return UUID(str(message_id))


async def open_thread(company: Company, **more: Any) -> UUID:
    """Id of a conversation with one received message."""
    message_id = await receive(company, **more)
    async with db.tenant_session(company.tenant_id) as session:
        found = await session.scalar(
            text("select conversation_id from message where tenant_id = :tenant and id = :id"),
            {"tenant": company.tenant_id, "id": message_id},
        )
    assert isinstance(found, UUID)
    return found
