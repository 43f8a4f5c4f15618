"""The command line: `python -m tenant_portal`."""

import asyncio
import sys
from typing import Annotated

import typer

from tenant_portal import web_server
from tenant_portal import worker as worker_process
from tenant_portal.cli import channel, doctor, handset, keys, runtime, simulate, tenant, user
from tenant_portal.cli.runtime import AsJson
from tenant_portal.errors import PortalError, SettingsError
from tenant_portal.supervisor import supervise

BAD_SETTINGS = 2

app = typer.Typer(
    help="A portal in which each client of an agency runs its own Twilio subaccount.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for name, group in {"tenant": tenant, "channel": channel, "user": user, "handset": handset, "keys": keys}.items():
    app.add_typer(group.app, name=name)
app.command("simulate")(simulate.simulate)
app.command("doctor")(doctor.doctor)


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="Port of the web server; PORTAL_PORT otherwise.")] = None,
) -> None:
    """Start everything: database, web, worker and, without a Twilio account, the simulated Twilio."""
    raise typer.Exit(supervise(port))


@app.command()
def web() -> None:
    """Start one web process on a database that is set up already."""
    web_server.serve()


@app.command()
def worker() -> None:
    """Start one job worker on a database that is set up already."""
    with runtime.database():
        asyncio.run(worker_process.main())


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Make roles, tables and policies of the newest version, and check them."""
    with runtime.database():
        runtime.show_one({"database": "ready"}, as_json=as_json)


def main() -> None:
    """Run a command; an expected error is one sentence on stderr."""
    try:
        app()
    except PortalError as error:
        typer.echo(error.message, err=True)
        sys.exit(BAD_SETTINGS if isinstance(error, SettingsError) else 1)


if __name__ == "__main__":
    main()
