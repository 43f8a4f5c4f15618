"""A client's team: who may do what, and what an invitation is good for."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal import db
from tenant_portal.audit.queries import latest
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound
from tenant_portal.identity import team
from tenant_portal.identity.queries import Person, list_invitations, list_members
from tenant_portal.identity.service import Device
from tenant_portal.models import Invitation, User
from tenant_portal.models.enums import Role
from tenant_portal.models.ids import uuid7
from tests.cast import PASSWORD, Cast
from tests.identity.test_sign_in import enter, who_is
from tests.signed_in import person

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HERE = Device("192.0.2.1", "Firefox")
Deed = Callable[[AsyncSession, Person, Cast], Coroutine[Any, Any, object]]


async def invite(cast: Cast, email: str = "nora@acme.example", role: str = "agent", now: datetime = NOW) -> str:
    """An invitation by Alice; its token."""
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return await team.invite(session, person(cast.alice), email=email, role=role, now=now)


async def join(token: str, now: datetime = NOW, **changes: str) -> str:
    """Accept it; the session token."""
    form = {"name": "Nora New", "password": PASSWORD} | changes
    async with db.identity_session() as session:
        return await team.accept(session, token, device=HERE, now=now, **form)


DEEDS: dict[str, Deed] = {
    "invite": lambda s, p, cast: team.invite(s, p, email="nora@acme.example", role="agent", now=NOW),
    "revoke": lambda s, p, cast: team.revoke(s, p, uuid7()),
    "change a role": lambda s, p, cast: team.change_role(s, p, cast.bob.user_id, "owner"),
    "remove": lambda s, p, cast: team.remove(s, p, cast.bob.user_id, NOW),
    "reset a second step": lambda s, p, cast: team.reset_second_step(s, p, cast.bob.user_id),
    "require second steps": lambda s, p, cast: team.require_second_step(s, p, True),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("who", ["bob", "sam"])
async def test_only_owners_change_the_team(cast: Cast, deed: str, who: str) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        with pytest.raises(NotAllowed):
            await DEEDS[deed](session, person(getattr(cast, who)), cast)


@pytest.mark.parametrize("deed", ["change a role", "remove", "reset a second step"])
async def test_the_owner_of_another_client_finds_nobody(cast: Cast, deed: str) -> None:
    async with db.tenant_session(cast.globex.tenant_id) as session:
        with pytest.raises(NotFound):
            await DEEDS[deed](session, person(cast.charlie), cast)


def test_every_public_deed_of_the_team_is_in_the_matrix_above() -> None:
    known = {"invite", "revoke", "change_role", "remove", "reset_second_step", "require_second_step"}
    others = {"accept", "find_invitation", "client_role", "refuse_all_but_owners", "invite_owner", "invitation_link"}
    public = {
        name
        for name, value in vars(team).items()
        if callable(value) and getattr(value, "__module__", "") == team.__name__ and not name.startswith("_")
    }
    assert public == known | others


async def test_an_invited_person_joins_and_is_signed_in(cast: Cast) -> None:
    newcomer = await who_is(await join(await invite(cast)))
    assert newcomer is not None
    assert (newcomer.email, newcomer.role, newcomer.client) == ("nora@acme.example", Role.AGENT, "Acme")


async def test_an_invitation_works_once(cast: Cast) -> None:
    token = await invite(cast)
    await join(token)
    with pytest.raises(NotFound):
        await join(token, name="Second")


async def test_an_invitation_ends_after_72_hours(cast: Cast) -> None:
    token = await invite(cast)
    with pytest.raises(NotFound):
        await join(token, NOW + timedelta(hours=72))


async def test_only_the_hash_of_an_invitation_is_stored(cast: Cast) -> None:
    token = await invite(cast)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        stored = await session.scalar(sa.select(col(Invitation.token_hash)))
    assert stored is not None
    assert token.encode() not in stored


async def test_a_revoked_invitation_is_worthless(cast: Cast) -> None:
    token = await invite(cast)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        (pending,) = await list_invitations(session, cast.acme.tenant_id, NOW)
        await team.revoke(session, person(cast.alice), pending.invitation_id)
    with pytest.raises(NotFound):
        await join(token)


async def test_a_second_invitation_replaces_the_first(cast: Cast) -> None:
    first, second = await invite(cast), await invite(cast)
    with pytest.raises(NotFound):
        await join(first)
    await join(second)


async def test_an_invitation_is_bound_to_its_address(cast: Cast) -> None:
    newcomer = await who_is(await join(await invite(cast), name="Mallory"))
    assert newcomer is not None
    assert newcomer.email == "nora@acme.example"


async def test_a_weak_password_does_not_use_the_invitation_up(cast: Cast) -> None:
    token = await invite(cast)
    with pytest.raises(BadInput):
        await join(token, password="short")
    await join(token)


async def test_somebody_of_another_client_cannot_be_taken_over(cast: Cast) -> None:
    token = await invite(cast, email=cast.charlie.email)
    with pytest.raises(Conflict):
        await join(token)
    still = await who_is(await enter(cast.charlie))
    assert still is not None
    assert still.client == "Globex"


async def test_staff_cannot_be_taken_over(cast: Cast) -> None:
    token = await invite(cast, email=cast.sam.email, role="owner")
    with pytest.raises(Conflict):
        await join(token)


async def test_a_member_is_not_invited_again(cast: Cast) -> None:
    with pytest.raises(BadInput):
        await invite(cast, email=cast.bob.email)


@pytest.mark.parametrize("role", ["staff", "admin", "", "OWNER"])
async def test_nobody_is_invited_to_another_role(cast: Cast, role: str) -> None:
    with pytest.raises(BadInput):
        await invite(cast, role=role)


async def change_role(cast: Cast, by: Person, user_id: UUID, role: str) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await team.change_role(session, by, user_id, role)


async def remove(cast: Cast, by: Person, user_id: UUID) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await team.remove(session, by, user_id, NOW)


async def test_a_removed_member_is_signed_out_and_cannot_sign_in(cast: Cast) -> None:
    token = await enter(cast.bob)
    await remove(cast, person(cast.alice), cast.bob.user_id)
    assert await who_is(token) is None
    with pytest.raises(AssertionError):
        await enter(cast.bob)


async def test_a_removed_member_may_be_invited_back(cast: Cast) -> None:
    await remove(cast, person(cast.alice), cast.bob.user_id)
    back = await who_is(await join(await invite(cast, email=cast.bob.email, role="owner"), name="Bob Back"))
    assert back is not None
    assert (back.user_id, back.name, back.role) == (cast.bob.user_id, "Bob Back", Role.OWNER)


@pytest.mark.parametrize("deed", ["remove", "demote"])
async def test_the_last_owner_stays(cast: Cast, deed: str) -> None:
    alice = person(cast.alice)
    with pytest.raises(Conflict):
        await (
            remove(cast, alice, alice.user_id) if deed == "remove" else change_role(cast, alice, alice.user_id, "agent")
        )


async def test_of_two_owners_one_may_go(cast: Cast) -> None:
    alice = person(cast.alice)
    await change_role(cast, alice, cast.bob.user_id, "owner")
    await remove(cast, alice, alice.user_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert [member.name for member in await list_members(session, cast.acme.tenant_id)] == ["Bob Baker"]


async def test_no_role_makes_staff_of_a_client(cast: Cast) -> None:
    with pytest.raises(BadInput):
        await change_role(cast, person(cast.alice), cast.bob.user_id, "staff")


async def test_a_client_sees_only_its_own_team(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert {member.name for member in await list_members(session, cast.acme.tenant_id)} == {
            "Alice Archer",
            "Bob Baker",
        }
        assert await list_members(session, cast.globex.tenant_id) == []


async def test_what_happens_in_the_team_is_in_the_audit_trail(cast: Cast) -> None:
    await join(await invite(cast))
    await change_role(cast, person(cast.alice), cast.bob.user_id, "owner")
    await remove(cast, person(cast.alice), cast.bob.user_id)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        trail = [
            (entry.actor_name, entry.action, entry.subject) for entry in await latest(session, cast.acme.tenant_id)
        ]
    assert trail == [
        ("Alice Archer", "user:removed", "bob@acme.example"),
        ("Alice Archer", "user:role-changed", "bob@acme.example"),
        ("Nora New", "invitation:accepted", "nora@acme.example"),
        ("Alice Archer", "invitation:created", "nora@acme.example"),
    ]


async def test_the_audit_trail_of_another_client_is_out_of_reach(cast: Cast) -> None:
    await invite(cast)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await latest(session, cast.acme.tenant_id) == []


async def test_the_tenant_role_reads_no_password_and_no_session_token(cast: Cast) -> None:
    for column in ("select password_hash from portal_user", "select token_hash from user_session"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            async with db.tenant_session(cast.acme.tenant_id) as session:
                await session.execute(sa.text(column))


async def test_no_session_of_another_client_can_be_ended(cast: Cast) -> None:
    token = await enter(cast.charlie)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(sa.text("delete from user_session"))
    assert await who_is(token) is not None


async def test_users_are_not_removed_but_disabled(cast: Cast) -> None:
    await remove(cast, person(cast.alice), cast.bob.user_id)
    async with db.identity_session() as session:
        assert (await session.get_one(User, cast.bob.user_id)).disabled_at == NOW
