"""Taking away everything that is kept of one person (GDPR, article 17), here at once and at Twilio by a job.

What has to go elsewhere is written down in the same transaction that deletes the lead, and each line stays until Twilio
or the file store has confirmed; nothing else is kept of the person than the end of the number.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import job_queue
from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import Conflict, NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads.queries import CONVERSATION, LEAD, MESSAGE
from tenant_portal.models import ErasureItem, LeadErasure, metadata
from tenant_portal.models.enums import ChannelKind, ErasureKind, MessageStatus, Role

ERASE = "leads.erase"
ITEM = metadata.tables["erasure_item"]
ERASURE = metadata.tables["lead_erasure"]
MEDIA = metadata.tables["media"]
VOICEMAIL = metadata.tables["voicemail"]
IMPORT_ROW = metadata.tables["lead_import_row"]
MOST_SHOWN = 50
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """An erasure and how much of it is not confirmed yet."""

    id: UUID
    about: str
    total: int
    left: int
    last_error: str
    actor_name: str
    created_at: datetime
    finished_at: datetime | None


async def erase(session: AsyncSession, person: Person, lead_id: UUID) -> UUID:
    """Delete a lead with everything of it, and have a job delete the rest; the erasure's id. Owners only.

    Leads that were merged into it go with it. Conflict while a message to it is on its way, since its SID is not known.
    """
    if person.role is not Role.OWNER or person.tenant_id is None:
        raise NotAllowed("Only an owner can delete a person.")
    tenant_id = person.tenant_id
    found = sa.select(LEAD.c.id, LEAD.c.address).where(
        LEAD.c.tenant_id == tenant_id, sa.or_(LEAD.c.id == lead_id, LEAD.c.merged_into == lead_id)
    )
    leads = {row.id: row.address for row in await session.execute(found.order_by(LEAD.c.id).with_for_update())}
    if lead_id not in leads:
        raise NotFound("This lead does not exist.")
    items = await _items(session, tenant_id, leads)
    row = LeadErasure(
        tenant_id=tenant_id,
        about=f"Number ending in {leads[lead_id][-2:]}",
        total=len(items),
        actor_id=person.user_id,
        actor_name=person.name,
        finished_at=None if items else datetime.now(UTC),
    )
    session.add(row)
    await session.flush()
    session.add_all(
        ErasureItem(tenant_id=tenant_id, erasure_id=row.id, kind=kind, reference=reference) for kind, reference in items
    )
    await session.flush()
    await _forget_here(session, tenant_id, leads)
    await audit.record(session, person, "person:erased", str(row.id), things=len(items))
    await job_queue.wake(session, ERASE, tenant_id)
    await announce(session, tenant_id)
    return row.id


async def _items(session: AsyncSession, tenant_id: UUID, leads: dict[UUID, str]) -> list[tuple[ErasureKind, str]]:
    """What of these leads is at Twilio and in the file store; recordings before their calls."""
    threads = sa.select(CONVERSATION.c.id).where(
        CONVERSATION.c.tenant_id == tenant_id, CONVERSATION.c.lead_id.in_(leads)
    )
    within = sa.and_(MESSAGE.c.tenant_id == tenant_id, MESSAGE.c.conversation_id.in_(threads))
    under_way = MESSAGE.c.status.in_((MessageStatus.SENDING, MessageStatus.UNKNOWN))
    if await session.scalar(sa.select(sa.exists().where(within, under_way))):
        raise Conflict("A message to this person is on its way. Try again in a minute.")
    ids = sa.select(MESSAGE.c.id).where(within)
    recordings = sa.select(VOICEMAIL.c.recording_sid).where(
        VOICEMAIL.c.tenant_id == tenant_id, VOICEMAIL.c.message_id.in_(ids)
    )
    messages = sa.select(MESSAGE.c.channel_kind, MESSAGE.c.provider_sid).where(
        within, MESSAGE.c.provider_sid.is_not(None)
    )
    files = sa.select(MEDIA.c.object_key).where(
        MEDIA.c.tenant_id == tenant_id, MEDIA.c.message_id.in_(ids), MEDIA.c.object_key.is_not(None)
    )
    return [
        *((ErasureKind.FILE, str(key)) for key in await session.scalars(files)),
        *((ErasureKind.RECORDING, sid) for sid in await session.scalars(recordings)),
        *(
            (ErasureKind.CALL if kind is ChannelKind.VOICEMAIL else ErasureKind.MESSAGE, str(sid))
            for kind, sid in await session.execute(messages)
        ),
    ]


async def _forget_here(session: AsyncSession, tenant_id: UUID, leads: dict[UUID, str]) -> None:
    rows = sa.delete(IMPORT_ROW).where(
        IMPORT_ROW.c.tenant_id == tenant_id,
        sa.or_(IMPORT_ROW.c.address.in_(leads.values()), IMPORT_ROW.c.lead_id.in_(leads)),
    )
    await session.execute(rows)
    # Thread, messages, files, recordings, notes, labels and merges go with the lead.
    await session.execute(sa.delete(LEAD).where(LEAD.c.tenant_id == tenant_id, LEAD.c.id.in_(leads)))


async def list_erasures(session: AsyncSession, tenant_id: UUID) -> list[ErasureRow]:
    """The newest erasures first."""
    left = (
        sa.select(sa.func.count())
        .where(ITEM.c.tenant_id == tenant_id, ITEM.c.erasure_id == ERASURE.c.id)
        .scalar_subquery()
    )
    names = ("id", "about", "total", "last_error", "actor_name", "created_at", "finished_at")
    found = sa.select(*(ERASURE.c[name] for name in names), left.label("left")).where(ERASURE.c.tenant_id == tenant_id)
    rows = await session.execute(found.order_by(ERASURE.c.id.desc()).limit(MOST_SHOWN))
    return [ErasureRow(**row) for row in rows.mappings()]


async def due_items(session: AsyncSession, tenant_id: UUID, *, limit: int = 50) -> list[ErasureItem]:
    """What may be tried now, the oldest first."""
    found = sa.select(ErasureItem).where(
        col(ErasureItem.tenant_id) == tenant_id, col(ErasureItem.next_attempt_at) <= sa.func.now()
    )
    order = (col(ErasureItem.next_attempt_at), col(ErasureItem.id))
    return list(await session.scalars(found.order_by(*order).limit(limit)))


async def seconds_to_next(session: AsyncSession, tenant_id: UUID) -> float | None:
    """When the next thing may be tried again; None if nothing is left."""
    first = sa.func.min(ITEM.c.next_attempt_at)
    seconds = sa.func.extract("epoch", first - sa.func.now())
    found: Any = await session.scalar(sa.select(seconds).where(ITEM.c.tenant_id == tenant_id))
    return None if found is None else max(float(found), 0.0)


async def confirm(session: AsyncSession, item: ErasureItem) -> None:
    """It is gone. With the last one the erasure is finished."""
    await session.execute(sa.delete(ITEM).where(ITEM.c.tenant_id == item.tenant_id, ITEM.c.id == item.id))
    rest = sa.exists().where(ITEM.c.tenant_id == item.tenant_id, ITEM.c.erasure_id == item.erasure_id)
    row = sa.update(ERASURE).where(ERASURE.c.tenant_id == item.tenant_id, ERASURE.c.id == item.erasure_id)
    await session.execute(row.where(~rest).values(finished_at=sa.func.now(), last_error=""))
    await announce(session, item.tenant_id)


async def put_off(session: AsyncSession, item: ErasureItem, reason: str) -> None:
    """It is not gone yet: tried again, ever more seldom, until it is."""
    pause = min(FIRST_PAUSE * 2 ** min(item.attempts, 12), LONGEST_PAUSE)
    change = sa.update(ITEM).where(ITEM.c.tenant_id == item.tenant_id, ITEM.c.id == item.id)
    await session.execute(change.values(attempts=ITEM.c.attempts + 1, next_attempt_at=datetime.now(UTC) + pause))
    row = sa.update(ERASURE).where(ERASURE.c.tenant_id == item.tenant_id, ERASURE.c.id == item.erasure_id)
    await session.execute(row.values(last_error=reason[:500]))
    await announce(session, item.tenant_id)
