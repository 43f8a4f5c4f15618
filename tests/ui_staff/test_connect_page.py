"""The guided way to a new channel."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tenant_portal import db
from tenant_portal.channels import queries
from tenant_portal.errors import NotAllowed
from tenant_portal.models.enums import ChannelKind, Role
from tenant_portal.ui.pages.channels import ConnectState
from tests.cast import Company, Someone, hire
from tests.simulated_twilio import SimulatedTwilio, make_client
from tests.ui_client.browser import Tab, sign_in
from tests.ui_staff.background import Background

SEARCH = {"country": "US", "number_type": "local", "area_code": "415", "digits": ""}


@pytest_asyncio.fixture
async def initech(twilio: SimulatedTwilio) -> AsyncIterator[Company]:
    """A client with a subaccount and nothing else."""
    yield Company(await make_client("Initech"), "Initech", "", "", "", {})


async def owner(company: Company) -> Tab:
    return await opened(await hire("Ida Ito", Role.OWNER, company))


async def opened(someone: Someone) -> Tab:
    tab = await sign_in(someone)
    await tab.call(ConnectState.load)
    return tab


async def search(tab: Tab, **form: str) -> ConnectState:
    state = tab.state(ConnectState)
    await ConnectState.search.fn(Background(state), SEARCH | form)
    return state


async def channels(company: Company) -> list[queries.ChannelRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await queries.channels(session, company.tenant_id)


async def test_a_search_shows_numbers_with_their_price(initech: Company) -> None:
    state = await search(await owner(initech))
    assert (state.searching, state.problem) == (False, "")
    assert state.results[0].phone_number.startswith("+1415")
    assert state.results[0].price == "1.15 USD"


async def test_a_search_that_finds_nothing_says_so(initech: Company) -> None:
    state = await search(await owner(initech), digits="99999999")
    assert (state.results, state.problem[:23]) == ([], "Twilio has no such numb")


async def test_a_search_that_makes_no_sense_says_so(initech: Company) -> None:
    state = await search(await owner(initech), area_code="4")
    assert state.problem == "An area code has three digits, such as 415."


async def test_twilio_being_away_is_a_sentence(initech: Company, twilio: SimulatedTwilio) -> None:
    twilio.fail("status", status=503, times=5, path_contains="AvailablePhoneNumbers")
    assert (await search(await owner(initech))).problem


async def test_a_chosen_number_is_asked_for_with_its_price(initech: Company) -> None:
    tab = await owner(initech)
    await tab.call(ConnectState.toggle_kind, "voicemail")
    number = (await search(tab)).results[1]
    await tab.call(ConnectState.choose, number.phone_number)
    await tab.call(ConnectState.connect, {})
    rows = await channels(initech)
    assert {(row.kind, row.phone_number) for row in rows} == {
        (ChannelKind.SMS, number.phone_number),
        (ChannelKind.VOICEMAIL, number.phone_number),
    }
    assert {row.monthly_price for row in rows} == {"1.15 USD"}


async def test_a_number_that_was_not_found_cannot_be_chosen(initech: Company) -> None:
    tab = await owner(initech)
    await search(tab)
    state = await tab.call(ConnectState.choose, "+12125550199")
    assert state.chosen is None
    await tab.call(ConnectState.connect, {"display_name": "x"})
    assert await channels(initech) == []


async def test_a_number_that_needs_a_proof_is_not_bought(initech: Company) -> None:
    tab = await owner(initech)
    found = (await search(tab, country="DE", number_type="mobile")).results
    await tab.call(ConnectState.choose, found[0].phone_number)
    state = await tab.call(ConnectState.connect, {})
    assert "proof of address" in state.problem
    assert await channels(initech) == []


async def test_pressing_twice_connects_once(initech: Company) -> None:
    tab = await owner(initech)
    number = (await search(tab)).results[0]
    await tab.call(ConnectState.choose, number.phone_number)
    await tab.call(ConnectState.connect, {})
    await tab.call(ConnectState.connect, {})
    assert len(await channels(initech)) == 1


async def test_a_connection_that_comes_back_keeps_what_was_chosen(initech: Company) -> None:
    tab = await owner(initech)
    await tab.call(ConnectState.toggle_kind, "voicemail")
    number = (await search(tab)).results[0]
    await tab.call(ConnectState.choose, number.phone_number)
    state = await tab.call(ConnectState.load)
    assert (state.kinds, state.chosen, state.searching) == (["sms", "voicemail"], number, False)


async def test_the_next_channel_begins_anew(initech: Company) -> None:
    tab = await owner(initech)
    await tab.call(ConnectState.toggle_kind, "voicemail")
    number = (await search(tab)).results[0]
    await tab.call(ConnectState.choose, number.phone_number)
    assert not (await tab.call(ConnectState.connect, {})).is_begun
    state = await tab.call(ConnectState.load)
    assert (state.kinds, state.chosen, state.results, state.connecting) == (["sms"], None, [], False)


async def test_a_phone_from_elsewhere_is_for_whatsapp_alone(initech: Company) -> None:
    tab = await owner(initech)
    await tab.call(ConnectState.toggle_kind, "sms")
    await tab.call(ConnectState.toggle_kind, "whatsapp")
    state = tab.state(ConnectState)
    await ConnectState.choose_source.fn(Background(state), "other")
    await tab.call(ConnectState.choose_other, {"phone_number": "+49 171 1234567"})
    await tab.call(ConnectState.connect, {"display_name": "Initech", "verification_method": "voice"})
    [row] = await channels(initech)
    assert (row.kind, row.number_sid, row.config["own_number"]) == (ChannelKind.WHATSAPP, None, True)
    assert (await tab.call(ConnectState.toggle_kind, "sms")).source == "new"


async def test_owned_numbers_are_offered_again(initech: Company, twilio: SimulatedTwilio) -> None:
    tab = await owner(initech)
    state = tab.state(ConnectState)
    await ConnectState.choose_source.fn(Background(state), "owned")
    assert (state.results, state.problem) == ([], "You do not have a number yet.")


async def test_a_phone_must_be_a_number(initech: Company) -> None:
    tab = await owner(initech)
    for phone in ("", "hello", "0171 1234567"):
        state = await tab.call(ConnectState.choose_other, {"phone_number": phone})
        assert state.chosen is None
        assert "country code" in state.problem


async def test_a_kind_that_does_not_exist_is_ignored(initech: Company) -> None:
    tab = await owner(initech)
    for kind in ("fax", "", "SMS", "sms;drop"):
        assert (await tab.call(ConnectState.toggle_kind, kind)).kinds == ["sms"]


async def test_an_agent_neither_searches_nor_buys(initech: Company) -> None:
    tab = await opened(await hire("Ben Ito", Role.AGENT, initech))
    state = await search(tab)
    assert (state.results, state.problem) == ([], "Only an owner can change channels.")


async def test_nobody_gets_in_without_signing_in(initech: Company) -> None:
    tab = await sign_in(None)
    state: Any = Background(tab.state(ConnectState))
    with pytest.raises(NotAllowed):
        await ConnectState.search.fn(state, SEARCH)
    with pytest.raises(NotAllowed):
        await tab.call(ConnectState.connect, {})
