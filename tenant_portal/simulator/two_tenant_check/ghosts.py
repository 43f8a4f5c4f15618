"""Sessions that are over, on websockets that are still open."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import NotFound
from tenant_portal.identity import service as identity
from tenant_portal.identity import sessions
from tenant_portal.identity.cookies import cookie_name
from tenant_portal.identity.queries import Person
from tenant_portal.models import User
from tenant_portal.models.enums import Role
from tenant_portal.simulator.two_tenant_check import cleaning
from tenant_portal.simulator.two_tenant_check.actors import Actor, Member
from tenant_portal.simulator.two_tenant_check.browser import Tab, tab
from tenant_portal.simulator.two_tenant_check.context import Context


async def another_member(actor: Actor, run_id: str) -> Member:
    """One more person of the client, an agent, signed in."""
    email = cleaning.email(f"agent-{actor.letter.lower()}-{secrets.token_hex(2)}", run_id)
    async with db.identity_session() as session:
        await identity.create_user(
            session,
            email=email,
            name=f"Agent {actor.letter}",
            role=Role.AGENT,
            password=secrets.token_urlsafe(24),
            tenant_id=actor.tenant_id,
        )
    return await new_session(email)


async def new_session(email: str) -> Member:
    """This person in one more browser."""
    now = datetime.now(UTC)
    async with db.identity_session() as session:
        found = await session.scalar(text("select id from portal_user where email = :email"), {"email": email})
        user = await session.get(User, found)
        if user is None:
            raise NotFound
        token = await sessions.begin(session, user, address="127.0.0.1", user_agent="two-tenant check", now=now)
        person = await sessions.resume(session, token, now)
    if person is None:
        raise NotFound
    return Member(person, f"{cookie_name()}={token}")


async def forget(person: Person) -> None:
    """End the session without a word to anybody who holds it: as if it had timed out this moment."""
    async with db.identity_session() as session:
        await session.execute(text("delete from user_session where id = :id"), {"id": person.session_id})


@asynccontextmanager
async def forgotten_tab(context: Context) -> AsyncIterator[Tab]:
    """A tab of client B whose session has ended since it was opened."""
    member = await new_session(context.stage.agent.person.email)
    async with tab(context.visitor.address, origin=context.visitor.origin, cookie=member.cookie) as opened:
        await forget(member.person)
        yield opened
