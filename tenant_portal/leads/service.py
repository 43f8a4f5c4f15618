"""Changing leads. The tenant comes from the signed-in person, never from an argument; open browsers are told."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads import rules
from tenant_portal.models import Lead, LeadNote


async def rename(session: AsyncSession, person: Person, lead_id: UUID, name: str) -> None:
    """Give a lead a name; an empty one falls back to the profile's name or the number."""
    lead = await _lead(session, person, lead_id)
    name = rules.clean_name(name)
    if name != lead.name:
        lead.name = name
        await audit.record(session, person, "lead:renamed", str(lead_id))
        await announce(session, lead.tenant_id)


async def set_stage(session: AsyncSession, person: Person, lead_id: UUID, stage: str) -> None:
    """Move a lead to another stage."""
    lead = await _lead(session, person, lead_id)
    target, previous = rules.stage_of(stage), lead.stage
    if target is not previous:
        lead.stage = target
        await audit.record(
            session, person, "lead:stage-changed", str(lead_id), before=previous.value, after=target.value
        )
        await announce(session, lead.tenant_id)


async def add_note(session: AsyncSession, person: Person, lead_id: UUID, body: str) -> UUID:
    """Write a note; the id of it. Notes are for the team and never sent."""
    lead = await _lead(session, person, lead_id)
    note = LeadNote(
        tenant_id=lead.tenant_id,
        lead_id=lead.id,
        author_id=person.user_id,
        author_name=person.name,
        body=rules.clean_note(body),
    )
    session.add(note)
    await session.flush()
    await announce(session, lead.tenant_id)
    return note.id


async def delete_note(session: AsyncSession, person: Person, note_id: UUID) -> None:
    """Delete a note of one's own."""
    found = sa.select(LeadNote).where(col(LeadNote.tenant_id) == person.tenant_id, col(LeadNote.id) == note_id)
    note = await session.scalar(found)
    if note is None:
        raise NotFound("This note does not exist.")
    if note.author_id != person.user_id:
        raise NotAllowed("Only the author can delete a note.")
    await session.delete(note)
    await audit.record(session, person, "lead:note-deleted", str(note.lead_id))
    await announce(session, note.tenant_id)


async def _lead(session: AsyncSession, person: Person, lead_id: UUID) -> Lead:
    found = sa.select(Lead).where(col(Lead.tenant_id) == person.tenant_id, col(Lead.id) == lead_id)
    lead = await session.scalar(found)
    if lead is None:
        raise NotFound("This lead does not exist.")
    return lead
