"""`python -m tenant_portal simulate`, alone: it brings up a whole portal, finds it tight, and leaves nothing behind."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulator_check.test_planted_faults import CAUGHT_BY

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 240


def free_port() -> int:
    """A port on which no portal serves, so that the command starts one of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.timeout(TIMEOUT)
def test_a_sound_portal_is_green_in_every_probe(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environment |= {"PORTAL_PORT": str(free_port()), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "tenant_portal", "simulate", "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.stdout, ended.stderr[-2000:]
    report = json.loads(ended.stdout)
    assert [probe for probe in report["probes"] if probe["outcome"] != "pass"] == []
    assert (ended.returncode, report["tight"]) == (0, True), ended.stderr[-2000:]
    assert set(CAUGHT_BY.values()) <= {probe["id"] for probe in report["probes"]}
    assert list(tmp_path.iterdir()) == []
