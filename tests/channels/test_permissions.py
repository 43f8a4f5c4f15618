"""Who may change a channel: its client's owners, and nobody else."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tenant_portal import db
from tenant_portal.channels import numbers, queries, service
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import Wish
from tenant_portal.errors import Conflict, NotAllowed, NotFound, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.models.enums import ChannelKind, Role
from tenant_portal.tenants.service import suspend
from tests.cast import Cast, Someone

CHANGES: dict[str, tuple[Callable[..., Awaitable[None]], tuple[Any, ...], dict[str, Any]]] = {
    "test": (service.start_test, (), {}),
    "repeat": (service.repeat, (), {}),
    "code": (service.submit_code, ("123456",), {}),
    "disconnect": (service.disconnect, (), {"release_number": True}),
}


def actor(someone: Someone) -> Actor:
    return service.actor_of(person(someone))


def person(someone: Someone) -> Person:
    return Person(someone.user_id, someone.tenant_id, someone.name, someone.email, someone.role, uuid4())


async def attempt(change: str, who: Actor, channel_id: UUID) -> PortalError:
    function, arguments, options = CHANGES[change]
    with pytest.raises(PortalError) as refused:
        async with db.tenant_session(who.tenant_id) as session:
            await function(session, who, channel_id, *arguments, **options)
    return refused.value


async def test_another_clients_channel_is_as_unknown_as_a_made_up_one(cast: Cast) -> None:
    for change in CHANGES:
        real = await attempt(change, actor(cast.charlie), cast.acme.channels[ChannelKind.VOICEMAIL])
        made_up = await attempt(change, actor(cast.charlie), uuid4())
        assert type(real) is type(made_up) is NotFound, change
        assert real.message == made_up.message


async def test_an_agent_changes_nothing(cast: Cast) -> None:
    for change in CHANGES:
        refused = await attempt(change, actor(cast.bob), cast.acme.channels[ChannelKind.VOICEMAIL])
        assert isinstance(refused, NotAllowed), change
        assert refused.message == "Only an owner can change channels."


async def test_a_suspended_client_changes_nothing(cast: Cast) -> None:
    async with db.staff_session() as session:
        await suspend(session, cast.acme.tenant_id)
    for change in CHANGES:
        refused = await attempt(change, actor(cast.alice), cast.acme.channels[ChannelKind.VOICEMAIL])
        assert isinstance(refused, Conflict), change
        assert "suspended" in refused.message


async def test_an_agent_buys_no_number(cast: Cast) -> None:
    wish = Wish(kinds=frozenset({ChannelKind.SMS}), phone_number="+12125550100", sms=True)
    with pytest.raises(NotAllowed):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await service.connect(session, actor(cast.bob), wish)


async def test_an_agent_does_not_even_search(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        await numbers.on_sale(actor(cast.bob), numbers.Search(country="US"))
    with pytest.raises(NotAllowed):
        await numbers.owned(actor(cast.bob))


async def test_an_agent_may_look(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert len(await queries.channels(session, cast.acme.tenant_id)) == 3


def test_staff_have_no_channels(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        actor(cast.sam)


def test_only_owners_may_change() -> None:
    tenant_id = uuid4()
    for role in (Role.OWNER, Role.AGENT):
        someone = Someone(uuid4(), "X", "x@example.com", role, tenant_id)
        assert actor(someone).may_change is (role is Role.OWNER)


async def test_in_ones_own_session_only_own_channels_are_listed(cast: Cast) -> None:
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await queries.channels(session, cast.acme.tenant_id) == []
        with pytest.raises(NotFound):
            await queries.channel(session, cast.acme.tenant_id, cast.acme.channels[ChannelKind.SMS])


async def test_two_clients_may_both_have_the_same_number_on_file(cast: Cast) -> None:
    wish = Wish(kinds=frozenset({ChannelKind.SMS}), phone_number=cast.acme.number, sms=True)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert len(await service.connect(session, actor(cast.charlie), wish)) == 1


async def test_a_connection_stands_in_the_trail_with_who_asked_for_it(cast: Cast) -> None:
    channel_id = cast.acme.channels[ChannelKind.SMS]
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await service.disconnect(session, actor(cast.alice), channel_id, release_number=False)
        connection = await session.connection()
        found = await connection.exec_driver_sql("select action, actor_name from audit_event")
        assert found.all() == [("channel:disconnected", "Alice Archer")]
