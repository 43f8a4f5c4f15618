"""Traffic and rows of a synthetic client: its canary word in every kind of row, by the ways real ones take."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tenant_portal import object_store
from tenant_portal.db import identity_session, tenant_session
from tenant_portal.identity import second_factor, team
from tenant_portal.inbox import canned, drafts, notes, notifying, organise, planned, reading, words
from tenant_portal.leads import consent as lead_consent
from tenant_portal.leads import importing as lead_importing
from tenant_portal.leads import jobs as lead_jobs
from tenant_portal.leads import merging as lead_merging
from tenant_portal.leads import service as leads
from tenant_portal.leads import setup as lead_setup
from tenant_portal.models import (
    Conversation,
    ErasureItem,
    LeadErasure,
    Media,
    Message,
    MessageTemplate,
    NoteMention,
    TextBack,
    Throttle,
    metadata,
)
from tenant_portal.models import row_level_security as wall
from tenant_portal.models.base import now
from tenant_portal.models.enums import (
    ChannelKind,
    Direction,
    ErasureKind,
    MediaState,
    MessageStatus,
    TemplateKind,
    TemplateState,
    TextBackState,
    ThrottleReason,
    Told,
)
from tenant_portal.models.ids import uuid7
from tenant_portal.simulator.two_tenant_check import forms
from tenant_portal.simulator.two_tenant_check.actors import Actor
from tenant_portal.simulator.two_tenant_check.visitor import Answer, Visitor

# The smallest PNG there is: one transparent pixel; what follows its end is ignored by viewers, and is the canary.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000020001"
    "e221bc330000000049454e44ae426082"
)
TWIN, OTHER = "+14155550177", "+14155550178"
TRAFFIC_TABLES = (
    *("lead", "lead_note", "conversation", "thread_event", "message", "media", "voicemail", "text_back"),
    "planned_message",
)


class NotStaged(Exception):
    """The portal did not take a client's own traffic: the check cannot begin."""


async def deliver(visitor: Visitor, actor: Actor, template: str, marker: str) -> Answer:
    """A webhook as Twilio sends it for this client, rightly signed."""
    form = forms.form_of(template, actor, marker)
    path = f"{forms.path_of(template, actor)}?account={actor.account_sid}"
    answer = await visitor.call(path, form, visitor.signature(path, form, actor.auth_token))
    if answer.status >= 300:
        raise NotStaged(f"{template} answered {answer.status} to client {actor.letter}'s own request")
    return answer


async def fill(visitor: Visitor, actor: Actor) -> Actor:
    """Give the client messages on every channel, a lead with notes, a file, an invitation; the actor with its ids."""
    for template in (f"{forms.PREFIX}/sms", f"{forms.PREFIX}/whatsapp"):
        await deliver(visitor, actor, template, actor.canary)
    actor = await _call(visitor, actor)
    actor = await _answer(actor)
    await _leave_unanswered(actor)
    await _write_template(actor)
    await _describe_lead(actor)
    await _prepare_answers(actor)
    await _invite(actor)
    await _begin_second_step(actor)
    await _wait(actor)
    await words.take_in(actor.tenant_id, settled=timedelta(0))
    return replace(actor, ids=await ids_of(actor.tenant_id))


async def _call(visitor: Visitor, actor: Actor) -> Actor:
    """A call with a transcript; recording and transcript need the call's own SID."""
    template = f"{forms.PREFIX}/voicemail"
    path = f"{template}?account={actor.account_sid}"
    form = forms.form_of(template, actor, actor.canary)
    await visitor.call(path, form, visitor.signature(path, form, actor.auth_token))
    call_sid = dict(form)["CallSid"]
    async with tenant_session(actor.tenant_id) as session:
        query = text("select id from message where tenant_id = :tenant and provider_sid = :sid")
        found = await session.scalar(query, {"tenant": actor.tenant_id, "sid": call_sid})
    if found is None:
        raise NotStaged(f"client {actor.letter}'s own call was not stored")
    actor = replace(actor, call=(str(found), call_sid))
    await deliver(visitor, actor, f"{template}/{{message_id}}/transcription", actor.canary)
    return actor


async def _answer(actor: Actor) -> Actor:
    """An answer that has been sent, and a picture in the thread. Written as they end up: nothing leaves for Twilio."""
    sent_sid = forms.sid("SM")
    async with tenant_session(actor.tenant_id) as session:
        query = text("select id from conversation where tenant_id = :tenant limit 1")
        conversation_id = await session.scalar(query, {"tenant": actor.tenant_id})
        message = _sent(actor, conversation_id, sent_sid)
        session.add(message)
        await session.flush()
        session.add(await _picture(actor, message.id))
    return replace(actor, sent=(str(message.id), sent_sid))


