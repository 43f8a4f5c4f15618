"""One process of the portal: started, watched, started again after a crash, stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
HEALTHY_AFTER = 60
"""Seconds of life after which a crash counts as the first again."""

Say = Callable[[str, str], None]


@dataclass
class ChildProcess:
    """A Python module that runs as long as its supervisor. `say(name, line)` gets what it writes.

    `inherits` are descriptors of the supervisor's that it finds open, under the same numbers.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    say: Say
    inherits: Sequence[int] = ()
    process: subprocess.Popen[str] | None = None
    crashes: int = 0
    _started: float = 0
    _not_before: float = 0
    _lifeline: int = field(default=-1, repr=False)

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C is for the supervisor, which stops everything in order."""
        reading, self._lifeline = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tenant_portal.lifeline", str(reading), *self.arguments],
            env=self.environment, cwd=ROOT, pass_fds=[reading, *self.inherits], start_new_session=True,
            text=True, errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        os.close(reading)
        self._started = time.monotonic()
        assert self.process.stdout
        threading.Thread(target=self._pass_on, args=(self.process.stdout,), daemon=True).start()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def revive(self) -> None:
        """Start it again if it has died, later after each crash. Returns at once."""
        if self.is_alive() or self.process is None:
            return
        now = time.monotonic()
        if not self._not_before:
            self.crashes = 1 if now - self._started > HEALTHY_AFTER else self.crashes + 1
            delay = min(FIRST_DELAY * 2 ** (self.crashes - 1), LONGEST_DELAY)
            self.say(self.name, f"ended ({ending(self.process.returncode)}), starts again in {delay:g} s")
            self._not_before = now + delay
        elif now >= self._not_before:
            self._not_before = 0
            self._let_go()
            self.start()

    def ask_to_stop(self) -> None:
        """SIGTERM; `wait` sees to it that it follows."""
        if self.process is not None and self.is_alive():
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        """Wait until this moment of the monotonic clock, then kill it and everything it started."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._let_go()

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _pass_on(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self.say(self.name, line.rstrip())


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
