"""One person, one lead: proposals, merging and its undoing. Open browsers are told.

A merged lead and its thread stay as rows of their own, so that its number is still known and nothing of it is lost. A
trigger of `conversation` (migration 0011) carries its messages to the kept lead's thread, those of now and those to
come, and writes each down in `moved_message`, which is what goes back when the merge is undone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import Conflict, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.leads.queries import CONVERSATION, LEAD, LEAD_LABEL, MESSAGE, NOTE
from tenant_portal.models import Conversation, Lead, LeadMerge, metadata
from tenant_portal.models.enums import ChannelKind, Direction

MERGE = metadata.tables["lead_merge"]
READING = metadata.tables["thread_reading"]
MOVED = metadata.tables["moved_message"]
DISTINCT = metadata.tables["distinct_leads"]
MOST_PAIRS = 50
MOST_ALIKE = 8
MAX_PREVIEW = 140
# What the kept lead takes over where it has nothing of its own.
FILLED = ("name", "profile_name", "place", "value", "owner_id", "next_step", "next_step_on", "referral", "opted_out_at")


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two leads that may be one person, and why: `number` or `name`. The older one comes first."""

    first_id: UUID
    second_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class MergeRow:
    """A merge that stands: who it was, by whom, when."""

    id: UUID
    merged_id: UUID
    address: str
    name: str
    profile_name: str
    actor_name: str
    merged_at: datetime


async def suggest(session: AsyncSession, tenant_id: UUID, *, limit: int = MOST_PAIRS) -> list[PairRow]:
    """Pairs that may be one person: one number in two spellings, or one name. Those said to be two are left out.

    Reads all leads once, in groups and not against each other, which with 100,000 would take minutes.
    """
    number = sa.func.regexp_replace(LEAD.c.address, r"^\+549(?=[0-9]{10}$)", "+54")
    apart = sa.select(DISTINCT.c.first_id, DISTINCT.c.second_id).where(DISTINCT.c.tenant_id == tenant_id)
    known = {(first, second) for first, second in await session.execute(apart)}
    found: dict[tuple[UUID, UUID], str] = {}
    for reason, key in (("number", number), ("name", sa.func.lower(LEAD.c.name))):
        for ids in await _groups(session, tenant_id, key, limit + len(known)):
            for pair in combinations(ids, 2):
                if pair not in known:
                    found.setdefault(pair, reason)
    return [PairRow(*pair, reason) for pair, reason in list(found.items())[:limit]]


async def _groups(session: AsyncSession, tenant_id: UUID, key: Any, most: int) -> list[list[UUID]]:
    """Ids of leads that share a key, the oldest first; at most so many groups, of the first few leads each."""
    ids = sa.func.array_agg(aggregate_order_by(LEAD.c.id, LEAD.c.id))
    alike = sa.select(ids).where(LEAD.c.tenant_id == tenant_id, LEAD.c.merged_into.is_(None), key != "")
    found = await session.scalars(
        alike.group_by(key).having(sa.func.count() > 1).order_by(sa.func.min(key)).limit(most)
    )
    return [list(group)[:MOST_ALIKE] for group in found]


async def keep_apart(session: AsyncSession, person: Person, one_id: UUID, other_id: UUID) -> None:
    """These two are not one person: they are not proposed again."""
    one, other = await _both(session, person, one_id, other_id)
    first, second = sorted((one.id, other.id))
    row = insert(DISTINCT).values(tenant_id=one.tenant_id, first_id=first, second_id=second)
    await session.execute(row.on_conflict_do_nothing())
    await audit.record(session, person, "lead:kept-apart", str(first), other=str(second))
    await announce(session, one.tenant_id)


async def merge(session: AsyncSession, person: Person, kept_id: UUID, merged_id: UUID) -> UUID:
    """Put `merged_id` into `kept_id`; the merge's id. What the kept lead has stays, what it lacks it takes over.

    Messages, calls, notes and labels go along, and so does whatever arrives later. Whoever of the two is blocked or has
    opted out makes the person so.
    """
    kept, merged = await _both(session, person, kept_id, merged_id)
    threads = await _threads(session, kept, merged)
    before, after = _fill(kept, merged)
    before["labels"], before["blocked_at"] = await _labels_of(session, kept), _text(kept.blocked_at)
    before["threads"] = {
        str(lead_id): {"unread": thread.unread_count, "preview": thread.preview, "last": _text(thread.last_message_at)}
        for lead_id, thread in threads.items()
    }
    before["notes"] = await _move_notes(session, merged, kept)
    if merged.blocked_at and not kept.blocked_at:
        kept.blocked_at = merged.blocked_at
        after["blocked_at"] = _text(kept.blocked_at)
    after["labels"] = await _copy_labels(session, merged, kept)
    row = LeadMerge(
        tenant_id=kept.tenant_id,
        kept_id=kept.id,
        merged_id=merged.id,
        before=before,
        after=after,
        actor_name=person.name,
    )
    session.add(row)
    merged.merged_into = kept.id
    await session.flush()
    await _join(session, kept, merged, threads)
    await audit.record(session, person, "lead:merged", str(kept.id), merge=str(row.id), other=str(merged.id))
    await announce(session, kept.tenant_id)
    return row.id


