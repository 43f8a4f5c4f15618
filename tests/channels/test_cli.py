"""`channel` at the command line."""

from typing import Any

from tenant_portal.channels import round_trip
from tenant_portal.cli import channel
from tenant_portal.errors import BadInput, NotFound
from tests.channels.stage import NUMBER, SMS, Stage
from tests.command_line import Command


async def rows(command: Command) -> list[dict[str, Any]]:
    return (await command(channel.app, "list", "Acme", "--json")).data  # type: ignore[no-any-return]


async def test_search_shows_numbers_and_prices(acme: Stage, command: Command) -> None:
    found = (await command(channel.app, "search", "Acme", "--area-code", "415", "--json")).data
    assert found[0]["number"].startswith("+1415")
    assert found[0]["monthly_price"] == "1.15 USD"


async def test_connect_buys_and_sets_up(acme: Stage, command: Command) -> None:
    answer = await command(channel.app, "connect", "Acme", NUMBER, "--kind", "sms", "--kind", "voicemail", "--json")
    assert answer.code == 0
    assert [(row["kind"], row["state"]) for row in answer.data] == [("sms", "active"), ("voicemail", "active")]
    assert [number.phone_number for number in acme.twilio.numbers()] == [NUMBER]


async def test_an_owned_number_is_not_bought_again(acme: Stage, command: Command) -> None:
    await command(channel.app, "connect", "Acme", NUMBER, "--kind", "sms")
    assert (await command(channel.app, "connect", "Acme", NUMBER, "--kind", "voicemail")).code == 0
    assert len(acme.twilio.numbers()) == 1


async def test_a_number_that_is_not_on_sale_is_an_error(acme: Stage, command: Command) -> None:
    answer = await command(channel.app, "connect", "Acme", "+12125559999", "--kind", "sms")
    assert answer.code == 1
    assert isinstance(answer.error, BadInput)


async def test_a_failed_connection_exits_with_one(acme: Stage, command: Command) -> None:
    acme.twilio.fail("status", status=400, code=21422, method="POST", path_contains="/IncomingPhoneNumbers.json")
    answer = await command(channel.app, "connect", "Acme", NUMBER, "--kind", "sms", "--json")
    assert (answer.code, answer.data[0]["state"]) == (1, "failed")


async def test_a_channel_is_tested(acme: Stage, command: Command, portal: str) -> None:
    await acme.connect(SMS)
    [row] = await rows(command)
    answer = await command(channel.app, "test", "Acme", row["id"], "--json")
    assert (answer.code, answer.data["ok"], len(answer.data["checks"])) == (0, True, 3)


async def test_a_failed_test_exits_with_one(acme: Stage, command: Command, monkeypatch: Any) -> None:
    monkeypatch.setattr(round_trip, "WAIT_SECONDS", 0.1)
    await acme.connect(SMS)
    [row] = await rows(command)
    answer = await command(channel.app, "test", "Acme", row["id"], "--json")
    assert (answer.code, answer.data["ok"]) == (1, False)


async def test_disconnect_asks_first(acme: Stage, command: Command) -> None:
    await acme.connect(SMS)
    [row] = await rows(command)
    refused = await command(channel.app, "disconnect", "Acme", row["id"], typed="n\n")
    assert (refused.code, len(await rows(command))) == (1, 1)
    done = await command(channel.app, "disconnect", "Acme", row["id"], "--release-number", "--yes", "--json")
    assert (done.code, acme.twilio.numbers(), await rows(command)) == (0, [], [])


async def test_an_unknown_channel_is_an_error(acme: Stage, command: Command) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    assert isinstance((await command(channel.app, "test", "Acme", unknown)).error, NotFound)
