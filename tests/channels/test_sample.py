"""What a first start connects by itself."""

import asyncio

import pytest

from tenant_portal import db
from tenant_portal.channels import queries
from tenant_portal.channels.jobs import drain
from tenant_portal.channels.sample import connect_sample
from tenant_portal.config import settings
from tenant_portal.models.enums import ChannelKind, ChannelState, Role
from tenant_portal.seed import sample_sign_ins, seed_if_empty
from tenant_portal.tenants.jobs import settle
from tenant_portal.tenants.queries import tenant_ids
from tenant_portal.tenants.service import create
from tests.channels.stage import Stage
from tests.simulated_twilio import SimulatedTwilio, make_client


@pytest.fixture(autouse=True)
def no_leftovers() -> None:
    (settings().data_dir / "sample_sign_ins.json").unlink(missing_ok=True)


async def test_sample_clients_that_start_together_get_different_numbers(twilio: SimulatedTwilio, portal: str) -> None:
    clients = [await make_client("Acme"), await make_client("Globex")]
    await asyncio.gather(*(connect_sample(tenant_id) for tenant_id in clients))
    assert len({number.phone_number for number in twilio.numbers()}) == len(twilio.numbers()) == 2


async def test_a_sample_client_has_all_channels_on_one_number(acme: Stage, portal: str) -> None:
    await connect_sample(acme.tenant_id)
    await acme.drain()
    async with db.tenant_session(acme.tenant_id) as session:
        rows = await queries.channels(session, acme.tenant_id)
    assert {row.kind for row in rows} == set(ChannelKind)
    assert len({row.phone_number for row in rows}) == len(acme.twilio.numbers()) == 1
    assert {row.state for row in rows} <= {ChannelState.ACTIVE, ChannelState.VERIFYING}


async def test_a_repeat_connects_nothing_more(acme: Stage, portal: str) -> None:
    await connect_sample(acme.tenant_id)
    await connect_sample(acme.tenant_id)
    async with db.tenant_session(acme.tenant_id) as session:
        assert len(await queries.channels(session, acme.tenant_id)) == 3


async def test_a_crash_after_buying_finds_the_number_again(acme: Stage, portal: str) -> None:
    await connect_sample(acme.tenant_id)
    async with db.tenant_session(acme.tenant_id) as session:
        await (await session.connection()).exec_driver_sql("delete from channel")
    await connect_sample(acme.tenant_id)
    assert len(acme.twilio.numbers()) == 1


async def test_it_waits_until_the_web_server_answers(acme: Stage) -> None:
    await connect_sample(acme.tenant_id)
    assert acme.twilio.numbers() == []


async def test_without_a_subaccount_it_waits(twilio: SimulatedTwilio, portal: str) -> None:
    async with db.staff_session() as session:
        tenant_id = await create(session, "Acme")
    await connect_sample(tenant_id)
    assert twilio.numbers() == []


async def test_with_a_live_account_nothing_is_bought(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with db.staff_session() as session:
        tenant_id = await create(session, "Acme")
    monkeypatch.setenv("PORTAL_TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("PORTAL_TWILIO_AUTH_TOKEN", "secret")
    settings.cache_clear()
    try:
        await connect_sample(tenant_id)
        made = await seed_if_empty()
        assert made is not None
        assert [(sign_in.role, sign_in.client) for sign_in in made] == [(Role.STAFF, "")]
        assert sample_sign_ins() == []
    finally:
        monkeypatch.undo()
        settings.cache_clear()


async def test_the_first_start_makes_two_clients_and_staff(twilio: SimulatedTwilio, portal: str) -> None:
    made = await seed_if_empty()
    assert made is not None
    assert [sign_in.role for sign_in in made] == ["owner", "owner", "staff"]
    assert len({sign_in.password for sign_in in made}) == 3
    async with db.staff_session() as session:
        clients = await tenant_ids(session)
    for tenant_id in clients:
        await settle(tenant_id)
        await connect_sample(tenant_id)
        await drain(tenant_id)
    assert len(twilio.numbers()) == len(clients) == 2


async def test_a_second_start_changes_nothing_and_still_knows_the_sign_ins(database: str) -> None:
    made = await seed_if_empty()
    assert await seed_if_empty() is None
    assert sample_sign_ins() == made
    assert (settings().data_dir / "sample_sign_ins.json").stat().st_mode & 0o077 == 0
