"""Changing leads. The tenant comes from the signed-in person, never from an argument; open browsers are told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads import queries, rules
from tenant_portal.leads.queries import CONVERSATION, LABEL, LEAD_LABEL, USER
from tenant_portal.models import Lead, LeadNote, LeadStage, metadata
from tenant_portal.models.ids import uuid7

CHANNEL = metadata.tables["channel"]
NOBODY = ""
Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class LeadForm:
    """What a person typed about a lead, as text. `fields` maps ids of the tenant's own fields to text."""

    name: str = ""
    value: str = ""
    next_step: str = ""
    next_step_on: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Details:
    """The same, checked."""

    name: str
    value: Decimal | None
    next_step: str
    next_step_on: date | None
    fields: dict[str, str]


async def create(session: AsyncSession, person: Person, number: str, name: str) -> UUID:
    """A lead that the team enters by hand; its id. BadInput, also where there is a lead of this number."""
    tenant_id = _tenant_of(person)
    home = sa.select(CHANNEL.c.country).where(CHANNEL.c.tenant_id == tenant_id, CHANNEL.c.country != "")
    address = rules.parse_number(number, await session.scalar(home.limit(1)) or "")
    lead = {"tenant_id": tenant_id, "id": uuid7(), "address": address, "name": rules.clean_name(name)}
    fresh = insert(Lead).values(lead).on_conflict_do_nothing(index_elements=["tenant_id", "address"])
    lead_id: UUID | None = await session.scalar(fresh.returning(col(Lead.id)))
    if lead_id is None:
        raise BadInput("There is a lead with this number already.", field="number")
    await audit.record(session, person, "lead:created", str(lead_id))
    await announce(session, tenant_id)
    return lead_id


async def edit(session: AsyncSession, person: Person, lead_id: UUID, form: LeadForm) -> None:
    """Change what the team knows of a lead. FieldErrors with a sentence for each wrong field; nothing is changed then.

    An empty name falls back to the profile's name or the number.
    """
    lead = await _lead(session, person, lead_id)
    details = _check(form, await queries.list_fields(session, lead.tenant_id))
    changed = [
        name for name in ("name", "value", "next_step", "next_step_on") if getattr(lead, name) != getattr(details, name)
    ]
    fields = {key: value for key, value in {**lead.fields, **details.fields}.items() if value}
    if fields != lead.fields:
        changed.append("fields")
    if changed:
        lead.name, lead.value, lead.fields = details.name, details.value, fields
        lead.next_step, lead.next_step_on = details.next_step, details.next_step_on
        await audit.record(session, person, "lead:edited", str(lead_id), changed=changed)
        await announce(session, lead.tenant_id)


def _check(form: LeadForm, known: list[queries.FieldRow]) -> Details:
    errors: dict[str, str] = {}

    def checked(parse: Callable[[], Parsed], otherwise: Parsed) -> Parsed:
        try:
            return parse()
        except BadInput as error:
            errors[error.field or ""] = error.message
            return otherwise

    typed = [(one, form.fields[str(one.id)]) for one in known if str(one.id) in form.fields]
    fields = {str(one.id): checked(partial(_own_field, one, text), "") for one, text in typed}
    details = Details(
        checked(lambda: rules.clean_name(form.name), ""),
        checked(lambda: rules.parse_value(form.value), None),
        checked(lambda: rules.clean_next_step(form.next_step), ""),
        checked(lambda: rules.parse_day(form.next_step_on), None),
        fields,
    )
    if errors:
        raise rules.FieldErrors(errors)
    return details


def _own_field(one: queries.FieldRow, text: str) -> str:
    return rules.parse_field(one.kind, one.choices, text, str(one.id))


