"""Makes a PostgreSQL database ready: roles, ownership, migrations, catalogue lint.

Takes the URL of an administrator (of the embedded server, or PORTAL_DATABASE_URL). The processes never see it: they
sign in as `portal_web`, a role without rights of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import sqlalchemy as sa
from alembic.config import Config
from psycopg import sql

from alembic import command
from tenant_portal.config import settings
from tenant_portal.errors import PortalError, SettingsError
from tenant_portal.models import row_level_security as wall
from tenant_portal.schema_lint import refuse_unsafe_schema

DATABASE = "portal"
MIGRATION_LOCK = 7_012_026
ROOT = Path(__file__).resolve().parent.parent
OLDEST_POSTGRESQL = 15
STATEMENT_TIMEOUT = "15s"


class NotMigrated(PortalError):
    """The database is older or newer than this version of the portal."""


def prepare(admin_url: str) -> str:
    """Roles, rights, migrations to the newest version, lint; the URL with which web and worker sign in.

    Safe to repeat and to run from several processes at once. SettingsError if the server is too old or the role in
    the URL may not do this; SchemaUnsafe if the result breaks a rule of the wall.
    """
    with _connect(admin_url) as connection:
        if connection.info.server_version < OLDEST_POSTGRESQL * 10_000:
            raise SettingsError(f"PORTAL_DATABASE_URL: PostgreSQL {OLDEST_POSTGRESQL} or newer is needed.")
        # Two processes that start at once must not migrate at once; the lock ends with this connection.
        connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        with connection.transaction():
            _make_roles(connection)
            _own_database(connection)
        with owner_connection(admin_url) as owner:
            command.upgrade(alembic_config(owner), "head")
            owner.commit()
            _build_wall(owner)
            refuse_unsafe_schema(owner)
    return login_url(admin_url)


def _connect(admin_url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(admin_url, autocommit=True)
    except psycopg.ProgrammingError:
        # Without its words: they quote the address, and with it the password.
        raise SettingsError("PORTAL_DATABASE_URL: PostgreSQL does not understand this address.") from None


def create_database(admin_url: str, name: str = DATABASE) -> str:
    """The URL of database `name` on this server, made if it is not there."""
    # Suppressed: it was there, or another process was first.
    there = suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(admin_url, autocommit=True) as connection, there:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))


def login_url(admin_url: str) -> str:
    """The same server and database, signed in as `portal_web`."""
    if settings().login_url:
        return settings().login_url
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{wall.LOGIN}:{settings().login_password}@{host}"))


@contextmanager
def owner_connection(admin_url: str) -> Iterator[sa.Connection]:
    """A connection that acts as `portal_owner`: not a superuser, so that even migrations stand behind the wall.

    It grants the doors' roles and so inherits their policies: what a door may read, a migration may too."""
    url = admin_url.replace(f"{urlsplit(admin_url).scheme}://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"set role {wall.OWNER}"))
            connection.commit()
            yield connection
    finally:
        engine.dispose()


def alembic_config(connection: sa.Connection) -> Config:
    """Alembic's configuration bound to this connection."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["connection"] = connection
    return config


def _build_wall(owner: sa.Connection) -> None:
    # Rebuilt only where it changed: dropping a policy locks its table against every reader for a moment.
    mark = f"wall {wall.fingerprint()}"
    with owner.begin():
        if owner.scalar(sa.text("select obj_description('front_door'::regnamespace)")) == mark:
            return
        owner.execute(sa.text("set local lock_timeout = '5s'"))
        for statement in wall.build_statements():
            owner.exec_driver_sql(statement)
        owner.exec_driver_sql(f"comment on schema front_door is '{mark}'")


def _make_roles(connection: psycopg.Connection) -> None:
    for role in (wall.OWNER, *wall.OWNERS_OF_FUNCTIONS, *wall.DOOR_ROLES):
        _make_role(connection, role, "nologin")
    _make_role(connection, wall.LOGIN, "login noinherit")
    connection.execute(
        sql.SQL("alter role {} password {}").format(sql.Identifier(wall.LOGIN), sql.Literal(settings().login_password))
    )
    # Of the role, not of the connection: a pooler in transaction mode refuses options at the start of a session.
    connection.execute(
        sql.SQL("alter role {} set statement_timeout = {}").format(
            sql.Identifier(wall.LOGIN), sql.Literal(STATEMENT_TIMEOUT)
        )
    )
    doors = sql.SQL(", ").join(map(sql.Identifier, wall.DOOR_ROLES))
    for member in (wall.OWNER, wall.LOGIN):
        connection.execute(sql.SQL("grant {} to {}").format(doors, sql.Identifier(member)))
    for role in wall.OWNERS_OF_FUNCTIONS:
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(wall.OWNER)))
    is_owner = connection.execute("select pg_has_role(current_user, %s, 'usage')", (wall.OWNER,)).fetchone()
    if is_owner != (True,):
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(wall.OWNER)))


def _make_role(connection: psycopg.Connection, role: str, attributes: str) -> None:
    if not connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone():
        statement = f"create role {{}} {attributes} nosuperuser nobypassrls nocreatedb nocreaterole"
        connection.execute(sql.SQL(statement).format(sql.Identifier(role)))


def _own_database(connection: psycopg.Connection) -> None:
    database = sql.Identifier(connection.info.dbname)
    owner, login = sql.Identifier(wall.OWNER), sql.Identifier(wall.LOGIN)
    doors = sql.SQL(", ").join(map(sql.Identifier, (*wall.DOOR_ROLES, *wall.OWNERS_OF_FUNCTIONS)))
    for statement in (
        "revoke all on database {database} from public",
        "grant create, connect on database {database} to {owner}",
        "grant connect on database {database} to {login}",
        "revoke all on schema public from public",
        "grant create, usage on schema public to {owner}",
        "grant usage on schema public to {doors}",
    ):
        connection.execute(sql.SQL(statement).format(database=database, owner=owner, login=login, doors=doors))
