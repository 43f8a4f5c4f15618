"""Forgotten passwords: what a link is good for, and what it ends."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tenant_portal import db
from tenant_portal.audit.queries import latest
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.identity import attempts, jobs, passwords, resets, service, team
from tenant_portal.identity.rules import RESET
from tenant_portal.mail import service as mail
from tests.cast import PASSWORD, Cast, Someone
from tests.identity.test_sign_in import HERE, enter, knock, who_is
from tests.signed_in import person

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEW = "another good phrase"


async def letters_to(who: Someone) -> list[mail.Letter]:
    """What waits to be sent to this person."""
    door = db.identity_session() if who.tenant_id is None else db.tenant_session(who.tenant_id)
    async with door as session:
        due = await mail.list_due(session, who.tenant_id, 50)
    return [one.letter for one in due if one.letter.to == who.email]


async def ask(who: Someone, now: datetime = NOW) -> str:
    """Ask for a link; the token in the newest e-mail."""
    async with db.identity_session() as session:
        await resets.send_link(session, f" {who.email.upper()} ", now)
    found = re.search(r"/auth/reset/([\w-]+)$", (await letters_to(who))[-1].link)
    assert found is not None
    return found[1]


async def use(token: str, password: str = NEW, now: datetime = NOW) -> None:
    async with db.identity_session() as session:
        await resets.settle(session, token, password, now)


async def fits(who: Someone, password: str) -> bool:
    return await passwords.is_right(password, (await knock(who.email)).password_hash)


@pytest.mark.parametrize("name", ["alice", "sam"])
async def test_the_link_sets_the_password(cast: Cast, name: str) -> None:
    who = getattr(cast, name)
    await use(await ask(who))
    assert await fits(who, NEW)
    assert not await fits(who, PASSWORD)


async def test_a_link_works_once_and_takes_its_like_along(cast: Cast) -> None:
    first, second = await ask(cast.alice), await ask(cast.alice)
    await use(first)
    for token in (first, second):
        with pytest.raises(NotFound):
            await use(token)


async def test_a_link_ends_after_an_hour(cast: Cast) -> None:
    token = await ask(cast.alice)
    with pytest.raises(NotFound):
        await use(token, now=NOW + timedelta(hours=1))
    await use(token, now=NOW + timedelta(minutes=59))


async def test_every_browser_is_signed_out_and_nobody_is_signed_in(cast: Cast) -> None:
    token = await enter(cast.alice)
    await use(await ask(cast.alice))
    assert await who_is(token) is None


async def test_another_persons_browsers_and_password_stay(cast: Cast) -> None:
    token = await enter(cast.charlie)
    await use(await ask(cast.alice))
    assert await who_is(token) is not None
    assert await fits(cast.charlie, PASSWORD)


async def test_a_weak_password_leaves_the_link_as_it_was(cast: Cast) -> None:
    token = await ask(cast.alice)
    with pytest.raises(BadInput):
        await use(token, "short")
    await use(token)


@pytest.mark.parametrize("token", ["", "made-up", "x" * 43])
async def test_a_made_up_link_says_so(cast: Cast, token: str) -> None:
    with pytest.raises(NotFound, match="not valid any more"):
        await use(token)


async def test_nothing_is_written_to_an_address_nobody_has(cast: Cast, admin_url: str) -> None:
    async with db.identity_session() as session:
        await resets.send_link(session, "nobody@acme.example", NOW)
        assert await session.scalar(sa.text("select count(*) from outgoing_email")) == 0
        assert await session.scalar(sa.text("select count(*) from password_reset")) == 0


async def test_somebody_who_was_removed_gets_no_link_and_can_use_none(cast: Cast) -> None:
    token = await ask(cast.bob)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await team.remove(session, person(cast.alice), cast.bob.user_id, NOW)
    before = len(await letters_to(cast.bob))
    async with db.identity_session() as session:
        await resets.send_link(session, cast.bob.email, NOW)
    assert len(await letters_to(cast.bob)) == before
    with pytest.raises(NotFound):
        await use(token)


async def test_a_closed_clients_people_get_no_link(cast: Cast) -> None:
    async with db.staff_session() as session:
        await session.execute(sa.text("update tenant set state = 'closed' where name = 'Acme'"))
    async with db.identity_session() as session:
        await resets.send_link(session, cast.alice.email, NOW)
    assert await letters_to(cast.alice) == []


async def test_only_the_hash_of_a_link_is_stored(cast: Cast) -> None:
    token = await ask(cast.alice)
    async with db.identity_session() as session:
        stored = await session.scalar(sa.text("select token_hash from password_reset"))
    assert stored is not None
    assert token.encode() not in stored


async def test_a_password_change_makes_links_worthless(cast: Cast) -> None:
    token = await ask(cast.alice)
    who = await knock(cast.alice.email)
    async with db.identity_session() as session:
        await service.change_password(session, person(cast.alice), who, NEW)
    with pytest.raises(NotFound):
        await use(token)


async def test_its_owner_is_told_of_a_change_and_the_trail_knows(cast: Cast) -> None:
    await use(await ask(cast.alice))
    told = (await letters_to(cast.alice))[-1]
    assert "Your password was changed" in told.paragraphs[1]
    async with db.tenant_session(cast.acme.tenant_id) as session:
        [entry] = await latest(session, cast.acme.tenant_id)
    assert (entry.actor_name, entry.action, entry.subject) == ("Alice Archer", "user:password-reset", cast.alice.email)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await latest(session, cast.globex.tenant_id) == []


async def test_a_reset_ends_the_pause_after_wrong_passwords(cast: Cast) -> None:
    for _ in range(8):
        await knock(cast.alice.email)
    assert (await knock(cast.alice.email)).password_hash is None
    await use(await ask(cast.alice))
    assert await fits(cast.alice, NEW)


async def test_asking_again_and_again_is_held_back_and_blocks_no_sign_in(cast: Cast) -> None:
    async def asked(after: timedelta = timedelta(0)) -> bool:
        async with db.identity_session() as session:
            found = await attempts.count(session, cast.alice.email, HERE.address, NOW + after, RESET)
        return found.is_blocked

    assert [await asked() for _ in range(4)] == [False, False, False, True]
    assert not await asked(timedelta(minutes=1, seconds=1))
    assert await asked(timedelta(minutes=2))
    assert (await knock(cast.alice.email)).password_hash is not None


async def test_links_that_are_over_are_forgotten(cast: Cast) -> None:
    await ask(cast.alice, NOW - timedelta(days=1))
    await jobs.forget(0)
    async with db.identity_session() as session:
        assert await session.scalar(sa.text("select count(*) from password_reset")) == 0


async def test_a_client_can_read_no_link(cast: Cast) -> None:
    await ask(cast.charlie)
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await session.execute(sa.text("select 1 from password_reset"))
