"""Backup and restore, rehearsed for real: docs/operations.md says to do it with one's own backups."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.chaos
def test_a_backup_leads_back_to_the_moment_before_a_mistake() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    command = [sys.executable, "-m", "deploy.rehearse_restore"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["lost_server"]["leads"] == 1
    assert found["restored"] == {"tenants": 3, "leads": 3, "tokens": 3, "tokens_opened": 3, "wall_breaches": 0}
    # What must be kept apart and together: the same backup without the keys opens nothing.
    assert found["restored_without_the_keys"]["tokens_opened"] == 0
