"""Templates as people change them: each function writes an intent into a row and wakes the job that carries it out."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal import job_queue
from tenant_portal.audit.service import record
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, Conflict, NotAllowed
from tenant_portal.identity.queries import Person
from tenant_portal.models.base import now
from tenant_portal.models.enums import Role, TemplateState
from tenant_portal.models.ids import uuid7
from tenant_portal.templates import rules
from tenant_portal.templates.queries import TEMPLATE, get_template

SYNC = "templates.sync"
S = TemplateState
# What has no content at Twilio, or one that was never handed to WhatsApp, can be submitted.
SUBMITTABLE = frozenset({S.FAILED, S.UNSUBMITTED, S.GONE})


async def create(session: AsyncSession, person: Person, draft: rules.Draft) -> UUID:
    """Write a template down and have it submitted for approval; its id. BadInput, Conflict, NotAllowed for agents."""
    tenant_id, draft = _require_owner(person), rules.checked(draft)
    values = {
        "tenant_id": tenant_id,
        "id": uuid7(),
        "name": draft.name,
        "language": draft.language,
        "category": draft.category,
        "kind": draft.kind,
        "body": draft.body,
        "media_url": draft.media_url,
        "buttons": [[button.action, button.title, button.value] for button in draft.buttons],
        "samples": dict(draft.samples),
        "fills": dict(draft.fills),
        "state": S.SUBMITTING,
        "reason": "",
        "attempts": 0,
        "next_attempt_at": now(),
        "created_at": now(),
        "changed_at": now(),
        "created_by": person.user_id,
    }
    added = insert(TEMPLATE).values(values).on_conflict_do_nothing().returning(TEMPLATE.c.id)
    template_id = await session.scalar(added)
    if template_id is None:
        raise BadInput("There is a template of this name already. Choose another name.", field="name")
    await record(session, person, "template:created", draft.name)
    await _wake(session, tenant_id)
    return UUID(str(template_id))


async def submit(session: AsyncSession, person: Person, template_id: UUID) -> None:
    """Submit, or try again to submit, a template. NotFound, Conflict, NotAllowed for agents."""
    tenant_id = _require_owner(person)
    template = await get_template(session, tenant_id, template_id)
    if template.state not in SUBMITTABLE:
        raise Conflict("This template has been submitted already.")
    gone = {"content_sid": None} if template.state is S.GONE else {}
    await _set(session, tenant_id, template_id, state=S.SUBMITTING, reason="", attempts=0, **gone)
    await record(session, person, "template:submitted", template.name)
    await _wake(session, tenant_id)


async def delete(session: AsyncSession, person: Person, template_id: UUID) -> None:
    """Delete a template here and at Twilio; messages sent with it stay. NotFound, NotAllowed for agents."""
    tenant_id = _require_owner(person)
    template = await get_template(session, tenant_id, template_id)
    await _set(session, tenant_id, template_id, state=S.DELETING, reason="", attempts=0)
    await record(session, person, "template:deleted", template.name)
    await _wake(session, tenant_id)


async def check_now(session: AsyncSession, person: Person) -> None:
    """Ask Twilio how all templates stand, and for those that were made there."""
    tenant_id = _require_owner(person)
    await _wake(session, tenant_id)


def _require_owner(person: Person) -> UUID:
    if person.tenant_id is None or person.role is not Role.OWNER:
        raise NotAllowed("Only owners change message templates.")
    return person.tenant_id


async def _set(session: AsyncSession, tenant_id: UUID, template_id: UUID, **values: object) -> None:
    row = sa.update(TEMPLATE).where(TEMPLATE.c.tenant_id == tenant_id, TEMPLATE.c.id == template_id)
    await session.execute(row.values(next_attempt_at=now(), changed_at=now(), **values))


async def _wake(session: AsyncSession, tenant_id: UUID) -> None:
    await job_queue.wake(session, SYNC, tenant_id)
    await announce(session, tenant_id)
