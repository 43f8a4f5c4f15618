"""A real worker tells its own figures, and those of the database, to whoever holds the token."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.cast import Cast
from tests.observability.exported import ROOT
from tests.test_job_queue import wake
from tests.test_worker import PATIENCE

TOKEN = "a-token-of-sixteen-or-more"


@pytest.fixture
def address(database: str) -> Iterator[str]:
    """/metrics of a worker on this test's database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    environment = os.environ | {
        "PORTAL_DATABASE_APP_URL": database, "PORTAL_METRICS_ADDRESS": place, "PORTAL_METRICS_TOKEN": TOKEN,
    }  # fmt: skip
    command = [sys.executable, "-m", "tenant_portal", "worker"]
    started = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    yield f"http://{place}/metrics"
    started.terminate()
    assert started.wait(PATIENCE) == 0


def ask(address: str, token: str = TOKEN) -> tuple[int, str]:
    """Status and figures; (0, "") while nobody listens."""
    try:
        answer = httpx.get(address, headers={"Authorization": f"Bearer {token}"})
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def until_told(address: str, word: str) -> str:
    """The figures, once they hold this."""
    deadline = time.monotonic() + PATIENCE
    while word not in (told := ask(address)[1]):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told


async def test_a_worker_tells_its_figures_to_whoever_holds_the_token(cast: Cast, address: str) -> None:
    await wake(cast.acme.tenant_id)
    told = until_told(address, 'portal_job_seconds_count{task="inbox.send_outbox"} 1.0')
    assert 'portal_tenants{state="active"} 2.0' in told
    assert "portal_figures_timestamp_seconds" in told
    assert (ask(address, "x")[0], ask(address, TOKEN[:-1])[0], ask(address.replace("/metrics", "/"))[0]) == (
        404, 404, 404,
    )  # fmt: skip
