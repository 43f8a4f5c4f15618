"""The database goes away from all processes at once: what each has acknowledged is stored once, whoever lives on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.cast import Company
from tests.chaos.cluster.conftest import START_SECONDS, Cluster, one_more, within
from tests.cluster.servers import needs
from tests.portal_server import end, wait_until_ready
from tests.webhook_client import text_message

pytestmark = [pytest.mark.chaos, needs("redis-server"), needs("pgbouncer"), pytest.mark.timeout(300)]
EACH = 8
SETTLED_WITHIN = 60.0


@contextmanager
def database_away(server_url: str, cluster: Cluster) -> Iterator[None]:
    """Every connection is cut and none let in; then it is there again."""
    name = urlsplit(cluster.admin_url).path[1:]
    switch = sql.SQL("alter database {} allow_connections {}")
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(switch.format(sql.Identifier(name), False))
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        try:
            yield
        finally:
            server.execute(switch.format(sql.Identifier(name), True))


def test_what_a_dead_process_has_kept_is_taken_over(cluster: Cluster, server_url: str, tmp_path: Path) -> None:
    companies = (cluster.cast.acme, cluster.cast.globex)
    doomed = one_more(cluster, tmp_path / "log")
    try:
        wait_until_ready(doomed, START_SECONDS)
        everybody = replace(cluster, web=[*cluster.web, doomed])
        acknowledged = _known_everywhere(everybody, companies)
        with database_away(server_url, cluster):
            acknowledged |= _sent(everybody, companies, EACH)
            doomed.process.kill()
        assert len(acknowledged) == len(everybody.web) * len(companies) * (EACH + 1)
        assert within(SETTLED_WITHIN, lambda: acknowledged <= _stored(cluster))
    finally:
        end(doomed)
    assert cluster.query("select provider_sid from message group by 1 having count(*) > 1") == []
    spool = Path(cluster.settings["PORTAL_DATA_DIR"]) / "spool"
    assert within(5, lambda: list(spool.iterdir()) == [])


def _known_everywhere(cluster: Cluster, companies: tuple[Company, ...]) -> set[tuple[str, str]]:
    """Each process has met each account, so that it can verify without the database."""
    return _sent(cluster, companies, 1)


def _sent(cluster: Cluster, companies: tuple[Company, ...], each: int) -> set[tuple[str, str]]:
    """(SID, tenant) of the messages that each process has acknowledged for each client."""
    found = set()
    for _ in range(each):
        for web in range(len(cluster.web)):
            for company in companies:
                form = text_message(company)
                if cluster.post(web, company, form) == 200:
                    found.add((form["MessageSid"], str(company.tenant_id)))
    return found


def _stored(cluster: Cluster) -> set[tuple[str, str]]:
    return {(str(sid), str(tenant)) for sid, tenant in cluster.query("select provider_sid, tenant_id from message")}
