"""The wall in the database: what each role can and cannot reach, with and without a tenant."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from tenant_portal import db
from tenant_portal.errors import TenantMissing
from tenant_portal.identity import sessions
from tenant_portal.models import SecondFactor, User, metadata
from tenant_portal.models import row_level_security as wall
from tests.cast import Cast

pytestmark = pytest.mark.database
TENANT_TABLES = sorted(part.table for part in wall.WALLS if part.tenant_column == "tenant_id")
FRONT_DOOR_TABLES = {"subaccount", "tenant", "throttle", "webhook_refusal", "quarantined_request"}
APP_TABLES = sorted({part.table for part in wall.WALLS for access in part.accesses if access.role == wall.APP})


def test_every_table_has_its_part_of_the_wall() -> None:
    assert {part.table for part in wall.WALLS} == set(metadata.tables)


async def test_a_tenant_session_sees_its_own_rows_only(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert set(await session.scalars(text("select tenant_id from channel"))) == {cast.acme.tenant_id}
        assert set(await session.scalars(text("select name from tenant"))) == {"Acme"}
        assert set(await session.scalars(text("select name from portal_user"))) == {"Alice Archer", "Bob Baker"}


async def test_the_tenant_survives_a_commit_inside_the_session(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.commit()
        assert await session.scalar(text("select count(*) from channel")) == 3


async def test_the_tenant_does_not_leak_to_the_next_user_of_a_connection(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.scalar(text("select count(*) from channel"))
    async with db.engine().connect() as connection:
        assert await connection.scalar(text("select current_setting('app.tenant_id', true)")) in {None, ""}
        assert await connection.scalar(text("select current_user")) == wall.LOGIN


async def test_a_session_without_a_tenant_is_refused() -> None:
    with pytest.raises(TenantMissing):
        db.tenant_session(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("table", APP_TABLES)
async def test_without_a_tenant_the_application_role_gets_an_error_and_never_no_rows(cast: Cast, table: str) -> None:
    # PostgreSQL reads the setting only when it meets a row.
    async with db.identity_session() as session:
        user = (await session.scalars(select(User).where(col(User.id) == cast.alice.user_id))).one()
        await sessions.begin(session, user, address="192.0.2.1", user_agent="", now=datetime.now(UTC))
        session.add(SecondFactor(user_id=user.id, tenant_id=user.tenant_id, secret_sealed=b"sealed"))
    with pytest.raises(DBAPIError):
        async with db.engine().connect() as connection:
            await connection.execute(text("set local role portal_app"))
            await connection.execute(text(f"select {'id' if table == 'tenant' else 'tenant_id'} from {table}"))


@pytest.mark.parametrize("table", sorted(metadata.tables))
async def test_outside_a_door_the_login_role_reaches_nothing(cast: Cast, table: str) -> None:
    async with db.engine().connect() as connection:
        with pytest.raises(DBAPIError, match=r"does not exist|permission denied"):
            await connection.execute(text(f"select * from {table}"))


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_tenant_cannot_delete_or_change_the_others_rows(cast: Cast, table: str) -> None:
    async with db.engine().connect() as connection:
        await connection.execute(text("set local role portal_app"))
        await connection.execute(
            text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(cast.globex.tenant_id)}
        )
        if not await connection.scalar(text(f"select has_table_privilege('{table}', 'delete')")):
            return
        deleted = await connection.execute(
            text(f"delete from {table} where tenant_id = :tenant"), {"tenant": cast.acme.tenant_id}
        )
        assert deleted.rowcount == 0
        await connection.rollback()


async def test_a_tenant_cannot_write_a_row_for_the_other(cast: Cast) -> None:
    statement = text(
        "insert into lead (tenant_id, id, address, name, profile_name, place, stage, source, created_at)"
        " values (:tenant, :id, '+1', '', '', '', 'new', 'sms', now())"
    )
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await session.execute(statement, {"tenant": cast.globex.tenant_id, "id": uuid4()})


async def test_a_reference_to_the_others_row_fails_like_one_to_a_made_up_row(cast: Cast) -> None:
    statement = text(
        "insert into lead_note (tenant_id, id, lead_id, author_name, body, created_at)"
        " values (:tenant, :id, :lead, 'Alice', 'x', now())"
    )
    lead = uuid4()
    async with db.tenant_session(cast.globex.tenant_id) as session:
        await session.execute(
            text(
                "insert into lead (tenant_id, id, address, name, profile_name, place, stage, source, created_at)"
                " values (:tenant, :id, '+1', '', '', '', 'new', 'sms', now())"
            ),
            {"tenant": cast.globex.tenant_id, "id": lead},
        )
    for target in (lead, uuid4()):
        with pytest.raises(DBAPIError, match="fk_lead_note_tenant_id_lead_id"):
            async with db.tenant_session(cast.acme.tenant_id) as session:
                await session.execute(statement, {"tenant": cast.acme.tenant_id, "id": uuid4(), "lead": target})


@pytest.mark.parametrize(
    "query",
    [
        "select body from message",
        "select preview from conversation",
        "select address from lead",
        "select body from lead_note",
        "select transcript from voicemail",
        "select source_url from media",
        "select config from channel",
        "select auth_token_sealed from subaccount",
        "select password_hash from portal_user",
        "select request_sealed from quarantined_request",
        "select token_hash from user_session",
    ],
)
async def test_staff_cannot_read_what_clients_write(cast: Cast, query: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db.staff_session() as session:
            await session.execute(text(query))


async def test_staff_see_names_states_and_counters_of_all_tenants(cast: Cast) -> None:
    async with db.staff_session() as session:
        assert set(await session.scalars(text("select name from tenant"))) == {"Acme", "Globex"}
        assert await session.scalar(text("select count(state) from channel")) == 6


@pytest.mark.parametrize("table", sorted(set(metadata.tables) - FRONT_DOOR_TABLES))
async def test_the_front_door_role_reads_nothing_else(cast: Cast, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db.front_door_session() as session:
            await session.execute(text(f"select * from {table}"))


@pytest.mark.parametrize(
    "statement",
    ["truncate lead", "alter table lead disable row level security", "set role portal_owner", "drop table lead"],
)
async def test_the_application_role_cannot_take_the_wall_down(cast: Cast, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await session.execute(text(statement))


async def test_switching_row_security_off_is_an_error(cast: Cast) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await session.execute(text("set local row_security = off"))
            await session.execute(text("select * from lead"))


async def test_an_error_does_not_show_the_parameters(cast: Cast) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await session.execute(text("select 1 / (length(:body) - length(:body))"), {"body": "canary of Acme"})
    assert "canary of Acme" not in str(caught.value)
