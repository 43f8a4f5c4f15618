"""Servers, their processes, and users of them in processes of their own that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.embedded_postgres.layout import is_held

ROOT = Path(__file__).parents[2]
USER = """
import sys
from pathlib import Path
from tenant_portal.embedded_postgres import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1]), fast=True).start(), flush=True)
sys.stdin.read()
"""
"""Starts the server of the folder, prints its URL, keeps it until its input ends, and dies without stopping it."""


class User:
    """Another process that uses the server of a folder."""

    def __init__(self, data_dir: Path, prefix: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", USER, str(data_dir)],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def url(self) -> str:
        """Wait until it has the server."""
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        assert line, self.errors()
        return line

    def errors(self) -> str:
        """What it complained about; waits for its end."""
        return self.process.communicate()[1]

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it with the signal, and it alone."""
        self.process.send_signal(number)
        self.process.communicate()

    def kill_group(self) -> None:
        """kill -9 for it and for everything it started that has not left its session."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def ask(url: str, question: str = "select 1") -> object:
    """The one value that the question, or the last of several, has as answer."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
    assert row
    return row[0]


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def is_stopped(server: EmbeddedServer) -> bool:
    """No process of the server lives, its keeper neither."""
    return not any(is_held(server.files.lock_file(name)) for name in ("server", "keeper"))


def postmaster(server: EmbeddedServer) -> int:
    """Process id of the server."""
    return int(server.files.pid_file.read_text().split()[0])


def parent(pid: int) -> int:
    """Process id of its parent; of the postmaster's: the keeper."""
    return int(status(pid)["PPid"])


def status(pid: int) -> dict[str, str]:
    """What Linux tells about a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
