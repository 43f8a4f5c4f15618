"""The figures behind the sizing table can be measured again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.chaos
@pytest.mark.alone
def test_the_footprint_is_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.footprint", "--quick", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures) == 4
    assert min(figures.values()) > 0
