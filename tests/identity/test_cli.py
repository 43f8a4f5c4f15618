"""`user` at the command line."""

import pytest

from tenant_portal.cli import user
from tenant_portal.errors import BadInput, Conflict, NotFound, PortalError
from tests.cast import PASSWORD, Cast, Someone
from tests.command_line import Command
from tests.identity.test_sign_in import enter, who_is


async def test_a_staff_user_is_made_with_a_password_that_is_shown_once(cast: Cast, command: Command) -> None:
    answer = await command(user.app, "create", "Tess@Agency.example", "--name", "Tess Twist", "--json")
    assert answer.code == 0
    assert (answer.data["email"], answer.data["role"], answer.data["client"]) == ("tess@agency.example", "staff", None)
    assert len(answer.data["password"]) >= 12


async def test_a_password_from_standard_input_is_not_printed_and_works(cast: Cast, command: Command) -> None:
    words = ("create", "nora@acme.example", "--name", "Nora New", "--role", "agent", "--client", "Acme")
    answer = await command(user.app, *words, "--password-stdin", typed=f"{PASSWORD}\n")
    assert answer.code == 0
    assert PASSWORD not in answer.text
    nora = Someone(cast.bob.user_id, "Nora New", "nora@acme.example", cast.bob.role, cast.acme.tenant_id)
    person = await who_is(await enter(nora))
    assert person is not None
    assert person.client == "Acme"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("create", "x@agency.example", "--name", "X", "--role", "owner"), BadInput),
        (("create", "x@agency.example", "--name", "X", "--client", "Acme"), BadInput),
        (("create", "x@agency.example", "--name", "X", "--role", "agent", "--client", "Nobody"), BadInput),
        (("create", "no address", "--name", "X"), BadInput),
        (("create", "alice@acme.example", "--name", "X"), Conflict),
        (("disable", "nobody@acme.example"), NotFound),
        (("reset-password", "nobody@acme.example"), NotFound),
    ],
)
async def test_what_cannot_be_done_is_an_error(
    cast: Cast, command: Command, words: tuple[str, ...], error: type[PortalError]
) -> None:
    answer = await command(user.app, *words)
    assert answer.code == 1
    assert isinstance(answer.error, error)


async def test_everybody_is_listed_with_their_client(cast: Cast, command: Command) -> None:
    rows = (await command(user.app, "list", "--json")).data
    assert [(row["email"], row["client"]) for row in rows] == [
        ("sam@agency.example", None),
        ("alice@acme.example", "Acme"),
        ("bob@acme.example", "Acme"),
        ("charlie@globex.example", "Globex"),
    ]
    assert len((await command(user.app, "list", "--client", "Globex", "--json")).data) == 1


async def test_a_disabled_user_is_signed_out(cast: Cast, command: Command) -> None:
    token = await enter(cast.bob)
    answer = await command(user.app, "disable", cast.bob.email, "--json")
    assert answer.data == {"email": "bob@acme.example", "sessions_ended": 1}
    assert await who_is(token) is None


async def test_a_reset_password_is_shown_and_signs_out(cast: Cast, command: Command) -> None:
    token = await enter(cast.bob)
    answer = await command(user.app, "reset-password", cast.bob.email, "--json")
    assert answer.data["sessions_ended"] == 1
    assert await who_is(token) is None
    with pytest.raises(AssertionError):
        await enter(cast.bob)
