"""`tenant` and `keys` at the command line."""

from tenant_portal.cli import keys, tenant
from tenant_portal.config import parse_secret_keys
from tenant_portal.errors import Conflict, NotFound
from tests.command_line import Command
from tests.simulated_twilio import SimulatedTwilio


async def test_create_makes_the_subaccount_and_the_link(twilio: SimulatedTwilio, command: Command) -> None:
    answer = await command(tenant.app, "create", "Acme", "--owner-email", "alice@acme.example", "--json")
    assert (answer.code, answer.data["state"], answer.data["problem"]) == (0, "active", None)
    assert answer.data["account_sid"] == twilio.accounts()[0].sid
    assert "/invitation/" in answer.data["invitation"]


async def test_list_shows_every_client(twilio: SimulatedTwilio, command: Command) -> None:
    for name in ("Acme", "Globex"):
        await command(tenant.app, "create", name, "--json")
    rows = (await command(tenant.app, "list", "--json")).data
    assert [(row["name"], row["twilio"], row["in_24h"]) for row in rows] == [
        ("Acme", "active", 0),
        ("Globex", "active", 0),
    ]


async def test_an_empty_portal_lists_nothing(command: Command) -> None:
    assert (await command(tenant.app, "list", "--json")).data == []
    assert "Nothing there" in (await command(tenant.app, "list")).text


async def test_suspend_and_resume_reach_twilio(twilio: SimulatedTwilio, command: Command) -> None:
    await command(tenant.app, "create", "Acme")
    assert (await command(tenant.app, "suspend", "acme", "--json")).data["twilio"] == "suspended"
    assert len(twilio.accounts("suspended")) == 1
    assert (await command(tenant.app, "resume", "acme", "--json")).data["twilio"] == "active"


async def test_a_failure_is_told_and_can_be_repeated(twilio: SimulatedTwilio, command: Command) -> None:
    twilio.fail("status", status=400, code=21480, method="POST", path_contains="/Accounts.json")
    assert "cannot hold more clients" in (await command(tenant.app, "create", "Acme", "--json")).data["problem"]
    assert (await command(tenant.app, "check", "Acme", "--json")).data["state"] == "active"


async def test_a_token_is_rotated(twilio: SimulatedTwilio, command: Command) -> None:
    await command(tenant.app, "create", "Acme")
    before = twilio.accounts()[0].auth_token
    assert (await command(tenant.app, "rotate-token", "Acme", "--json")).data["rotated"] is True
    assert twilio.accounts()[0].auth_token != before


async def test_an_unknown_client_is_an_error(command: Command) -> None:
    for word in ("suspend", "resume", "check", "rotate-token"):
        answer = await command(tenant.app, word, "Nobody")
        assert answer.code == 1
        assert isinstance(answer.error, NotFound)


async def test_what_cannot_be_done_is_an_error(twilio: SimulatedTwilio, command: Command) -> None:
    await command(tenant.app, "create", "Acme")
    assert isinstance((await command(tenant.app, "resume", "Acme")).error, Conflict)


async def test_no_token_is_ever_printed(twilio: SimulatedTwilio, command: Command) -> None:
    text = (await command(tenant.app, "create", "Acme", "--json")).text
    text += (await command(tenant.app, "list", "--json")).text
    assert twilio.accounts()[0].auth_token not in text


async def test_keys_are_made_and_rotation_says_what_it_did(command: Command) -> None:
    assert parse_secret_keys((await command(keys.app, "new", "k2")).text.strip())
    assert parse_secret_keys((await command(keys.app, "new", "k2", "--json")).data["entry"])
    assert (await command(keys.app, "rotate", "--json")).data["tokens"] == 0
