"""The second step of sign-in: which codes are right, how often, and what there is before it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal import db
from tenant_portal.audit.queries import latest
from tenant_portal.cli import user
from tenant_portal.cli.keys import reseal_all
from tenant_portal.config import new_secret_key, settings
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity import passwords, second_factor, service, sessions, team
from tenant_portal.identity.queries import list_members
from tenant_portal.identity.second_factor import SecondStep, Status, matching_step
from tests.cast import PASSWORD, Cast, Someone
from tests.command_line import Command
from tests.identity.test_resets import letters_to
from tests.identity.test_sign_in import HERE, knock, who_is
from tests.identity.test_team import invite, join
from tests.signed_in import person

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP = timedelta(seconds=30)
# RFC 6238, appendix B, for SHA-1; six digits are the last six of eight.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]


@dataclass(frozen=True)
class Phone:
    """An app with somebody's secret, and their recovery codes."""

    secret: str
    recovery: tuple[str, ...]

    def code(self, at: datetime = NOW) -> str:
        return pyotp.TOTP(self.secret).at(at)


async def set_up(who: Someone, now: datetime = NOW) -> Phone:
    """Turn it on for this person."""
    async with db.identity_session() as session:
        secret = await second_factor.begin(session, person(who))
    async with db.identity_session() as session:
        codes = await second_factor.confirm(session, person(who), Phone(secret, ()).code(now), now)
    return Phone(secret, codes)


async def type_password(who: Someone, now: datetime = NOW) -> str | SecondStep:
    found = await knock(who.email, now)
    assert await passwords.is_right(PASSWORD, found.password_hash)
    async with db.identity_session() as session:
        return await service.settle(session, found, PASSWORD, HERE, now)


async def note_of(who: Someone, now: datetime = NOW) -> str:
    step = await type_password(who, now)
    assert isinstance(step, SecondStep)
    return step.note


