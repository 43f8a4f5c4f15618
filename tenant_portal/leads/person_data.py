"""Everything that is kept about one person, for whoever asks for it (GDPR, articles 15 and 20)."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.audit import service as audit
from tenant_portal.identity.queries import Person
from tenant_portal.leads import consent, queries
from tenant_portal.leads.queries import CONVERSATION, LEAD, MESSAGE, NOTE
from tenant_portal.models import metadata

MEDIA = metadata.tables["media"]
VOICEMAIL = metadata.tables["voicemail"]
AUDIT = metadata.tables["audit_event"]
OF_MESSAGE = (
    "id", "created_at", "channel_kind", "direction", "status", "our_number", "lead_number", "body", "details",
    "author_name", "provider_sid",
)  # fmt: skip


async def collect(session: AsyncSession, person: Person, lead_id: UUID) -> dict[str, Any]:
    """What the tenant knows of this lead, by topic; NotFound if it has none of this id. Written into the trail."""
    assert person.tenant_id is not None
    tenant_id = person.tenant_id
    lead = await queries.get_lead(session, tenant_id, lead_id)
    names = {str(field.id): field.name for field in await queries.list_fields(session, tenant_id)}
    threads = sa.select(CONVERSATION.c.id).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.lead_id == lead_id
    )
    messages = sa.select(MESSAGE.c.id).where(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id.in_(threads))
    await audit.record(session, person, "lead:data-exported", str(lead_id))
    return {
        "person": {
            "number": lead.address,
            "other_numbers": await _other_numbers(session, tenant_id, lead_id),
            "name": lead.name,
            "profile_name": lead.profile_name,
            "place": lead.place,
            "source": lead.source,
            "advertisement": lead.referral,
            "first_contact": lead.created_at,
            "unsubscribed_since": lead.opted_out_at,
            "blocked_since": lead.blocked_at,
        },
        "kept_by_the_team": {
            "stage": lead.stage_name,
            "owner": lead.owner_name,
            "value": lead.value,
            "next_step": lead.next_step,
            "due_on": lead.next_step_on,
            "labels": [label.name for label in lead.labels],
            "own_fields": {names.get(key, key): value for key, value in lead.fields.items()},
        },
        "notes": await _rows(
            session, NOTE, ("created_at", "author_name", "body"), NOTE.c.lead_id == lead_id, tenant_id
        ),
        "consent": [asdict(row) for row in await consent.list_history(session, tenant_id, lead_id)],
        "messages_and_calls": await _rows(session, MESSAGE, OF_MESSAGE, MESSAGE.c.id.in_(messages), tenant_id),
        "files": await _rows(
            session,
            MEDIA,
            ("id", "message_id", "content_type", "size_bytes"),
            MEDIA.c.message_id.in_(messages),
            tenant_id,
        ),
        "recordings": await _rows(
            session,
            VOICEMAIL,
            ("message_id", "recording_sid", "duration_seconds", "transcript"),
            VOICEMAIL.c.message_id.in_(messages),
            tenant_id,
        ),
        "changes": await _rows(
            session, AUDIT, ("at", "actor_name", "action", "details"), AUDIT.c.subject == str(lead_id), tenant_id
        ),
    }


async def _other_numbers(session: AsyncSession, tenant_id: UUID, lead_id: UUID) -> list[str]:
    found = sa.select(LEAD.c.address).where(LEAD.c.tenant_id == tenant_id, LEAD.c.merged_into == lead_id)
    return list(await session.scalars(found.order_by(LEAD.c.id)))


async def _rows(
    session: AsyncSession, table: sa.Table, names: tuple[str, ...], which: sa.ColumnElement[bool], tenant_id: UUID
) -> list[dict[str, Any]]:
    found = sa.select(*(table.c[name] for name in names)).where(table.c.tenant_id == tenant_id, which)
    return [dict(row) for row in (await session.execute(found.order_by(table.c.id))).mappings()]
