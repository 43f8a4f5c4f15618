"""Migrations: the models and the migrated schema agree, down and up again, and the set-up can be repeated."""

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic import command
from tenant_portal import database_setup
from tenant_portal.config import settings
from tenant_portal.models import metadata

pytestmark = pytest.mark.database


def test_models_and_migrations_agree(admin_url: str) -> None:
    with database_setup.owner_connection(admin_url) as owner:
        command.check(database_setup.alembic_config(owner))


def test_a_column_without_a_migration_would_be_noticed(admin_url: str) -> None:
    with psycopg.connect(admin_url) as connection:
        connection.execute("alter table lead drop column place")
    with database_setup.owner_connection(admin_url) as owner:
        assert compare_metadata(MigrationContext.configure(owner), metadata) != []


def test_down_to_nothing_and_up_again(admin_url: str) -> None:
    with database_setup.owner_connection(admin_url) as owner:
        config = database_setup.alembic_config(owner)
        command.downgrade(config, "base")
        assert sa.inspect(owner).get_table_names() == ["alembic_version"]
        owner.commit()
    database_setup.prepare(admin_url)
    with database_setup.owner_connection(admin_url) as owner:
        assert set(metadata.tables) <= set(sa.inspect(owner).get_table_names())


def test_leads_keep_their_stage_when_stages_become_the_clients_own(admin_url: str) -> None:
    with database_setup.owner_connection(admin_url) as owner:
        config = database_setup.alembic_config(owner)
        before = ScriptDirectory.from_config(config).get_revision("0011").down_revision
        command.downgrade(config, str(before))
        owner.commit()
    with psycopg.connect(admin_url) as connection:
        # As the version before left it: another wall.
        connection.execute("comment on schema front_door is 'wall of before'")
        connection.execute(
            "insert into tenant (id, name, state, is_synthetic, created_at)"
            " values (gen_random_uuid(), 'Old', 'active', false, now())"
        )
        leads = [("+14155550001", "new"), ("+14155550002", "won"), ("+5215512345678", "lost")]
        for address, stage in leads:
            connection.execute(
                "insert into lead (tenant_id, id, address, name, profile_name, place, stage, source, created_at)"
                " select id, gen_random_uuid(), %s, '', '', '', %s, 'sms', now() from tenant",
                (address, stage),
            )
    database_setup.prepare(admin_url)
    with psycopg.connect(admin_url) as connection:
        query = "select l.address, s.name from lead l join lead_stage s on s.id = l.stage_id order by 1"
        found = connection.execute(query).fetchall()
    assert found == [("+14155550001", "New"), ("+14155550002", "Won"), ("+525512345678", "Lost")]


def test_the_set_up_can_be_repeated(admin_url: str) -> None:
    assert database_setup.prepare(admin_url) == database_setup.prepare(admin_url)


def test_the_owner_is_no_superuser(admin_url: str) -> None:
    with database_setup.owner_connection(admin_url) as owner:
        rights = owner.execute(
            sa.text("select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user")
        ).one()
    assert tuple(rights) == (False, False, False)


def test_a_migration_waits_briefly_for_locks_and_gives_up(admin_url: str) -> None:
    with psycopg.connect(admin_url) as reader:
        reader.execute("select * from tenant")  # holds the lock that `drop table` has to wait for
        with (
            database_setup.owner_connection(admin_url) as owner,
            pytest.raises(sa.exc.OperationalError, match="lock timeout"),
        ):
            command.downgrade(database_setup.alembic_config(owner), "base")


def test_the_password_of_the_login_is_not_in_the_settings() -> None:
    assert settings().login_password not in settings().model_dump_json()
