"""What an owner decides about leads: stages, labels, own fields, currency. Open browsers are told."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads import rules
from tenant_portal.leads.queries import LEAD
from tenant_portal.models import Label, Lead, LeadField, LeadStage, Tenant
from tenant_portal.models.enums import Colour, FieldKind, Role, StageKind

Row = TypeVar("Row", LeadStage, Label, LeadField)
MOST = {LeadStage: rules.MAX_STAGES, Label: rules.MAX_LABELS, LeadField: rules.MAX_FIELDS}
WORDS = {LeadStage: "stage", Label: "label", LeadField: "field"}


async def add_stage(session: AsyncSession, person: Person, name: str, colour: str, kind: str) -> UUID:
    """A new stage, before the first that is won or lost if it is open, else at the end; its id."""
    tenant_id = _tenant_of_owner(person)
    stages = await _stages(session, tenant_id)
    stage = LeadStage(
        tenant_id=tenant_id,
        name=rules.clean_word(name, "stage"),
        colour=rules.word_of(Colour, colour, "colour"),
        kind=rules.word_of(StageKind, kind, "kind"),
    )
    await _add(session, person, stage, stages)
    opened = [one for one in stages if one.kind is StageKind.OPEN]
    place = len(opened) if stage.kind is StageKind.OPEN and stages[: len(opened)] == opened else len(stages)
    _number([*stages[:place], stage, *stages[place:]])
    await session.flush()
    return stage.id


async def change_stage(
    session: AsyncSession, person: Person, stage_id: UUID, name: str, colour: str, kind: str
) -> None:
    """Rename, recolour, or change what the stage means. Conflict where no open stage would be left."""
    tenant_id = _tenant_of_owner(person)
    stages = await _stages(session, tenant_id)
    stage = _of(stages, stage_id)
    before = stage.name
    stage.name = rules.clean_word(name, "stage")
    stage.colour = rules.word_of(Colour, colour, "colour")
    stage.kind = rules.word_of(StageKind, kind, "kind")
    _refuse_without_open(stages)
    await _flush(session, "stage")
    await _tell(session, person, "stage:changed", stage.name, before=before)


async def shift_stage(session: AsyncSession, person: Person, stage_id: UUID, by: int) -> None:
    """Move a stage so many places to the right, or left where negative; at the ends it stays."""
    tenant_id = _tenant_of_owner(person)
    stages = await _stages(session, tenant_id)
    stage = _of(stages, stage_id)
    place = stages.index(stage)
    target = min(max(place + by, 0), len(stages) - 1)
    if target != place:
        stages.insert(target, stages.pop(place))
        _number(stages)
        await _tell(session, person, "stage:moved", stage.name)


async def delete_stage(session: AsyncSession, person: Person, stage_id: UUID, move_to: UUID | None = None) -> int:
    """Delete a stage; its leads go to `move_to` first. How many went.

    Conflict where leads stand in it and no other stage is named, or where no open stage would be left.
    """
    tenant_id = _tenant_of_owner(person)
    # Locked: a lead that enters the stage meanwhile waits, and then finds it gone.
    stages = await _stages(session, tenant_id)
    stage = _of(stages, stage_id)
    rest = [one for one in stages if one is not stage]
    _refuse_without_open(rest)
    inside = sa.and_(col(Lead.tenant_id) == tenant_id, col(Lead.stage_id) == stage_id)
    moved = 0
    if move_to is not None:
        target = _of(rest, move_to)
        went = await session.execute(sa.update(Lead).where(inside).values(stage_id=target.id).returning(col(Lead.id)))
        moved = len(went.all())
    elif await session.scalar(sa.select(sa.exists().where(inside))):
        raise Conflict(f"Leads stand in the stage {stage.name}. Choose where they go.")
    await session.delete(stage)
    _number(rest)
    await _tell(session, person, "stage:deleted", stage.name, moved=moved)
    return moved


async def add_label(session: AsyncSession, person: Person, name: str, colour: str) -> UUID:
    """A new label; its id."""
    tenant_id = _tenant_of_owner(person)
    label = Label(
        tenant_id=tenant_id, name=rules.clean_word(name, "label"), colour=rules.word_of(Colour, colour, "colour")
    )
    await _add(session, person, label, await _rows(session, Label, tenant_id))
    return label.id


async def change_label(session: AsyncSession, person: Person, label_id: UUID, name: str, colour: str) -> None:
    """Rename or recolour a label; it stays on its leads."""
    tenant_id = _tenant_of_owner(person)
    label = _of(await _rows(session, Label, tenant_id), label_id)
    before = label.name
    label.name, label.colour = rules.clean_word(name, "label"), rules.word_of(Colour, colour, "colour")
    await _flush(session, "label")
    await _tell(session, person, "label:changed", label.name, before=before)


async def delete_label(session: AsyncSession, person: Person, label_id: UUID) -> None:
    """Delete a label, also from all leads."""
    tenant_id = _tenant_of_owner(person)
    label = _of(await _rows(session, Label, tenant_id), label_id)
    await session.delete(label)
    await _tell(session, person, "label:deleted", label.name)


async def add_field(session: AsyncSession, person: Person, name: str, kind: str, choices: str) -> UUID:
    """A new field of leads, at the end; its id. `choices` has one word a line and is only read for a choice."""
    tenant_id = _tenant_of_owner(person)
    known = await _rows(session, LeadField, tenant_id)
    what = rules.word_of(FieldKind, kind, "kind")
    field = LeadField(
        tenant_id=tenant_id,
        name=rules.clean_word(name, "field"),
        kind=what,
        choices=rules.parse_choices(choices) if what is FieldKind.CHOICE else [],
        position=max((one.position for one in known), default=0) + 1,
    )
    await _add(session, person, field, known)
    return field.id


async def change_field(session: AsyncSession, person: Person, field_id: UUID, name: str, choices: str) -> None:
    """Rename a field, or change its choices. What leads hold stays, also a word that is no choice any more."""
    tenant_id = _tenant_of_owner(person)
    field = _of(await _rows(session, LeadField, tenant_id), field_id)
    before = field.name
    field.name = rules.clean_word(name, "field")
    if field.kind is FieldKind.CHOICE:
        field.choices = rules.parse_choices(choices)
    await _flush(session, "field")
    await _tell(session, person, "field:changed", field.name, before=before)


async def delete_field(session: AsyncSession, person: Person, field_id: UUID) -> None:
    """Delete a field and what all leads hold in it."""
    tenant_id = _tenant_of_owner(person)
    field = _of(await _rows(session, LeadField, tenant_id), field_id)
    held = sa.update(LEAD).where(LEAD.c.tenant_id == tenant_id, LEAD.c.fields.has_key(str(field_id)))
    await session.execute(held.values(fields=LEAD.c.fields.op("-")(sa.literal(str(field_id), sa.Text))))
    await session.delete(field)
    await _tell(session, person, "field:deleted", field.name)


async def set_currency(session: AsyncSession, person: Person, currency: str) -> None:
    """The currency of all values; what stands there is not converted."""
    tenant_id = _tenant_of_owner(person)
    currency = rules.currency_of(currency)
    await session.execute(sa.update(Tenant).where(col(Tenant.id) == tenant_id).values(currency=currency))
    await _tell(session, person, "currency:changed", currency)


def _tenant_of_owner(person: Person) -> UUID:
    if person.role is not Role.OWNER or person.tenant_id is None:
        raise NotAllowed("Only an owner can change stages, labels and fields.")
    return person.tenant_id


async def _stages(session: AsyncSession, tenant_id: UUID) -> list[LeadStage]:
    query = sa.select(LeadStage).where(col(LeadStage.tenant_id) == tenant_id)
    ordered = query.order_by(col(LeadStage.position), col(LeadStage.id)).with_for_update()
    return list(await session.scalars(ordered))


async def _rows(session: AsyncSession, kind: type[Row], tenant_id: UUID) -> list[Row]:
    query = sa.select(kind).where(col(kind.tenant_id) == tenant_id).order_by(col(kind.id))
    return list(await session.scalars(query.with_for_update()))


def _of(rows: Sequence[Row], row_id: UUID) -> Row:
    found = next((row for row in rows if row.id == row_id), None)
    if found is None:
        raise NotFound
    return found


async def _add(session: AsyncSession, person: Person, row: Row, known: Sequence[Row]) -> None:
    what, most = WORDS[type(row)], MOST[type(row)]
    if len(known) >= most:
        raise BadInput(f"There are {most} {what}s already, which is the most.", field="name")
    session.add(row)
    await _flush(session, what)
    await _tell(session, person, f"{what}:added", row.name)


async def _flush(session: AsyncSession, what: str) -> None:
    try:
        await session.flush()
    except IntegrityError:
        raise BadInput(f"There is a {what} of this name already.", field="name") from None


def _refuse_without_open(stages: Sequence[LeadStage]) -> None:
    if not any(stage.kind is StageKind.OPEN for stage in stages):
        raise Conflict("New leads need a stage that is neither won nor lost. Add one first.")


def _number(stages: Sequence[LeadStage]) -> None:
    for position, stage in enumerate(stages, 1):
        stage.position = position


async def _tell(session: AsyncSession, person: Person, action: str, subject: str, **details: Any) -> None:
    await audit.record(session, person, action, subject, **details)
    await announce(session, _tenant_of_owner(person))