def _sent(actor: Actor, conversation_id: UUID, sent_sid: str) -> Message:
    return Message(
        tenant_id=actor.tenant_id,
        conversation_id=conversation_id,
        channel_kind=ChannelKind.SMS,
        direction=Direction.OUT,
        status=MessageStatus.SENT,
        body=f"Answer {actor.canary}",
        provider_sid=sent_sid,
        our_number=actor.number,
        lead_number=forms.LEAD,
        author_name=f"Author {actor.canary}",
        media_count=1,
    )


async def _picture(actor: Actor, message_id: UUID) -> Media:
    media_id, content = uuid7(), PICTURE + actor.canary.encode()
    key = object_store.key_of(actor.tenant_id, media_id)
    await object_store.put(key, content)
    return Media(
        tenant_id=actor.tenant_id,
        id=media_id,
        message_id=message_id,
        source_url=f"https://api.twilio.com/{actor.canary}",
        content_type="image/png",
        state=MediaState.STORED,
        object_key=key,
        size_bytes=len(content),
    )


async def _leave_unanswered(actor: Actor) -> None:
    """The caller gets no text. Decided, so that no job has anything to do."""
    async with tenant_session(actor.tenant_id) as session:
        skipped, call_id = TextBackState.SKIPPED, UUID(actor.call[0])
        session.add(TextBack(tenant_id=actor.tenant_id, message_id=call_id, state=skipped, reason=actor.canary))


async def _write_template(actor: Actor) -> None:
    """A template that can be sent. Written as it ends up: nothing leaves for WhatsApp's reviewers."""
    template = MessageTemplate(
        tenant_id=actor.tenant_id,
        name=f"template_{actor.canary}",
        language="en",
        category="UTILITY",
        kind=TemplateKind.TEXT,
        body=f"Hello {{{{1}}}}, this is {actor.canary}.",
        samples={"1": actor.canary},
        fills={"1": "company"},
        state=TemplateState.APPROVED,
        content_sid=forms.sid("HX"),
    )
    async with tenant_session(actor.tenant_id) as session:
        session.add(template)


async def _describe_lead(actor: Actor) -> None:
    person = actor.owner.person
    async with tenant_session(actor.tenant_id) as session:
        query = text("select id from lead where tenant_id = :tenant limit 1")
        lead_id = await session.scalar(query, {"tenant": actor.tenant_id})
        await lead_setup.add_stage(session, person, f"Stage {actor.canary}", "plum", "open")
        label_id = await lead_setup.add_label(session, person, f"Label {actor.canary}", "teal")
        field_id = await lead_setup.add_field(session, person, f"Field {actor.canary}", "text", "")
        described = leads.LeadForm(
            name=f"Lead {actor.canary}",
            value="1250",
            next_step=f"Step {actor.canary}",
            next_step_on="2030-01-02",
            fields={str(field_id): f"Value {actor.canary}"},
        )
        await leads.edit(session, person, lead_id, described)
        await leads.set_owner(session, person, lead_id, person.user_id)
        await leads.set_label(session, person, lead_id, label_id, on=True)
        await leads.add_note(session, person, lead_id, f"Note {actor.canary}")
        await lead_consent.record(session, person, lead_id, "sms", "given", f"Signed the form {actor.canary}")
    await _merge_others(actor, lead_id)
    await _take_in_file(actor)
    await _erase_somebody(actor)
    await _organise(actor)


async def _merge_others(actor: Actor, lead_id: UUID) -> None:
    """Somebody who wrote from another number and is the same person, and somebody who is not."""
    person = actor.owner.person
    async with tenant_session(actor.tenant_id) as session:
        twin = await leads.create(session, person, TWIN, f"Twin {actor.canary}")
        other = await leads.create(session, person, OTHER, f"Other {actor.canary}")
        conversation = Conversation(
            tenant_id=actor.tenant_id,
            lead_id=twin,
            message_count=1,
            last_channel=ChannelKind.SMS,
            last_direction=Direction.OUT,
        )
        session.add(conversation)
        await session.flush()
        session.add(_sent(actor, conversation.id, forms.sid("SM")))
        await session.flush()
        await lead_merging.merge(session, person, lead_id, twin)
        await lead_merging.keep_apart(session, person, lead_id, other)


async def _erase_somebody(actor: Actor) -> None:
    """A person of whom a message is still at Twilio; not due within this check."""
    async with tenant_session(actor.tenant_id) as session:
        erasure = LeadErasure(tenant_id=actor.tenant_id, about=f"Number of {actor.canary}"[:40], total=1)
        session.add(erasure)
        await session.flush()
        item = ErasureItem(
            tenant_id=actor.tenant_id,
            erasure_id=erasure.id,
            kind=ErasureKind.MESSAGE,
            reference=forms.sid("SM"),
            next_attempt_at=now() + timedelta(days=1),
        )
        session.add(item)