async def list_merges(session: AsyncSession, tenant_id: UUID, lead_id: UUID) -> list[MergeRow]:
    """The merges into this lead that stand, newest first."""
    columns = [LEAD.c[name] for name in ("address", "name", "profile_name")]
    found = (
        sa.select(*(MERGE.c[name] for name in ("id", "merged_id", "actor_name", "merged_at")), *columns)
        .join(LEAD, sa.and_(LEAD.c.tenant_id == MERGE.c.tenant_id, LEAD.c.id == MERGE.c.merged_id))
        .where(MERGE.c.tenant_id == tenant_id, MERGE.c.kept_id == lead_id, MERGE.c.undone_at.is_(None))
    )
    return [MergeRow(**row) for row in (await session.execute(found.order_by(MERGE.c.id.desc()))).mappings()]


async def undo(session: AsyncSession, person: Person, merge_id: UUID) -> UUID:
    """Make two leads of one again; the id of the one that comes back.

    It comes back as it went, with its messages, those that arrived since, and its notes. The other one gets back what
    the merge had changed on it, unless somebody has changed it again. Conflict while it is itself merged into another.
    """
    found = sa.select(LeadMerge).where(
        col(LeadMerge.tenant_id) == person.tenant_id, col(LeadMerge.id) == merge_id, col(LeadMerge.undone_at).is_(None)
    )
    row = await session.scalar(found.with_for_update())
    if row is None:
        raise NotFound("This merge does not exist, or has been undone already.")
    leads = {lead.id: lead for lead in await _locked(session, row.tenant_id, (row.kept_id, row.merged_id))}
    kept, merged = leads[row.kept_id], leads[row.merged_id]
    if kept.merged_into is not None:
        raise Conflict("This lead was merged into another one since. Undo that merge first.")
    row.undone_at, merged.merged_into = datetime.now(UTC), None
    await session.flush()
    await _separate(session, row, kept, merged)
    _empty(kept, row)
    await _take_labels_off(session, kept, row)
    ours = sa.update(CONVERSATION).where(CONVERSATION.c.tenant_id == row.tenant_id, CONVERSATION.c.lead_id == kept.id)
    await session.execute(ours.values(is_blocked=kept.blocked_at is not None))
    note_ids = [UUID(note_id) for note_id in row.before["notes"]]
    notes = sa.update(NOTE).where(NOTE.c.tenant_id == row.tenant_id, NOTE.c.id.in_(note_ids))
    await session.execute(notes.values(lead_id=merged.id))
    await audit.record(session, person, "lead:merge-undone", str(kept.id), merge=str(row.id), other=str(merged.id))
    await announce(session, row.tenant_id)
    return merged.id


async def _both(session: AsyncSession, person: Person, one_id: UUID, other_id: UUID) -> tuple[Lead, Lead]:
    if person.tenant_id is None:
        raise NotFound("This lead does not exist.")
    if one_id == other_id:
        raise Conflict("A lead cannot be merged with itself.")
    leads = {lead.id: lead for lead in await _locked(session, person.tenant_id, (one_id, other_id))}
    if any(lead_id not in leads or leads[lead_id].merged_into is not None for lead_id in (one_id, other_id)):
        raise NotFound("This lead does not exist.")
    return leads[one_id], leads[other_id]


async def _locked(session: AsyncSession, tenant_id: UUID, ids: Iterable[UUID]) -> list[Lead]:
    # In one order: of two merges of one pair at once, one waits and then finds the other's work.
    found = sa.select(Lead).where(col(Lead.tenant_id) == tenant_id, col(Lead.id).in_(list(ids)))
    return list(await session.scalars(found.order_by(col(Lead.id)).with_for_update()))


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else value


