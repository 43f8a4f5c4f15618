"""Who is writing where: told to every web process by NOTIFY, kept by none of them in the database."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.identity.queries import Person

PRESENCE_CHANNEL = "portal_presence"
NOTIFY = text("select pg_notify(:channel, :told)")


async def tell(session: AsyncSession, person: Person, conversation_id: UUID, *, is_writing: bool) -> None:
    """This person writes an answer in this thread, or does no more. Ids only; whoever may not see them is not told."""
    told = f"{person.tenant_id}:{conversation_id}:{person.user_id}:{int(is_writing)}"
    await session.execute(NOTIFY, {"channel": PRESENCE_CHANNEL, "told": told})