async def _take_in_file(actor: Actor) -> None:
    """A file of leads that waits for a person to confirm it, with a row that is wrong."""
    content = f"Phone,Name\n{OTHER},File {actor.canary}\nnobody,Wrong {actor.canary}\n".encode()
    async with tenant_session(actor.tenant_id) as session:
        found = await lead_importing.start(session, actor.owner.person, f"{actor.canary}.csv", content)
    await lead_jobs.drain(actor.tenant_id)
    async with tenant_session(actor.tenant_id) as session:
        await lead_importing.set_mapping(session, actor.owner.person, found, ["number", "name"])
    await lead_jobs.drain(actor.tenant_id)


async def _organise(actor: Actor) -> None:
    """The thread has an owner, a reader, a note that names a colleague, and what was done with it."""
    person = actor.owner.person
    async with tenant_session(actor.tenant_id) as session:
        query = text("select id from conversation where tenant_id = :tenant and message_count > 0 limit 1")
        thread = await session.scalar(query, {"tenant": actor.tenant_id})
        await organise.assign(session, person, [thread], person.user_id)
        await reading.mark_read(session, person, [thread])
        note_id = await notes.add_note(session, person, thread, f"Note for the team {actor.canary}")
        # There may be nobody else in the team to be named.
        session.add(
            NoteMention(tenant_id=actor.tenant_id, note_id=note_id, user_id=person.user_id, conversation_id=thread)
        )


async def _prepare_answers(actor: Actor) -> None:
    """A reply kept ready, a message for another day, one that is not finished, and what its owner is told of."""
    person, at = actor.owner.person, now()
    async with tenant_session(actor.tenant_id) as session:
        query = text("select id from conversation where tenant_id = :tenant and message_count > 0 limit 1")
        thread = await session.scalar(query, {"tenant": actor.tenant_id})
        await canned.add_reply(session, person, f"Reply {actor.canary}", f"Kept ready {actor.canary}")
        until = (at + timedelta(days=300)).isoformat()
        await planned.schedule(session, person, thread, f"Planned {actor.canary}", None, until, at)
        await drafts.keep_draft(session, person, thread, f"Draft {actor.canary}")
        await notifying.keep_choice(session, person, notifying.Choice(threads=Told.ALL))


async def _invite(actor: Actor) -> None:
    async with tenant_session(actor.tenant_id) as session:
        email = f"{actor.canary}@two-tenant-check.example"
        await team.invite(session, actor.owner.person, email=email, role="agent", now=now())


async def _begin_second_step(actor: Actor) -> None:
    async with identity_session() as session:
        await second_factor.begin(session, actor.owner.person)


async def _wait(actor: Actor) -> None:
    """Something of the client waits: a task that nobody has."""
    async with tenant_session(actor.tenant_id) as session:
        busy = ThrottleReason.BUSY
        session.add(Throttle(tenant_id=actor.tenant_id, subject="task:nothing", until=now(), reason=busy))


async def ids_of(tenant_id: UUID) -> dict[str, tuple[str, ...]]:
    """Ids of all rows of a client, by table."""
    found = {}
    for part in wall.WALLS:
        if part.tenant_column == "tenant_id" and "id" in metadata.tables[part.table].columns:
            reads = any(access.role == wall.APP for access in part.accesses)
            door = tenant_session(tenant_id) if reads else identity_session()
            query = text(f"select id from {part.table} where tenant_id = :tenant order by id")
            async with door as session:
                rows = await session.scalars(query, {"tenant": tenant_id})
                found[part.table] = tuple(str(row) for row in rows)
    return found


async def fingerprint(tenant_id: UUID) -> str:
    """Changes with every change of the client's traffic."""
    parts = " union all ".join(
        f"select coalesce(string_agg(t::text, '|' order by t.id), '') from {table} as t where t.tenant_id = :tenant"
        for table in TRAFFIC_TABLES
    )
    async with tenant_session(tenant_id) as session:
        rows: list[Any] = list(await session.scalars(text(parts), {"tenant": tenant_id}))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


async def holds(tenant_id: UUID, marker: str) -> bool:
    """Whether the marker stands anywhere in the client's traffic."""
    parts = " union all ".join(
        f"select 1 from {table} as t where t.tenant_id = :tenant and position(:marker in t::text) > 0"
        for table in TRAFFIC_TABLES
    )
    async with tenant_session(tenant_id) as session:
        return await session.scalar(text(parts), {"tenant": tenant_id, "marker": marker}) is not None
