"""Where the files of an embedded server are, and the file locks that say who lives.

No process id is ever trusted: ids are reused, and a dead server that nobody reaped still answers `kill -0`.
A lock of flock(2) ends with its last holder, also a zombie's, so each question is asked of a lock:

`start.lock`   held by whoever starts or stops the server
`users.lock`   shared by the server's users
`keeper.lock`  held by the keeper, the server's parent (keeper.py)
`server.lock`  inherited by every process of the server
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
ENTERED_FOLDER = 0o711
"""For root's server, which runs as another user; everything inside is private by its own mode."""


class Layout:
    """The paths of one embedded server below `data_dir`/postgres."""

    def __init__(self, data_dir: Path) -> None:
        # Not resolve(): on a path with a symbolic link the reader should find the words that he typed.
        self.home = Path(os.path.abspath(data_dir)) / "postgres"
        self.cluster = self.home / "cluster"
        self.socket_folder = self.home / "socket"
        self.socket_choice = self.home / "socket_folder"
        self.start_log = self.home / "start.log"
        self.pid_file = self.cluster / "postmaster.pid"
        self.password_file = self.cluster / "superuser_password"

    def lock_file(self, name: str) -> Path:
        """The file of one of the four locks."""
        return self.home / f"{name}.lock"


def open_lock(path: Path) -> int:
    """A new descriptor of the lock file; each descriptor is a holder of its own."""
    return os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take LOCK_SH or LOCK_EX without waiting; False if somebody stands against it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether a living process holds this lock exclusively, or shares it."""
    descriptor = open_lock(path)
    try:
        return not try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it exclusively."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
