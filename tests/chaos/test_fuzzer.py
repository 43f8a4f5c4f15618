"""The coverage-guided fuzzer finds nothing in the pure parts of the front door, and does find what is planted."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has no wheel for this Python or machine")
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20
LEAST_RUNS = 5_000
# Chance alone finds these eight bytes in no lifetime; following coverage does.
PLANTED = """
import atheris
from tests.fuzz import pure_parts

@atheris.instrument_func
def check(data):
    if data[:4] == b"STOP":
        if data[4:8] == b"STOP":
            raise RuntimeError("found what was planted")

pure_parts.CHECKS = (check,)
pure_parts.main("60")
"""


def fuzz(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A run of the fuzzer; what it finds is written into the folder."""
    environment = {"PYTHONPATH": str(ROOT), "PORTAL_DATA_DIR": str(folder), "PATH": ""}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, errors="replace"
    )


def test_nothing_is_found_in_the_pure_parts(tmp_path: Path, say: Callable[[str], None]) -> None:
    done = fuzz(tmp_path, "-m", "tests.fuzz.pure_parts", str(SECONDS))
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    (runs,) = re.findall(r"Done (\d+) runs", done.stderr)
    say(f"coverage-guided fuzzer: nothing in {int(runs):,} runs, {SECONDS} s")
    assert int(runs) > LEAST_RUNS


def test_what_is_planted_is_found(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "-c", PLANTED)
    assert done.returncode != 0
    assert "found what was planted" in done.stdout + done.stderr
