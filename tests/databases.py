"""A migrated database for each test: cloned once, swept clean between tests, thrown away if a test changed its schema.

Cloning costs some 100 ms of copying files; sweeping costs a few.
"""

import os
import time
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

_numbers = count()
# Every row of the catalogue that a migration, a grant or a planted fault would write anew.
CATALOGUE = """
    with changed as (
        select c.oid, c.xmin from pg_class c
            where c.relnamespace::regnamespace::text in ('public', 'jobs', 'front_door')
        union all select a.attrelid, a.xmin from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace::regnamespace::text in ('public', 'jobs', 'front_door')
        union all select oid, xmin from pg_policy
        union all select oid, xmin from pg_proc where pronamespace <> 'pg_catalog'::regnamespace
        union all select oid, xmin from pg_constraint
        union all select oid, xmin from pg_trigger
        union all select oid, xmin from pg_namespace
        union all select oid, xmin from pg_authid where rolname like 'portal%')
    select md5(string_agg(oid::text || ':' || xmin::text, ',' order by oid, xmin::text)) from changed"""
TABLES = """
    select string_agg(format('delete from %I.%I', schemaname, tablename), '; ') from pg_tables
    where schemaname in ('public', 'jobs') and tablename <> 'alembic_version'"""
# Not with a time-out: the server would look again only after 100 ms, and those who have just closed need one or two.
OTHERS = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()"""
LOOK_SECONDS = 0.002


@dataclass
class Databases:
    """Lends one database at a time.

    `server_url` is a superuser's; `template` is a migrated database that nobody is connected to.
    """

    server_url: str
    template: str
    _name: str | None = field(default=None, init=False)
    _connection: psycopg.Connection | None = field(default=None, init=False)
    _catalogue: str = field(default="", init=False)
    _sweep: str = field(default="", init=False)

    def lend(self) -> str:
        """Superuser URL of a migrated database without rows."""
        if self._name is None:
            self._name = self._clone()
            self._catalogue = self._ask(CATALOGUE)
            self._sweep = f"set session_replication_role = replica; {self._ask(TABLES)}"
        return self._url(self._name)

    def take_back(self) -> None:
        """Make it as it was, or throw it away."""
        try:
            is_the_same = self._swept()
        except psycopg.OperationalError:
            # The test has cut our connection, too.
            self._disconnect()
            is_the_same = self._swept()
        if not is_the_same:
            self.close()

    def _swept(self) -> bool:
        """Whether the schema is as it was; the rows are gone then, and so is whoever is still connected."""
        while self._ask(OTHERS) != "0":
            time.sleep(LOOK_SECONDS)
        if self._ask(CATALOGUE) != self._catalogue:
            return False
        self._connected().execute(self._sweep.encode())
        return True

    def close(self) -> None:
        """Drop the database, whoever is connected to it."""
        self._disconnect()
        if self._name is not None:
            with psycopg.connect(self.server_url, autocommit=True) as connection:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(self._name)))
        self._name = None

    def _connected(self) -> psycopg.Connection:
        # Kept from test to test: a new one costs more than the sweeping, since it must look up every table anew.
        assert self._name is not None
        if self._connection is None:
            self._connection = psycopg.connect(self._url(self._name), autocommit=True)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _clone(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        statement = "create database {} template {} strategy file_copy"
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, (name, self.template))))
            connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
            connection.execute(sql.SQL("grant connect on database {} to portal_web").format(sql.Identifier(name)))
        return name

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.server_url)._replace(path=f"/{name}"))

    def _ask(self, query: str) -> str:
        row = self._connected().execute(query.encode()).fetchone()
        return str(row[0]) if row else ""
