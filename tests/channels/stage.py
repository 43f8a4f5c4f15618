"""A client that connects channels, with short words for what tests do again and again."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from tenant_portal import db
from tenant_portal.channels import jobs, queries, service
from tenant_portal.channels.queries import ChannelRow
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import Wish
from tenant_portal.models import Channel
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState
from tests.cast import Company
from tests.simulated_twilio import SimulatedTwilio

NUMBER = "+12125550100"
OTHER_NUMBER = "+12125550102"
SMS, VOICEMAIL, WHATSAPP = ChannelKind.SMS, ChannelKind.VOICEMAIL, ChannelKind.WHATSAPP


@dataclass(frozen=True, slots=True)
class Stage:
    """One client before the simulated Twilio."""

    twilio: SimulatedTwilio
    tenant_id: UUID

    @property
    def owner(self) -> Actor:
        """Somebody who may change channels."""
        return Actor(self.tenant_id, None, "Alice", may_change=True)

    @property
    def account_sid(self) -> str:
        """The only active subaccount."""
        return self.twilio.accounts()[0].sid

    def company(self, number: str = NUMBER) -> Company:
        """The client as other tests' helpers take it."""
        account = self.twilio.accounts()[0]
        return Company(self.tenant_id, "Acme", account.sid, account.auth_token, number, {})

    async def ask(self, *kinds: ChannelKind, number: str = NUMBER, **details: object) -> list[UUID]:
        """Ask for channels, without anything happening at Twilio yet."""
        given = {"sms": True, "voice": True, "display_name": "Acme", "monthly_price": "1.15 USD"} | details
        wish = Wish(kinds=frozenset(kinds), phone_number=number, country="US", **given)  # type: ignore[arg-type]
        async with db.tenant_session(self.tenant_id) as session:
            return await service.connect(session, self.owner, wish)

    async def connect(self, *kinds: ChannelKind, number: str = NUMBER, **details: object) -> list[UUID]:
        """Ask for channels and let the job do what it can."""
        ids = await self.ask(*kinds, number=number, **details)
        await jobs.drain(self.tenant_id)
        return ids

    async def drain(self, *, due: bool = True) -> None:
        """Let the job run; `due` ends all pauses first."""
        if due:
            async with db.tenant_session(self.tenant_id) as session:
                waiting = col(Channel.next_attempt_at).is_not(None)
                moment = now() - timedelta(seconds=1)
                await session.execute(sa.update(Channel).where(waiting).values(next_attempt_at=moment))
        await jobs.drain(self.tenant_id)

    async def row(self, channel_id: UUID) -> ChannelRow:
        """The channel as it stands."""
        async with db.tenant_session(self.tenant_id) as session:
            return await queries.channel(session, self.tenant_id, channel_id)

    async def state(self, channel_id: UUID) -> ChannelState:
        """Its state."""
        return (await self.row(channel_id)).state

    async def do(self, change: object, *arguments: object, **options: object) -> None:
        """Call a function of the service as the owner, in a transaction of its own."""
        async with db.tenant_session(self.tenant_id) as session:
            await change(session, self.owner, *arguments, **options)  # type: ignore[operator]
