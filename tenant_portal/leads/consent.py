"""Consent of a lead, channel by channel: what is known, what may be sent, and what a person of the team records.

A channel is closed where consent was withdrawn on any text channel, unless the newest word about this one says `given`:
a STOP by SMS closes WhatsApp as well, until the person agrees to it there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads.queries import CONVERSATION, LEAD, MESSAGE
from tenant_portal.leads.rules import clean_consent_note, word_of
from tenant_portal.models import metadata
from tenant_portal.models.enums import ChannelKind, ConsentKind, ConsentSource
from tenant_portal.models.ids import uuid7

CONSENT = metadata.tables["consent"]
SHOWN = 100


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One word about one channel, with its proof."""

    channel_kind: ChannelKind
    kind: ConsentKind
    source: ConsentSource
    at: datetime
    text: str
    note: str
    actor_name: str
    message_id: UUID | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a channel stands: `last` is the newest word about it, `is_closed` whether nothing may be sent there."""

    channel_kind: ChannelKind
    last: ConsentRow | None
    is_closed: bool


async def list_history(session: AsyncSession, tenant_id: UUID, lead_id: UUID, limit: int = SHOWN) -> list[ConsentRow]:
    """What this lead, and those merged into it, have said; the newest first."""
    names = ConsentRow.__dataclass_fields__
    found = sa.select(*(CONSENT.c[name] for name in names)).where(
        CONSENT.c.tenant_id == tenant_id, CONSENT.c.lead_id.in_(_same_person(tenant_id, lead_id))
    )
    rows = await session.execute(found.order_by(CONSENT.c.at.desc(), CONSENT.c.id.desc()).limit(limit))
    return [ConsentRow(**row) for row in rows.mappings()]


def standings(history: list[ConsentRow], *, opted_out: bool) -> list[Standing]:
    """Where each channel stands, by a history that begins with the newest; `opted_out` is the lead's own column."""
    found = []
    for kind in ChannelKind:
        last = next((row for row in history if row.channel_kind is kind), None)
        is_given = last is not None and last.kind is ConsentKind.GIVEN
        # Nobody opts out of calls by a text, and the portal places none.
        asked = last is not None if kind is ChannelKind.VOICEMAIL else opted_out
        found.append(Standing(kind, last, asked and not is_given))
    return found


def is_withdrawn(channel_kind: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether nothing may be sent to the lead of the query (`LEAD`) on this channel."""
    twin = LEAD.alias("twin")
    same = sa.select(twin.c.id).where(
        twin.c.tenant_id == LEAD.c.tenant_id, sa.or_(twin.c.id == LEAD.c.id, twin.c.merged_into == LEAD.c.id)
    )
    last = (
        sa.select(CONSENT.c.kind)
        .where(
            CONSENT.c.tenant_id == LEAD.c.tenant_id,
            CONSENT.c.lead_id.in_(same.correlate(LEAD)),
            sa.cast(CONSENT.c.channel_kind, sa.Text) == sa.cast(channel_kind, sa.Text),
        )
        .order_by(CONSENT.c.at.desc(), CONSENT.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    given: sa.ColumnElement[str] = sa.literal_column(f"'{ConsentKind.GIVEN.value}'")
    # Of most leads nothing was ever withdrawn, so that the history is not even looked at.
    return sa.and_(LEAD.c.opted_out_at.is_not(None), sa.func.coalesce(sa.cast(last, sa.Text), "") != given)


async def record(session: AsyncSession, person: Person, lead_id: UUID, channel: str, kind: str, note: str) -> None:
    """Write down what the lead has said otherwise, as on paper. BadInput beside `channel`, `kind` or `note`."""
    on, said = word_of(ChannelKind, channel, "channel"), word_of(ConsentKind, kind, "kind")
    note = clean_consent_note(note)
    tenant_id = person.tenant_id
    known = sa.select(LEAD.c.id).where(
        LEAD.c.tenant_id == tenant_id, LEAD.c.id == lead_id, LEAD.c.merged_into.is_(None)
    )
    if tenant_id is None or await session.scalar(known.with_for_update()) is None:
        raise NotFound("This lead does not exist.")
    row = _row(tenant_id, lead_id, on, said, ConsentSource.BY_HAND)
    row |= {"note": note, "actor_id": person.user_id, "actor_name": person.name}
    await session.execute(insert(CONSENT).values(row))
    await audit.record(session, person, f"lead:consent-{said.value}", str(lead_id), channel=on.value)
    await announce(session, tenant_id)


async def note_refused(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> None:
    """Twilio refused this message because the lead has unsubscribed there (21610)."""
    found = sa.select(CONVERSATION.c.lead_id, MESSAGE.c.channel_kind).where(
        MESSAGE.c.tenant_id == tenant_id,
        MESSAGE.c.id == message_id,
        CONVERSATION.c.tenant_id == tenant_id,
        CONVERSATION.c.id == MESSAGE.c.conversation_id,
    )
    lead_id, channel_kind = (await session.execute(found)).one()
    row = _row(tenant_id, lead_id, channel_kind, ConsentKind.WITHDRAWN, ConsentSource.TWILIO)
    await session.execute(insert(CONSENT).values(row | {"message_id": message_id}))


def _row(
    tenant_id: UUID, lead_id: UUID, channel_kind: ChannelKind, kind: ConsentKind, source: ConsentSource
) -> dict[str, Any]:
    now = datetime.now(UTC)
    words = {"channel_kind": channel_kind, "kind": kind, "source": source, "text": "", "note": "", "actor_name": ""}
    return {"tenant_id": tenant_id, "id": uuid7(), "lead_id": lead_id, "at": now, "recorded_at": now, **words}


def _same_person(tenant_id: UUID, lead_id: UUID) -> sa.Select[Any]:
    is_one = sa.or_(LEAD.c.id == lead_id, LEAD.c.merged_into == lead_id)
    return sa.select(LEAD.c.id).where(LEAD.c.tenant_id == tenant_id, is_one)