async def type_code(note: str, code: str, now: datetime = NOW) -> str:
    async with db.identity_session() as session:
        return await second_factor.enter(session, note, code, HERE, now)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert matching_step(RFC_SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@given(st.integers(-10, 10))
def test_a_clock_may_be_one_step_off_and_no_more(steps: int) -> None:
    found = matching_step(RFC_SECRET, pyotp.TOTP(RFC_SECRET).at(NOW + steps * STEP), NOW)
    assert (found is not None) == (abs(steps) <= 1)


def test_recovery_codes_are_random_and_readable() -> None:
    codes = {second_factor.new_recovery_code() for _ in range(200)}
    assert len(codes) == 200
    assert {tuple(map(len, code.split("-"))) for code in codes} == {(4, 4, 4, 4)}
    assert not set("".join(codes)) & set("il1o0")


async def test_after_the_password_there_is_no_session_yet(cast: Cast) -> None:
    await set_up(cast.alice)
    step = await type_password(cast.alice)
    assert isinstance(step, SecondStep)
    assert not step.is_new
    async with db.identity_session() as session:
        assert await session.scalar(sa.text("select count(*) from user_session")) == 0
    assert await who_is(step.note) is None


async def test_the_code_opens_a_session(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    later = NOW + STEP
    someone = await who_is(await type_code(await note_of(cast.alice), phone.code(later), later))
    assert someone is not None
    assert someone.user_id == cast.alice.user_id


async def test_without_a_second_step_the_password_is_enough(cast: Cast) -> None:
    await set_up(cast.alice)
    assert isinstance(await type_password(cast.bob), str)


async def test_a_set_up_without_its_first_code_changes_nothing(cast: Cast) -> None:
    async with db.identity_session() as session:
        await second_factor.begin(session, person(cast.alice))
    assert isinstance(await type_password(cast.alice), str)


async def test_a_wrong_first_code_turns_nothing_on(cast: Cast) -> None:
    async with db.identity_session() as session:
        await second_factor.begin(session, person(cast.alice))
    with pytest.raises(BadInput, match="wrong"):
        async with db.identity_session() as session:
            await second_factor.confirm(session, person(cast.alice), "000000", NOW)
    assert isinstance(await type_password(cast.alice), str)


async def test_no_code_works_twice_not_even_that_of_the_set_up(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    assert await type_code(await note_of(cast.alice), phone.code()) == ""
    later = NOW + STEP
    code = phone.code(later)
    assert await type_code(await note_of(cast.alice), code, later) != ""
    assert await type_code(await note_of(cast.alice), code, later) == ""
    # Nor one that the clock allows, but that is older than the last.
    assert await type_code(await note_of(cast.alice), phone.code(NOW), later) == ""


async def test_of_two_who_type_one_code_at_once_one_gets_in(cast: Cast) -> None:
    phone, later = await set_up(cast.alice), NOW + STEP
    notes = [await note_of(cast.alice) for _ in range(4)]
    tokens = await asyncio.gather(*(type_code(note, phone.code(later), later) for note in notes))
    assert len([token for token in tokens if token]) == 1


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "-" * 40])
async def test_what_is_no_code_is_wrong(cast: Cast, code: str) -> None:
    await set_up(cast.alice)
    assert await type_code(await note_of(cast.alice), code) == ""


async def test_another_persons_code_is_wrong(cast: Cast) -> None:
    await set_up(cast.alice)
    phone, later = await set_up(cast.charlie), NOW + STEP
    assert await type_code(await note_of(cast.alice), phone.code(later), later) == ""
    assert await type_code(await note_of(cast.alice), phone.recovery[0], later) == ""


async def test_each_recovery_code_works_once_however_it_is_typed(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    assert len(set(phone.recovery)) == 10
    assert await type_code(await note_of(cast.alice), f" {phone.recovery[3].upper().replace('-', ' ')} ") != ""
    assert await type_code(await note_of(cast.alice), phone.recovery[3]) == ""
    async with db.identity_session() as session:
        assert await second_factor.status(session, cast.alice.user_id) == Status(True, 9)


async def test_guessing_is_held_back_even_from_the_right_code(cast: Cast) -> None:
    phone, later = await set_up(cast.alice), NOW + STEP
    note = await note_of(cast.alice)
    for number in range(8):
        await type_code(note, f"00000{number}", later)
    assert await type_code(note, phone.code(later), later) == ""
    much_later = later + timedelta(minutes=2)
    assert await type_code(note, phone.code(much_later), much_later) != ""


@pytest.mark.parametrize("note", ["", "made-up", "x" * 200, "AQJrMQ=="])
async def test_a_made_up_note_leads_back_to_the_password(cast: Cast, note: str) -> None:
    with pytest.raises(NotFound):
        await type_code(note, "000000")


async def test_the_note_of_a_right_password_is_good_for_ten_minutes(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    late = NOW + timedelta(minutes=10)
    note = await note_of(cast.alice)
    with pytest.raises(NotFound):
        await type_code(note, phone.code(late), late)


async def test_a_changed_password_or_a_removal_makes_the_note_worthless(cast: Cast) -> None:
    await set_up(cast.bob)
    note = await note_of(cast.bob)
    async with db.identity_session() as session:
        who = await service.candidate(session, cast.bob.email, HERE.address, NOW)
        await service.change_password(session, person(cast.bob), who, "another good phrase")
    with pytest.raises(NotFound):
        await type_code(note, "000000")


async def test_a_removed_person_cannot_go_on_with_a_code(cast: Cast) -> None:
    phone, later = await set_up(cast.bob), NOW + STEP
    note = await note_of(cast.bob)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await team.remove(session, person(cast.alice), cast.bob.user_id, NOW)
    with pytest.raises(NotFound):
        await type_code(note, phone.code(later), later)


async def test_it_cannot_be_set_up_over_an_existing_one(cast: Cast) -> None:
    await set_up(cast.alice)
    with pytest.raises(Conflict):
        async with db.identity_session() as session:
            await second_factor.begin(session, person(cast.alice))


async def test_turned_off_the_password_is_enough_again(cast: Cast) -> None:
    await set_up(cast.alice)
    async with db.identity_session() as session:
        await second_factor.turn_off(session, person(cast.alice))
    assert isinstance(await type_password(cast.alice), str)


async def test_new_recovery_codes_replace_the_old(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    async with db.identity_session() as session:
        fresh = await second_factor.renew_codes(session, person(cast.alice))
    assert await type_code(await note_of(cast.alice), phone.recovery[0]) == ""
    assert await type_code(await note_of(cast.alice), fresh[0]) != ""


async def test_neither_secret_nor_recovery_codes_are_in_the_database(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    async with db.identity_session() as session:
        row = await session.scalar(
            sa.text("select second_factor::text || encode(secret_sealed, 'escape') from second_factor")
        )
    for secret in (phone.secret, *phone.recovery, *(code.replace("-", "") for code in phone.recovery)):
        assert secret not in str(row)
        assert secret.encode().hex() not in str(row)


async def test_a_secret_in_another_persons_row_does_not_open(cast: Cast) -> None:
    await set_up(cast.alice)
    await set_up(cast.charlie)
    async with db.identity_session() as session:
        await session.execute(
            sa.text(
                "update second_factor set secret_sealed = (select secret_sealed from second_factor where user_id = :a)"
                " where user_id = :c"
            ),
            {"a": cast.alice.user_id, "c": cast.charlie.user_id},
        )
    note = await note_of(cast.charlie)
    with pytest.raises(second_factor.CannotOpen):
        await type_code(note, "000000")


async def test_a_new_key_seals_the_secrets_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, later = await set_up(cast.alice), NOW + STEP
    kept = (settings().data_dir / "secret_keys").read_text()
    monkeypatch.setenv("PORTAL_SECRET_KEYS", f"{new_secret_key('fresh')},{kept}")
    settings.cache_clear()
    try:
        assert [(await reseal_all())["second_steps"] for _ in range(2)] == [1, 0]
        assert await type_code(await note_of(cast.alice), phone.code(later), later) != ""
    finally:
        monkeypatch.undo()
        settings.cache_clear()


async def reset(cast: Cast, by: Someone, whom: Someone) -> None:
    assert by.tenant_id is not None
    async with db.tenant_session(by.tenant_id) as session:
        await team.reset_second_step(session, person(by), whom.user_id)


async def test_an_owner_resets_a_colleagues(cast: Cast) -> None:
    phone, later = await set_up(cast.bob), NOW + STEP
    token = await type_code(await note_of(cast.bob), phone.code(later), later)
    await reset(cast, cast.alice, cast.bob)
    assert await who_is(token, later) is None
    assert isinstance(await type_password(cast.bob), str)
    assert "Alice Archer has reset" in (await letters_to(cast.bob))[-1].paragraphs[1]
    with pytest.raises(Conflict):
        await reset(cast, cast.alice, cast.bob)


async def test_nobody_resets_that_of_another_client(cast: Cast) -> None:
    await set_up(cast.bob)
    with pytest.raises(NotFound):
        await reset(cast, cast.charlie, cast.bob)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert not await second_factor.take_away(session, cast.acme.tenant_id, cast.bob.user_id)
        assert (await session.execute(sa.text("delete from second_factor"))).rowcount == 0  # type: ignore[attr-defined]
    assert isinstance(await type_password(cast.bob), SecondStep)


async def test_a_client_reads_no_secret(cast: Cast) -> None:
    await set_up(cast.alice)
    for column in ("secret_sealed", "recovery_hashes", "last_step"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            async with db.tenant_session(cast.acme.tenant_id) as session:
                await session.execute(sa.text(f"select {column} from second_factor"))


async def require(cast: Cast, is_required: bool = True) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await team.require_second_step(session, person(cast.alice), is_required)


async def test_an_owner_requires_it_of_the_team_after_setting_it_up(cast: Cast) -> None:
    with pytest.raises(Conflict, match="yourself first"):
        await require(cast)
    await set_up(cast.alice)
    bobs, charlies = await type_password(cast.bob), await type_password(cast.charlie)
    await require(cast)
    assert isinstance(bobs, str)
    assert await who_is(bobs) is None
    step = await type_password(cast.bob)
    assert isinstance(step, SecondStep)
    assert step.is_new
    # Another client's team is as free as before.
    assert isinstance(charlies, str)
    assert await who_is(charlies) is not None
    assert isinstance(await type_password(cast.charlie), str)
    await require(cast, is_required=False)
    assert isinstance(await type_password(cast.bob), str)


async def test_whoever_joins_such_a_team_sets_it_up_first(cast: Cast) -> None:
    await set_up(cast.alice)
    await require(cast)
    step = await join(await invite(cast))
    assert isinstance(step, SecondStep)
    assert step.is_new


async def test_where_it_is_required_it_cannot_be_turned_off(cast: Cast) -> None:
    await set_up(cast.alice)
    await require(cast)
    with pytest.raises(Conflict):
        async with db.identity_session() as session:
            await second_factor.turn_off(session, person(cast.alice))


async def test_the_team_list_says_who_has_it(cast: Cast) -> None:
    await set_up(cast.alice)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        found = {one.name: one.has_second_step for one in await list_members(session, cast.acme.tenant_id)}
    assert found == {"Alice Archer": True, "Bob Baker": False}


async def test_all_of_it_is_in_the_trail_and_told_to_its_owner(cast: Cast) -> None:
    phone = await set_up(cast.alice)
    await type_code(await note_of(cast.alice), phone.recovery[0])
    await require(cast)
    async with db.identity_session() as session:
        await second_factor.renew_codes(session, person(cast.alice))
    await require(cast, is_required=False)
    async with db.identity_session() as session:
        await second_factor.turn_off(session, person(cast.alice))
    async with db.tenant_session(cast.acme.tenant_id) as session:
        actions = [entry.action for entry in await latest(session, cast.acme.tenant_id)]
    assert actions == [
        "user:two-step-turned-off",
        "team:two-step-optional",
        "user:recovery-codes-renewed",
        "team:two-step-required",
        "user:recovery-code-used",
        "user:two-step-turned-on",
    ]
    assert len(await letters_to(cast.alice)) == 4


async def test_staff_may_have_one_too(cast: Cast) -> None:
    phone, later = await set_up(cast.sam), NOW + STEP
    someone = await who_is(await type_code(await note_of(cast.sam), phone.code(later), later))
    assert someone is not None
    assert someone.is_staff


async def test_the_agency_resets_it_at_a_terminal(cast: Cast, command: Command) -> None:
    await set_up(cast.alice)
    async with db.identity_session() as session:
        alice = await session.get_one(sessions.User, cast.alice.user_id)
        await sessions.begin(session, alice, address="192.0.2.1", user_agent="", now=datetime.now(UTC))
    answer = await command(user.app, "reset-two-step", cast.alice.email, "--json")
    assert answer.data == {"email": "alice@acme.example", "had_two_step": True, "sessions_ended": 1}
    assert isinstance(await type_password(cast.alice), str)
