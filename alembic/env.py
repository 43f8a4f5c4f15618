"""Runs migrations on the connection that `database_setup` (or a test) hands over in `config.attributes`."""

from sqlalchemy import text

from alembic import context
from tenant_portal import models


def run() -> None:
    connection = context.config.attributes["connection"]
    connection.execute(text("set lock_timeout = '2s'"))
    connection.execute(text("set statement_timeout = '10min'"))
    context.configure(
        connection=connection,
        target_metadata=models.metadata,
        transaction_per_migration=True,
        compare_type=True,
    )
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()


run()
