"""The agency's account makes, finds, suspends and closes subaccounts, and never makes one twice."""

import pytest

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.errors import TwilioOutcomeUnknown, TwilioRefused
from tenant_portal.twilio_gateway.gateway import SubaccountStatus
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveParentGateway, LiveTenantGateway
from tests.twilio.conftest import PARENT, StandIn, Tenant


async def test_a_subaccount_is_made_once(parent: LiveParentGateway) -> None:
    first = await parent.ensure_subaccount("Acme 0192")
    assert await parent.ensure_subaccount("Acme 0192") == first
    assert first.auth_token


async def test_a_similar_name_is_another_account(parent: LiveParentGateway) -> None:
    long = await parent.ensure_subaccount("Acme 0193 North")
    assert await parent.find_subaccount("Acme 0193") is None
    assert await parent.ensure_subaccount("Acme 0193") != long


async def test_a_lost_answer_leaves_no_orphan(parent: LiveParentGateway, phones: Handset) -> None:
    await phones.add_fault("drop_after", method="POST", path_contains="/Accounts.json")
    with pytest.raises(TwilioOutcomeUnknown):
        await parent.ensure_subaccount("Lost once")
    found = await parent.find_subaccount("Lost once")
    assert found is not None
    assert await parent.ensure_subaccount("Lost once") == found


async def test_a_closed_account_is_not_taken_again(parent: LiveParentGateway) -> None:
    closed = await parent.close_subaccount((await parent.ensure_subaccount("Reopened")).sid)
    assert closed.status is SubaccountStatus.CLOSED
    assert (await parent.ensure_subaccount("Reopened")).sid != closed.sid


async def test_closing_is_final(parent: LiveParentGateway) -> None:
    account = await parent.close_subaccount((await parent.ensure_subaccount("Closed for good")).sid)
    with pytest.raises(TwilioRefused) as caught:
        await parent.resume_subaccount(account.sid)
    assert caught.value.code == 21479


async def test_a_suspended_tenant_loses_its_connection_until_it_is_resumed(
    parent: LiveParentGateway, acme: Tenant
) -> None:
    assert (await parent.suspend_subaccount(acme.account.sid)).status is SubaccountStatus.SUSPENDED
    with pytest.raises(TwilioRefused) as caught:
        await acme.gateway.fetch_account()
    assert caught.value.code == 20003
    await parent.resume_subaccount(acme.account.sid)
    assert (await acme.gateway.fetch_account()).status is SubaccountStatus.ACTIVE


async def test_the_parent_reads_the_token_of_a_subaccount_again(parent: LiveParentGateway, acme: Tenant) -> None:
    assert (await parent.fetch_subaccount(acme.account.sid)).auth_token == acme.account.auth_token


async def test_a_subaccount_may_not_play_the_parent(acme: Tenant, globex: Tenant, http: PortalHttpClient) -> None:
    pretender = LiveParentGateway(acme.account.sid, acme.account.auth_token, http)
    for attempt in (pretender.ensure_subaccount("Mine"), pretender.suspend_subaccount(globex.account.sid)):
        with pytest.raises(TwilioRefused) as caught:
            await attempt
        assert caught.value.code == 20003


async def test_a_wrong_parent_token_says_that_the_connection_is_lost(http: PortalHttpClient) -> None:
    with pytest.raises(TwilioRefused, match="The connection to Twilio is lost"):
        await LiveParentGateway(PARENT[0], "wrong", http).find_subaccount("Acme")


async def test_an_unknown_account_is_not_found(parent: LiveParentGateway) -> None:
    with pytest.raises(TwilioRefused) as caught:
        await parent.fetch_subaccount("AC" + "9" * 32)
    assert caught.value.not_found


async def test_a_token_is_never_shown_with_its_account(acme: Tenant) -> None:
    assert acme.account.auth_token not in repr(acme.account)


async def test_a_rotated_token_replaces_the_old_one_at_once(acme: Tenant, http: PortalHttpClient) -> None:
    second = await acme.gateway.create_secondary_token()
    both = LiveTenantGateway(acme.account.sid, second, http)
    assert (await both.fetch_account()).auth_token == acme.account.auth_token
    assert await both.promote_secondary_token() == second
    assert (await both.fetch_account()).auth_token == second
    with pytest.raises(TwilioRefused):
        await acme.gateway.fetch_account()


async def test_there_is_nothing_to_promote_without_a_second_token(acme: Tenant) -> None:
    with pytest.raises(TwilioRefused):
        await acme.gateway.promote_secondary_token()


async def test_the_limit_of_subaccounts_is_told(
    parent: LiveParentGateway, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenant_portal.simulator.stand_in.accounts_api.MOST_SUBACCOUNTS", 0)
    with pytest.raises(TwilioRefused, match="cannot hold more clients"):
        await parent.ensure_subaccount("One too many")
