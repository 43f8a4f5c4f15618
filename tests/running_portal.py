"""The whole portal as `make run` starts it, on a free port, with data of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
COMMANDS = {
    "web": "tenant_portal.web_server",
    "twilio": "twilio_server",
    "worker": "tenant_portal worker",
    "keeper": "embedded_postgres.keeper",
}
RUN = (sys.executable, "-m", "tenant_portal", "run")


class RunningPortal:
    """A supervisor process and what it has said. It is not stopped by itself: call `stop`."""

    def __init__(self, data_dir: Path, command: Sequence[str] = RUN, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = int(settings.setdefault("PORTAL_PORT", str(free_ports())))
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*command], cwd=ROOT, env=environment(data_dir, settings), text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(line.rstrip() for line in iter(self.process.stdout.readline, ""))

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://localhost:{self.port}"

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return "\n".join(self.lines)

    @property
    def sign_ins(self) -> dict[str, str]:
        """E-mail address to password, as printed."""
        return dict(re.findall(r"^\s+(\S+@\S+)\s+(\S+)", self.output, re.MULTILINE))

    def wait_until_ready(self) -> "RunningPortal":
        """Wait for /readyz and for the printed address."""
        eventually(lambda: self.process.poll() is not None or self._is_ready(), START_SECONDS)
        if not self._is_ready():
            self.stop()
            raise AssertionError(self.output)
        return self

    def _is_ready(self) -> bool:
        return "Ctrl-C stops" in self.output and self.status() == httpx.codes.OK

    def status(self) -> int:
        """What /readyz answers; 0 if nobody does."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code
        except httpx.TransportError:
            return 0

    def children(self) -> dict[str, int]:
        """Name to process id of what it runs; of several of one kind, one."""
        return {name: pids[-1] for name in COMMANDS if (pids := self.pids(name))}

    def pids(self, name: str) -> list[int]:
        """Process ids of all that it runs of this kind, a name of COMMANDS."""
        return [pid for pid in _children(self.process.pid) if COMMANDS[name] in _command(pid)]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal to the supervisor alone and wait for its end; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()
        return code


def environment(data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Of a portal that knows nothing of the suite's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "MAKE"))}
    return kept | {"PORTAL_DATA_DIR": str(data_dir), "COLUMNS": "160", **settings}


def free_ports() -> int:
    """A port that is free together with the next one, for the simulated Twilio."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def eventually(condition: Callable[[], object], seconds: float = 15) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that is only not reaped yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
