"""What staff see of the clients, and what they cannot see."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from tenant_portal import db
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.models import Tenant, TenantHour, TenantTraffic, WebhookRefusal
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState, TenantState
from tenant_portal.tenants import queries
from tenant_portal.tenants.queries import Sort
from tests.cast import Cast, Company


async def count(company: Company, hours_ago: int, **counters: int) -> None:
    moment = (now() - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
    async with db.tenant_session(company.tenant_id) as session:
        session.add(TenantHour(tenant_id=company.tenant_id, hour=moment, last_webhook_at=moment, **counters))


async def names(**wanted: object) -> list[str]:
    async with db.staff_session() as session:
        page = await queries.overview(session, **wanted)  # type: ignore[arg-type]
    return [row.name for row in page.rows]


async def test_traffic_is_summed_over_a_day_and_a_month(cast: Cast) -> None:
    await count(cast.acme, 1, messages_in=3, messages_out=2, failures=1)
    await count(cast.acme, 48, messages_in=10, messages_out=5, failures=4)
    await count(cast.acme, 24 * 40, messages_in=1000)
    async with db.staff_session() as session:
        row = await queries.one(session, cast.acme.tenant_id)
    assert (row.in_24h, row.out_24h, row.failures_24h) == (3, 2, 1)
    assert (row.in_30d, row.out_30d) == (13, 7)


async def test_what_is_summed_once_an_hour_is_what_the_hours_say(cast: Cast) -> None:
    await count(cast.acme, 0, messages_in=1, failures=1)
    await count(cast.acme, 1, messages_in=3, messages_out=2, failures=1)
    await count(cast.acme, 48, messages_in=10, messages_out=5, failures=4)
    await count(cast.acme, 24 * 40, messages_in=1000)
    async with db.staff_session() as session:
        before = await queries.overview(session, sort=Sort.TRAFFIC)
        for _ in range(2):
            await queries.sum_traffic(session)
        assert await queries.overview(session, sort=Sort.TRAFFIC) == before
        assert [(row.name, row.in_24h, row.in_30d, row.failures_24h) for row in before.rows] == [
            ("Acme", 4, 14, 2),
            ("Globex", 0, 0, 0),
        ]
        assert await session.scalar(sa.select(sa.func.max(TenantTraffic.in_30d))) == 13


async def test_what_has_left_the_window_is_forgotten_at_the_next_sum(cast: Cast) -> None:
    await count(cast.acme, 2, messages_in=3)
    async with db.staff_session() as session:
        await queries.sum_traffic(session)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(sa.update(TenantHour).values(hour=now() - timedelta(days=31)))
    async with db.staff_session() as session:
        await queries.sum_traffic(session)
        assert (await queries.one(session, cast.acme.tenant_id)).in_30d == 0


async def test_a_client_sees_its_own_sums_and_changes_none(cast: Cast) -> None:
    async with db.staff_session() as session:
        await queries.sum_traffic(session)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert (await session.scalars(sa.select(TenantTraffic.tenant_id))).all() == [cast.acme.tenant_id]
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(sa.update(TenantTraffic).values(in_30d=0))


async def test_a_client_without_traffic_shows_zeros(cast: Cast) -> None:
    async with db.staff_session() as session:
        row = await queries.one(session, cast.globex.tenant_id)
    assert (row.in_24h, row.out_30d, row.refusals_24h, row.last_webhook_at) == (0, 0, 0, None)


async def test_refusals_are_counted_for_the_account_they_named(cast: Cast) -> None:
    async with db.front_door_session() as session:
        for sid, many in ((cast.acme.account_sid, 3), (cast.globex.account_sid, 1), ("", 99)):
            session.add(WebhookRefusal(hour=now(), account_sid=sid, reason="signature", kind="sms", count=many))
    async with db.staff_session() as session:
        page = await queries.overview(session)
    assert {row.name: row.refusals_24h for row in page.rows} == {"Acme": 3, "Globex": 1}


async def test_channels_and_the_last_webhook_are_shown(cast: Cast) -> None:
    await count(cast.acme, 2)
    async with db.staff_session() as session:
        row = await queries.one(session, cast.acme.tenant_id)
    assert {badge.kind for badge in row.channels} == set(ChannelKind)
    assert {badge.state for badge in row.channels} == {ChannelState.ACTIVE}
    assert row.last_webhook_at is not None


async def test_a_client_is_found_by_name_number_or_account(cast: Cast) -> None:
    for text in ("acm", "ACME", "0100", "+1 415 555 0100", cast.acme.account_sid):
        assert await names(search=text) == ["Acme"]


async def test_a_search_is_taken_literally(cast: Cast) -> None:
    for text in ("%", "_", "nobody", "' or true --"):
        assert await names(search=text) == []


async def test_the_list_can_be_narrowed_to_a_state(cast: Cast) -> None:
    assert await names(state=TenantState.SUSPENDED) == []
    assert await names(state=TenantState.ACTIVE) == ["Acme", "Globex"]


async def test_the_busiest_client_comes_first(cast: Cast) -> None:
    await count(cast.globex, 1, messages_in=5)
    assert await names(sort=Sort.TRAFFIC) == ["Globex", "Acme"]
    assert await names(sort=Sort.LAST_WEBHOOK) == ["Globex", "Acme"]


async def test_most_failures_first(cast: Cast) -> None:
    await count(cast.globex, 1, failures=5)
    assert await names(sort=Sort.FAILURES) == ["Globex", "Acme"]


async def add_clients(many: int) -> None:
    statement = sa.text("insert into subaccount (tenant_id, attempts, created_at, changed_at) values (:t, 0, :at, :at)")
    async with db.staff_session() as session:
        for number in range(many):
            tenant = Tenant(name=f"Client {number % 3}")
            session.add(tenant)
            await session.flush()
            await session.execute(statement, {"t": tenant.id, "at": now()})


async def all_pages(sort: Sort) -> list[UUID]:
    seen, page = [], None
    async with db.staff_session() as session:
        while page is None or page.next_after:
            page = await queries.overview(session, sort=sort, after=page and page.next_after, limit=3)
            seen += [row.id for row in page.rows]
    return seen


async def test_pages_hold_each_client_once_in_every_order(database: str) -> None:
    await add_clients(7)
    for sort in Sort:
        seen = await all_pages(sort)
        assert len(seen) == len(set(seen)) == 7, sort


async def test_states_are_counted(cast: Cast) -> None:
    async with db.staff_session() as session:
        assert await queries.counts(session) == {TenantState.ACTIVE: 2}


async def test_a_client_is_named_by_id_or_exact_name(cast: Cast) -> None:
    async with db.staff_session() as session:
        assert await queries.find(session, "acme") == cast.acme.tenant_id
        assert await queries.find(session, str(cast.globex.tenant_id)) == cast.globex.tenant_id
        with pytest.raises(NotFound):
            await queries.find(session, "Acm")


async def test_a_name_that_several_have_is_refused(cast: Cast) -> None:
    async with db.staff_session() as session:
        session.add(Tenant(name="Acme"))
        await session.flush()
        with pytest.raises(BadInput):
            await queries.find(session, "Acme")


async def test_an_unknown_client_is_not_found(database: str) -> None:
    async with db.staff_session() as session:
        with pytest.raises(NotFound):
            await queries.one(session, uuid4())


SECRETS = (
    "select body from message",
    "select preview from conversation",
    "select address from lead",
    "select transcript from voicemail",
    "select source_url from media",
    "select auth_token_sealed from subaccount",
    "select config from channel",
    "select request_sealed from quarantined_request",
)


async def test_staff_cannot_read_what_clients_wrote(cast: Cast) -> None:
    for question in SECRETS:
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with db.staff_session() as session:
                await session.execute(sa.text(question))