def _fill(kept: Lead, merged: Lead) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take over what `kept` lacks; the changed values before and after, as text."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in FILLED:
        own, theirs = getattr(kept, name), getattr(merged, name)
        if theirs and not own:
            before[name], after[name] = _text(own), _text(theirs)
            setattr(kept, name, theirs)
    fields = {**merged.fields, **kept.fields}
    if fields != kept.fields:
        before["fields"], after["fields"] = kept.fields, fields
        kept.fields = fields
    return before, after


def _empty(kept: Lead, row: LeadMerge) -> None:
    """Give back what the merge changed, where it still is as the merge left it."""
    for name in (*FILLED, "fields", "blocked_at"):
        if name in row.after and _text(getattr(kept, name)) == row.after[name]:
            setattr(kept, name, row.before[name])


async def _labels_of(session: AsyncSession, lead: Lead) -> list[str]:
    found = sa.select(LEAD_LABEL.c.label_id).where(
        LEAD_LABEL.c.tenant_id == lead.tenant_id, LEAD_LABEL.c.lead_id == lead.id
    )
    return [str(label_id) for label_id in await session.scalars(found)]


async def _copy_labels(session: AsyncSession, merged: Lead, kept: Lead) -> list[str]:
    """Put the merged lead's labels on the kept one as well; those that were new to it."""
    theirs = sa.select(LEAD_LABEL.c.tenant_id, sa.literal(kept.id, sa.Uuid), LEAD_LABEL.c.label_id).where(
        LEAD_LABEL.c.tenant_id == merged.tenant_id, LEAD_LABEL.c.lead_id == merged.id
    )
    copied = insert(LEAD_LABEL).from_select(["tenant_id", "lead_id", "label_id"], theirs).on_conflict_do_nothing()
    return [str(label_id) for label_id in await session.scalars(copied.returning(LEAD_LABEL.c.label_id))]


async def _take_labels_off(session: AsyncSession, kept: Lead, row: LeadMerge) -> None:
    copied = sa.delete(LEAD_LABEL).where(
        LEAD_LABEL.c.tenant_id == kept.tenant_id,
        LEAD_LABEL.c.lead_id == kept.id,
        LEAD_LABEL.c.label_id.in_([UUID(label_id) for label_id in row.after["labels"]]),
    )
    await session.execute(copied)


async def _move_notes(session: AsyncSession, merged: Lead, kept: Lead) -> list[str]:
    theirs = sa.update(NOTE).where(NOTE.c.tenant_id == merged.tenant_id, NOTE.c.lead_id == merged.id)
    return [str(note_id) for note_id in await session.scalars(theirs.values(lead_id=kept.id).returning(NOTE.c.id))]


async def _threads(session: AsyncSession, *leads: Lead) -> dict[UUID, Conversation]:
    """The thread of each lead that has one, locked."""
    ids = [lead.id for lead in leads]
    found = sa.select(Conversation).where(
        col(Conversation.tenant_id) == leads[0].tenant_id, col(Conversation.lead_id).in_(ids)
    )
    rows = await session.scalars(found.order_by(col(Conversation.id)).with_for_update())
    return {row.lead_id: row for row in rows}


async def _join(session: AsyncSession, kept: Lead, merged: Lead, threads: dict[UUID, Conversation]) -> None:
    """Send the merged lead's thread into the kept one's; the trigger moves what is in it.

    Both are made where they are missing: what arrives later for the merged lead needs them.
    """
    for lead in (kept, merged):
        if lead.id not in threads:
            threads[lead.id] = _empty_thread(lead)
            session.add(threads[lead.id])
    ours, theirs = threads[kept.id], threads[merged.id]
    ours.is_blocked = kept.blocked_at is not None
    await session.flush()
    sending = sa.update(CONVERSATION).where(CONVERSATION.c.tenant_id == kept.tenant_id, CONVERSATION.c.id == theirs.id)
    await session.execute(sending.values(merged_into=ours.id))
    for thread in (ours, theirs):
        session.expire(thread)


def _empty_thread(lead: Lead) -> Conversation:
    # Older than anything: the first message that comes is the newest.
    return Conversation(
        tenant_id=lead.tenant_id,
        lead_id=lead.id,
        last_channel=lead.source or ChannelKind.SMS,
        last_direction=Direction.IN,
        last_message_at=datetime(1970, 1, 1, tzinfo=UTC),
    )


