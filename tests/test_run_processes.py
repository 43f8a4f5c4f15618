"""One process under its supervisor: heard, revived more slowly each time, stopped, and never left alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenant_portal import child_process
from tenant_portal.child_process import ChildProcess, ending
from tests.running_portal import ROOT, eventually, is_gone

MODULES = {
    "talker": "print('good'); print('morning')",
    "crasher": "import sys; print('on my way'); sys.exit(7)",
    "sleeper": "import time; print('awake'); time.sleep(60)",
    "stubborn": "import signal, time; signal.signal(15, lambda *_: 0); print('awake')\nwhile True: time.sleep(1)",
    "family": "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)",
}
SUPERVISOR = """
import os, sys, time
from tenant_portal.child_process import ChildProcess
child = ChildProcess("child", [sys.argv[1]], os.environ, lambda name, line: None)
child.start()
print(child.process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def heard() -> list[str]:
    """What the processes of a test have said."""
    return []


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One in which the modules above can be imported."""
    for name, code in MODULES.items():
        (tmp_path / f"{name}.py").write_text(code)
    return os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def started(request: pytest.FixtureRequest, heard: list[str], environment: dict[str, str]) -> Iterator[ChildProcess]:
    """A started child of the module that the test names."""
    child = ChildProcess("child", [request.param], environment, lambda name, line: heard.append(f"{name}: {line}"))
    child.start()
    yield child
    child.wait(0)


runs = pytest.mark.parametrize


@runs("started", ["talker"], indirect=True)
def test_what_it_writes_is_passed_on_under_its_name(started: ChildProcess, heard: list[str]) -> None:
    assert eventually(lambda: heard == ["child: good", "child: morning"])


@runs("started", ["crasher"], indirect=True)
def test_after_a_crash_it_waits_and_starts_again(started: ChildProcess, heard: list[str]) -> None:
    assert eventually(lambda: not started.is_alive())
    started.revive()
    assert not started.is_alive()
    assert "child: ended (exit code 7), starts again in 0.5 s" in heard
    assert eventually(lambda: started.revive() or heard.count("child: on my way") == 2)


@runs("started", ["crasher"], indirect=True)
def test_each_crash_makes_it_wait_longer(
    started: ChildProcess, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(child_process, "LONGEST_DELAY", 0.03)
    assert eventually(lambda: started.revive() or started.crashes == 4)
    waits = [line.split()[-2] for line in heard if "starts again" in line]
    assert waits == ["0.01", "0.02", "0.03", "0.03"]


@runs("started", ["crasher"], indirect=True)
def test_a_crash_after_a_healthy_time_counts_as_the_first(
    started: ChildProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(child_process, "HEALTHY_AFTER", 0)
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        started.revive()
        time.sleep(0.02)
    assert started.crashes == 1


@runs("started", ["sleeper"], indirect=True)
def test_it_stops_when_it_is_asked_to(started: ChildProcess, heard: list[str]) -> None:
    assert eventually(lambda: heard)
    started.ask_to_stop()
    started.wait(time.monotonic() + 5)
    assert started.process
    assert ending(started.process.returncode) == "signal SIGTERM"


@runs("started", ["stubborn"], indirect=True)
def test_it_is_killed_when_it_does_not_follow(started: ChildProcess, heard: list[str]) -> None:
    assert eventually(lambda: heard)
    started.ask_to_stop()
    started.wait(time.monotonic() + 0.5)
    assert started.process
    assert ending(started.process.returncode) == "signal SIGKILL"


@runs("started", ["family"], indirect=True)
def test_what_it_started_is_killed_with_it(started: ChildProcess, heard: list[str]) -> None:
    assert eventually(lambda: heard)
    started.wait(time.monotonic())
    assert eventually(lambda: is_gone(int(heard[0].split()[-1])))


@runs("started", ["sleeper"], indirect=True)
def test_ctrl_c_in_the_terminal_does_not_reach_it(started: ChildProcess) -> None:
    assert started.process
    assert os.getsid(started.process.pid) != os.getsid(0)


def test_a_child_that_was_never_started_can_be_stopped(heard: list[str]) -> None:
    child = ChildProcess("child", ["talker"], {}, lambda name, line: heard.append(line))
    child.ask_to_stop()
    child.wait(0)
    child.revive()
    assert not child.is_alive()


@runs("module", ["sleeper", "stubborn"])
def test_no_child_outlives_a_killed_supervisor(environment: dict[str, str], module: str) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, module], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout
    child = int(supervisor.stdout.readline())
    time.sleep(0.3)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.communicate()
    assert eventually(lambda: is_gone(child))
