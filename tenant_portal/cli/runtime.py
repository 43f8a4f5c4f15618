"""What every command needs: the database, one event loop, and one way to print."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from tenant_portal import database_setup, db
from tenant_portal.config import settings
from tenant_portal.embedded_postgres import EmbeddedServer

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@contextmanager
def database() -> Iterator[str]:
    """The login URL; where no database is named, the embedded server runs as long as this is open.

    An administrator's URL or the embedded server is migrated first; PORTAL_DATABASE_APP_URL alone is taken as it is.
    """
    if settings().database_url:
        yield _enter(database_setup.prepare(settings().database_url))
    elif settings().login_url:
        yield _enter(settings().login_url)
    else:
        with EmbeddedServer(settings().data_dir) as server:
            url = database_setup.create_database(server.admin_url)
            yield _enter(database_setup.prepare(url))


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one coroutine against the database and give its connections back."""

    async def closed() -> T:
        try:
            return await work()
        finally:
            await db.close()

    with database():
        return asyncio.run(closed())


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, title: str = "") -> None:
    """A table for people, a JSON array for programs."""
    if as_json:
        typer.echo(json.dumps(rows, default=str, indent=2))
        return
    table = Table(title=title or None)
    for column in rows[0] if rows else ():
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table if rows else "Nothing there.")


def show_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: a JSON object, or a line for each field."""
    if as_json:
        typer.echo(json.dumps(row, default=str, indent=2))
        return
    for name, value in row.items():
        typer.echo(f"{name.replace('_', ' ')}: {'' if value is None else value}")


def _enter(url: str) -> str:
    db.use_database(url)
    return url