async def _separate(session: AsyncSession, row: LeadMerge, kept: Lead, merged: Lead) -> None:
    """Move the messages back and count both threads again."""
    threads = await _threads(session, kept, merged)
    ours, theirs = threads[kept.id], threads[merged.id]
    unread = await _unread_of_each(session, row, ours)
    await session.execute(_what_was_read(ours, theirs, unread[1]))
    await session.execute(
        sa.update(CONVERSATION)
        .where(CONVERSATION.c.tenant_id == row.tenant_id, CONVERSATION.c.id == theirs.id)
        .values(merged_into=None)
    )
    went = sa.select(MOVED.c.message_id).where(MOVED.c.tenant_id == row.tenant_id, MOVED.c.merge_id == row.id)
    back = sa.update(MESSAGE).where(
        MESSAGE.c.tenant_id == row.tenant_id, MESSAGE.c.conversation_id == ours.id, MESSAGE.c.id.in_(went)
    )
    await session.execute(back.values(conversation_id=theirs.id))
    await session.execute(sa.delete(MOVED).where(MOVED.c.tenant_id == row.tenant_id, MOVED.c.merge_id == row.id))
    shown = _text(ours.last_message_at), ours.preview
    for thread, count in zip((ours, theirs), unread, strict=True):
        then = row.before["threads"].get(str(thread.lead_id), {})
        await _count_again(session, thread, count, dict([(then.get("last"), then.get("preview", "")), shown]))
    for thread in (ours, theirs):
        session.expire(thread)


def _what_was_read(ours: Conversation, theirs: Conversation, count: int) -> sa.Executable:
    """Who has read the one thread but for its newest messages has read the other as far as that."""
    unread = ours.unread_count - READING.c.read_count
    columns = ("tenant_id", "user_id", "conversation_id", "read_count")
    positions = sa.select(
        READING.c.tenant_id, READING.c.user_id, sa.literal(theirs.id, sa.Uuid), sa.func.greatest(count - unread, 0)
    ).where(READING.c.tenant_id == ours.tenant_id, READING.c.conversation_id == ours.id)
    taken = insert(READING).from_select(columns, positions)
    return taken.on_conflict_do_update(index_elements=columns[:3], set_={"read_count": taken.excluded.read_count})


async def _unread_of_each(session: AsyncSession, row: LeadMerge, ours: Conversation) -> tuple[int, int]:
    """How many messages of the kept and of the merged thread are unread.

    Nobody has read since the merge: as many as then, and those that came since. Somebody has: the newest ones, since
    reading a thread reads all of it.
    """
    incoming = sa.select(
        MESSAGE.c.created_at,
        sa.exists()
        .where(MOVED.c.tenant_id == row.tenant_id, MOVED.c.merge_id == row.id, MOVED.c.message_id == MESSAGE.c.id)
        .label("is_theirs"),
    ).where(
        MESSAGE.c.tenant_id == row.tenant_id,
        MESSAGE.c.conversation_id == ours.id,
        MESSAGE.c.direction == Direction.IN,
    )
    then = [row.before["threads"].get(str(lead_id), {}).get("unread", 0) for lead_id in (row.kept_id, row.merged_id)]
    since = (await session.execute(incoming.where(MESSAGE.c.status_at > row.merged_at))).all()
    if ours.unread_count == sum(then) + len(since):
        theirs = sum(one.is_theirs for one in since)
        return then[0] + len(since) - theirs, then[1] + theirs
    newest = (await session.execute(incoming.order_by(MESSAGE.c.id.desc()).limit(ours.unread_count))).all()
    theirs = sum(one.is_theirs for one in newest)
    return ours.unread_count - theirs, theirs


async def _count_again(session: AsyncSession, thread: Conversation, unread: int, previews: dict[str, str]) -> None:
    """Count a thread's messages anew; `previews` are those that are known, by the time of their message."""
    of_thread = sa.and_(MESSAGE.c.tenant_id == thread.tenant_id, MESSAGE.c.conversation_id == thread.id)
    columns = [MESSAGE.c[name] for name in ("channel_kind", "direction", "created_at", "body")]
    latest = sa.select(*columns).where(of_thread).order_by(MESSAGE.c.created_at.desc(), MESSAGE.c.id.desc()).limit(1)
    newest = (await session.execute(latest)).first()
    count = await session.scalar(sa.select(sa.func.count()).where(of_thread))
    values: dict[str, Any] = {"unread_count": unread, "message_count": count}
    if newest is not None:
        values |= {
            "preview": previews.get(_text(newest.created_at), " ".join(newest.body.split())[:MAX_PREVIEW]),
            "last_channel": newest.channel_kind,
            "last_direction": newest.direction,
            "last_message_at": newest.created_at,
        }
    row = sa.update(CONVERSATION).where(CONVERSATION.c.tenant_id == thread.tenant_id, CONVERSATION.c.id == thread.id)
    await session.execute(row.values(values))
