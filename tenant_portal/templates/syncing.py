"""What the job writes down: intents taken up, their outcome, and what Twilio says about all templates."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.models.base import now
from tenant_portal.models.enums import TemplateKind, TemplateState
from tenant_portal.models.ids import uuid7
from tenant_portal.templates import rules
from tenant_portal.templates.queries import TEMPLATE, TemplateRow, list_templates
from tenant_portal.twilio_gateway.content import Content, ContentButton, ContentKind, TwilioTemplate

S = TemplateState
INTENTS = (S.SUBMITTING, S.DELETING)
# Twilio's list may not have yet what was made a moment ago.
LIST_LAG = timedelta(minutes=2)
GONE = "It is no longer at Twilio. Submit it again or delete it."
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)


def content_of(row: TemplateRow) -> Content:
    """The template as Twilio takes it."""
    buttons = tuple(ContentButton(one.action, one.title, one.value) for one in row.buttons)
    return Content(
        name=row.name,
        language=row.language,
        kind=ContentKind[row.kind.name],
        body=row.body,
        media_url=row.media_url,
        buttons=buttons,
        samples=row.samples,
    )


async def intents(session: AsyncSession, tenant_id: UUID) -> list[TemplateRow]:
    """What people want to have done."""
    return await list_templates(session, tenant_id, INTENTS)


async def keep_sid(session: AsyncSession, tenant_id: UUID, template_id: UUID, content_sid: str) -> None:
    """Twilio has made it."""
    await _update(session, tenant_id, TEMPLATE.c.id == template_id, content_sid=content_sid)


async def keep_submitted(session: AsyncSession, tenant_id: UUID, template_id: UUID) -> None:
    """WhatsApp has it, unless it is to be deleted meanwhile."""
    later = now() + rules.SHORTEST_LOOK
    which = sa.and_(TEMPLATE.c.id == template_id, TEMPLATE.c.state == S.SUBMITTING)
    await _update(session, tenant_id, which, state=S.PENDING, reason="", attempts=0, next_attempt_at=later)


async def keep_failure(session: AsyncSession, tenant_id: UUID, template_id: UUID, reason: str) -> None:
    """It was refused for good, and waits for a person."""
    await _update(session, tenant_id, TEMPLATE.c.id == template_id, state=S.FAILED, reason=reason, next_attempt_at=None)


async def postpone(session: AsyncSession, tenant_id: UUID, row: TemplateRow, reason: str) -> None:
    """Try again later, each time after a longer pause."""
    pause = min(FIRST_PAUSE * 2 ** min(row.attempts, 10), LONGEST_PAUSE)
    values = {"reason": reason, "attempts": row.attempts + 1, "next_attempt_at": now() + pause}
    await _update(session, tenant_id, TEMPLATE.c.id == row.id, **values)


async def remove(session: AsyncSession, tenant_id: UUID, template_id: UUID) -> None:
    """It is gone at Twilio too."""
    await session.execute(sa.delete(TEMPLATE).where(TEMPLATE.c.tenant_id == tenant_id, TEMPLATE.c.id == template_id))


async def keep_list(session: AsyncSession, tenant_id: UUID, at_twilio: list[TwilioTemplate]) -> bool:
    """Bring every row in step with Twilio's list, and add what was made elsewhere; whether anything is new."""
    by_sid = {one.sid: one for one in at_twilio}
    rows, is_new = await list_templates(session, tenant_id), False
    for row in rows:
        if row.content_sid is not None and row.state not in INTENTS:
            is_new |= await _keep_state(session, tenant_id, row, by_sid.get(row.content_sid))
    known = {row.content_sid for row in rows}
    for sid, found in by_sid.items():
        if sid not in known and found.content is not None:
            await _add(session, tenant_id, found, found.content)
            is_new = True
    return is_new


async def seconds_to_next(session: AsyncSession, tenant_id: UUID) -> float | None:
    """How long until a row is due; None if none is."""
    due = sa.select(sa.func.min(TEMPLATE.c.next_attempt_at)).where(TEMPLATE.c.tenant_id == tenant_id)
    at: datetime | None = await session.scalar(due)
    return None if at is None else max((at - now()).total_seconds(), 0.0)


async def _keep_state(session: AsyncSession, tenant_id: UUID, row: TemplateRow, found: TwilioTemplate | None) -> bool:
    age = now() - row.created_at
    if found is None:
        state, reason = (S.GONE, GONE) if age > LIST_LAG else (row.state, row.reason)
    else:
        state, reason = rules.from_twilio(found.status), found.rejection_reason
    look = rules.next_look(state, age)
    values: dict[str, object] = {"next_attempt_at": now() + look if look else None}
    is_new = (state, reason) != (row.state, row.reason)
    if is_new:
        values |= {"state": state, "reason": reason, "changed_at": now()}
    await _update(session, tenant_id, TEMPLATE.c.id == row.id, **values)
    return is_new


async def _add(session: AsyncSession, tenant_id: UUID, found: TwilioTemplate, content: Content) -> None:
    state = rules.from_twilio(found.status)
    look = rules.next_look(state, timedelta())
    added = insert(TEMPLATE).values(
        tenant_id=tenant_id,
        id=uuid7(),
        name=found.name[: rules.LONGEST_NAME] or found.sid,
        language=content.language[:12],
        category=found.category[:20],
        kind=TemplateKind[content.kind.name],
        body=content.body,
        media_url=content.media_url,
        buttons=[[one.action, one.title, one.value] for one in content.buttons],
        samples=content.samples,
        fills={},
        state=state,
        content_sid=found.sid,
        reason=found.rejection_reason,
        attempts=0,
        next_attempt_at=now() + look if look else None,
        created_at=now(),
        changed_at=now(),
    )
    # One of the same name stays at Twilio alone: two of a name could not be told apart.
    await session.execute(added.on_conflict_do_nothing())


async def _update(session: AsyncSession, tenant_id: UUID, which: sa.ColumnElement[bool], **values: object) -> None:
    changes: Mapping[str, object] = values
    await session.execute(sa.update(TEMPLATE).where(TEMPLATE.c.tenant_id == tenant_id, which).values(**changes))
