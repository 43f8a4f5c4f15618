"""Canned replies: answers that a client keeps ready, with variables that are filled when one is put into the field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.audit import service as audit
from tenant_portal.db import announce
from tenant_portal.errors import BadInput, NotAllowed, NotFound
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import rules
from tenant_portal.inbox.queries import CONVERSATION, LEAD
from tenant_portal.leads.rules import first_name
from tenant_portal.models import CannedReply, metadata
from tenant_portal.models.enums import Role

REPLY = metadata.tables["canned_reply"]
MAX_NAME = 60
MOST = 300
# What a list to choose from shows: more is found by another word.
FOUND = 8
VARIABLES = {
    "lead name": "the name of the person",
    "lead first name": "their first name",
    "company name": "your company",
    "agent name": "who answers",
    "agent first name": "the first name of who answers",
}
_VARIABLE = re.compile(r"\{(?P<name>[^{}\n]*)\}")
_WITH_SPACE = re.compile(r"(?P<before>,?[ ]?)\{(?P<name>[^{}\n]*)\}")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer kept ready; `body` with its variables, or filled where it was looked up for a thread."""

    id: UUID
    name: str
    body: str


async def list_replies(session: AsyncSession, tenant_id: UUID) -> list[Reply]:
    """All of them, by name."""
    rows = await session.execute(_all(tenant_id).order_by(sa.func.lower(REPLY.c.name)).limit(MOST))
    return [Reply(**row) for row in rows.mappings()]


async def find_replies(session: AsyncSession, person: Person, conversation_id: UUID, words: str) -> list[Reply]:
    """The first few whose name or text has all these words, filled for this thread; NotFound for another's thread.

    Those whose name begins with the words come first.
    """
    tenant_id = _tenant_of(person)
    values = await _values(session, person, conversation_id)
    found = _all(tenant_id)
    for word in words.split()[:10]:
        found = found.where(sa.or_(*(REPLY.c[column].icontains(word, autoescape=True) for column in ("name", "body"))))
    by_name = REPLY.c.name.istartswith(words.strip(), autoescape=True).desc(), sa.func.lower(REPLY.c.name)
    rows = await session.execute(found.order_by(*by_name).limit(FOUND))
    return [Reply(row.id, row.name, filled(row.body, values)) for row in rows]


async def add_reply(session: AsyncSession, person: Person, name: str, body: str) -> UUID:
    """A new one; its id. BadInput beside `name` or `body`."""
    tenant_id = _tenant_of_owner(person)
    count = sa.select(sa.func.count()).select_from(REPLY).where(REPLY.c.tenant_id == tenant_id)
    if (await session.scalar(count) or 0) >= MOST:
        raise BadInput(f"There are {MOST} replies already, which is the most.", field="name")
    reply = CannedReply(tenant_id=tenant_id, name=_clean_name(name), body=_clean_body(body))
    session.add(reply)
    await _flush(session)
    await _tell(session, person, "reply:added", reply.name)
    return reply.id


async def change_reply(session: AsyncSession, person: Person, reply_id: UUID, name: str, body: str) -> None:
    """Another name or text."""
    reply = await _of(session, _tenant_of_owner(person), reply_id)
    before, reply.name, reply.body = reply.name, _clean_name(name), _clean_body(body)
    await _flush(session)
    await _tell(session, person, "reply:changed", reply.name, before=before)


async def delete_reply(session: AsyncSession, person: Person, reply_id: UUID) -> None:
    """Forget it; what was sent with it stays."""
    reply = await _of(session, _tenant_of_owner(person), reply_id)
    await session.delete(reply)
    await _tell(session, person, "reply:deleted", reply.name)


def filled(body: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled. An empty one goes with the comma or space before it."""

    def fill(found: re.Match[str]) -> str:
        value = values.get(_name_of(found), "")
        return found["before"] + value if value else ""

    return _WITH_SPACE.sub(fill, body).strip()


def _clean_name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise BadInput("Give the reply a name.", field="name")
    if len(name) > MAX_NAME:
        raise BadInput(f"A name has at most {MAX_NAME} characters.", field="name")
    return name


def _clean_body(body: str) -> str:
    body = rules.clean_body(body)
    unknown = next((found for found in _VARIABLE.finditer(body) if _name_of(found) not in VARIABLES), None)
    if unknown is not None:
        raise BadInput(f"There is no variable {unknown.group()}. Choose one of those below.", field="body")
    return body


def _name_of(found: re.Match[str]) -> str:
    return " ".join(found["name"].casefold().split())


async def _values(session: AsyncSession, person: Person, conversation_id: UUID) -> dict[str, str]:
    found = sa.select(LEAD.c.name, LEAD.c.profile_name).where(
        LEAD.c.tenant_id == person.tenant_id,
        LEAD.c.id == CONVERSATION.c.lead_id,
        CONVERSATION.c.tenant_id == person.tenant_id,
        CONVERSATION.c.id == conversation_id,
    )
    lead = (await session.execute(found)).first()
    if lead is None:
        raise NotFound("This conversation does not exist.")
    # A number is no name to greet somebody with.
    name = lead.name or lead.profile_name
    return {
        "lead name": name,
        "lead first name": first_name(name),
        "company name": person.client,
        "agent name": person.name,
        "agent first name": first_name(person.name),
    }


def _all(tenant_id: UUID) -> sa.Select[tuple[UUID, str, str]]:
    return sa.select(REPLY.c.id, REPLY.c.name, REPLY.c.body).where(REPLY.c.tenant_id == tenant_id)


async def _of(session: AsyncSession, tenant_id: UUID, reply_id: UUID) -> CannedReply:
    found = sa.select(CannedReply).where(REPLY.c.tenant_id == tenant_id, REPLY.c.id == reply_id)
    reply = await session.scalar(found.with_for_update())
    if reply is None:
        raise NotFound("This reply does not exist.")
    return reply


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError:
        raise BadInput("There is a reply of this name already.", field="name") from None


async def _tell(session: AsyncSession, person: Person, action: str, subject: str, **details: Any) -> None:
    await audit.record(session, person, action, subject, **details)
    await announce(session, _tenant_of(person))


def _tenant_of_owner(person: Person) -> UUID:
    if person.role is not Role.OWNER:
        raise NotAllowed("Only an owner can change canned replies.")
    return _tenant_of(person)


def _tenant_of(person: Person) -> UUID:
    if person.tenant_id is None:
        raise NotFound("This conversation does not exist.")
    return person.tenant_id