async def set_stage(session: AsyncSession, person: Person, lead_id: UUID, stage_id: UUID) -> None:
    """Move a lead to another stage."""
    lead = await _lead(session, person, lead_id)
    found = sa.select(col(LeadStage.id), col(LeadStage.name)).where(
        col(LeadStage.tenant_id) == lead.tenant_id, col(LeadStage.id).in_((stage_id, lead.stage_id))
    )
    names: dict[UUID, str] = {row.id: row.name for row in await session.execute(found)}
    if stage_id not in names:
        raise BadInput("There is no such stage.", field="stage")
    if stage_id != lead.stage_id:
        before = names.get(lead.stage_id or stage_id, "")
        lead.stage_id = stage_id
        await audit.record(session, person, "lead:stage-changed", str(lead_id), before=before, after=names[stage_id])
        await announce(session, lead.tenant_id)


async def set_owner(session: AsyncSession, person: Person, lead_id: UUID, owner_id: UUID | None) -> None:
    """Give a lead to a member of the team, or to nobody."""
    lead = await _lead(session, person, lead_id)
    members = sa.select(USER.c.id, USER.c.name, USER.c.disabled_at).where(
        USER.c.tenant_id == lead.tenant_id, USER.c.id.in_((owner_id, lead.owner_id))
    )
    people = {row.id: row for row in await session.execute(members)}
    if owner_id is not None and (owner_id not in people or people[owner_id].disabled_at is not None):
        raise BadInput("This person is not in your team.", field="owner")
    if owner_id != lead.owner_id:
        before, after = (people[one].name if one in people else NOBODY for one in (lead.owner_id, owner_id))
        lead.owner_id = owner_id
        await audit.record(session, person, "lead:owner-changed", str(lead_id), before=before, after=after)
        await announce(session, lead.tenant_id)


async def set_label(session: AsyncSession, person: Person, lead_id: UUID, label_id: UUID, *, on: bool) -> None:
    """Put a label on a lead, or take it off."""
    lead = await _lead(session, person, lead_id)
    known = sa.select(LABEL.c.name).where(LABEL.c.tenant_id == lead.tenant_id, LABEL.c.id == label_id)
    name = await session.scalar(known)
    if name is None:
        raise BadInput("There is no such label.", field="label")
    ids = {"tenant_id": lead.tenant_id, "lead_id": lead_id, "label_id": label_id}
    if on:
        change = insert(LEAD_LABEL).values(ids).on_conflict_do_nothing().returning(LEAD_LABEL.c.label_id)
    else:
        same = [LEAD_LABEL.c[column] == value for column, value in ids.items()]
        change = sa.delete(LEAD_LABEL).where(*same).returning(LEAD_LABEL.c.label_id)  # type: ignore[assignment]
    if (await session.execute(change)).first():
        action = "lead:labelled" if on else "lead:unlabelled"
        await audit.record(session, person, action, str(lead_id), label=name)
        await announce(session, lead.tenant_id)


async def set_blocked(session: AsyncSession, person: Person, lead_id: UUID, *, blocked: bool) -> None:
    """Block a lead, or let it through again.

    What a blocked lead sends is kept and never unread; nothing is sent to it. The numbers merged into it go with it.
    """
    lead = await _lead(session, person, lead_id)
    if (lead.blocked_at is not None) == blocked:
        return
    lead.blocked_at = datetime.now(UTC) if blocked else None
    threads = sa.update(CONVERSATION).where(
        CONVERSATION.c.tenant_id == lead.tenant_id, CONVERSATION.c.lead_id == lead_id
    )
    await session.execute(threads.values(is_blocked=blocked))
    await audit.record(session, person, "lead:blocked" if blocked else "lead:unblocked", str(lead_id))
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
    found = sa.select(Lead).where(
        col(Lead.tenant_id) == person.tenant_id, col(Lead.id) == lead_id, col(Lead.merged_into).is_(None)
    )
    lead = await session.scalar(found.with_for_update())
    if lead is None:
        raise NotFound("This lead does not exist.")
    return lead


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotFound("This lead does not exist.")
    return person.tenant_id
