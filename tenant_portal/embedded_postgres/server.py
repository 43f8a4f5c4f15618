"""Start, share and stop the embedded server."""

import fcntl
import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tenant_portal.embedded_postgres import account, cluster
from tenant_portal.embedded_postgres.layout import (
    ENTERED_FOLDER,
    PRIVATE_FOLDER,
    Layout,
    is_held,
    locked,
    open_lock,
    try_lock,
)
from tenant_portal.errors import PortalError, SettingsError

logger = logging.getLogger(__name__)

POLL = 0.02
"""Seconds between two looks at a starting or stopping server."""
NOTICE = 10
"""Seconds after which a wait is explained in the log: recovery replays about 100 MB of log a second."""
ORPHAN_PATIENCE = 5
STATUS_LINE = 7
"""Of postmaster.pid, counted from 0."""
FAST_STOP, QUICK_STOP = 2, 3
"""SIGINT: clean, no recovery next time. SIGQUIT: for servers whose data are thrown away."""


class EmbeddedServer:
    """One user's hold on the server of `data_dir`; the server runs as long as any process has one.

    `fast` gives up durability, for tests.
    """

    def __init__(self, data_dir: Path, *, fast: bool = False) -> None:
        self.files = Layout(data_dir)
        self.data_dir = data_dir
        self.fast = fast
        self._users: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None  # while we wait for it

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def admin_url(self) -> str:
        """Superuser URL of the database `postgres`, over a socket that only this system user can reach."""
        folder, password = cluster.socket_folder(self.files), self.files.password_file.read_text()
        return f"postgresql://{cluster.SUPERUSER}:{password}@/postgres?host={quote(str(folder), safe='/')}"

    def start(self) -> str:
        """Start the server unless it runs, wait until it answers, return `admin_url`. Call it again to revive it."""
        _make_private(self.files.home.parent)
        self.files.home.mkdir(mode=ENTERED_FOLDER, exist_ok=True)
        with locked(self.files.lock_file("start")):
            while not self._is_ready():
                if not self._is_kept():
                    self._launch()
                self._wait_until_ready()
            if self._users is None:
                self._users = open_lock(self.files.lock_file("users"))
                fcntl.flock(self._users, fcntl.LOCK_SH)
        return self.admin_url

    def is_running(self) -> bool:
        """Whether the server can be used now; costs a few system calls."""
        return self._is_ready()

    def stop(self) -> None:
        """Leave; if nobody else uses the server, return when it has stopped."""
        if self._users is None:
            return
        os.close(self._users)
        self._users = None
        # Asked again each time: a new user may come before the keeper has seen the last one go.
        _wait_for(lambda: not (self._nobody_is_left() and self._is_kept()), "The database is writing its last pages.")

    def _nobody_is_left(self) -> bool:
        users = open_lock(self.files.lock_file("users"))
        try:
            # Refused even to share: the keeper holds it alone and is stopping the server.
            return not try_lock(users, fcntl.LOCK_SH) or try_lock(users, fcntl.LOCK_EX)
        finally:
            os.close(users)

    def _is_kept(self) -> bool:
        return is_held(self.files.lock_file("keeper"))

    def _is_ready(self) -> bool:
        if not self._is_kept():
            return False
        try:
            lines = self.files.pid_file.read_text().splitlines()
        except OSError:
            return False
        return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready" and self._listens()

    def _listens(self) -> bool:
        """A dead server leaves its files; only a living one takes a connection."""
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(cluster.socket_folder(self.files) / cluster.SOCKET_NAME))
            except OSError:
                return False
        return True

    def _launch(self) -> None:
        """Bring the files in order and start a keeper. The caller holds start.lock."""
        self._wait_for_orphans()
        binaries = cluster.binaries()
        chosen = account.choose(self.files.home, binaries)
        if not self.files.cluster.exists():
            cluster.create(self.files, chosen)
        cluster.check(self.files)
        self._refuse_a_strangers_server()
        chosen.give(self.files.cluster)
        cluster.configure(self.files, chosen, self.fast)
        self._keeper = self._start_keeper(chosen, binaries / "postgres")

    def _start_keeper(self, chosen: account.Account, program: Path) -> subprocess.Popen[bytes]:
        stop_signal = str(QUICK_STOP if self.fast else FAST_STOP)
        whose = (str(self.files.home.parent), chosen.way, str(chosen.user), stop_signal)
        command = account.python_module("keeper", *whose, str(program), "-D", str(self.files.cluster))
        # A session of its own: Ctrl-C in the terminal is for the portal, which lets go of the server when it is done.
        keeper = subprocess.Popen(
            command, env=account.environment(), cwd=self.files.home, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        # Reaped as it dies, so that a portal that runs for months collects no zombies.
        threading.Thread(target=keeper.wait, daemon=True).start()
        return keeper

    def _wait_until_ready(self) -> None:
        """Return when it is ready, or when a keeper that another process started has died."""
        ours = self._keeper
        _wait_for(
            lambda: self._is_ready() or (ours.poll() is not None if ours else not self._is_kept()),
            "The database is replaying its log after an unclean end; it will answer when this is done.",
        )
        self._keeper = None
        if ours is not None and ours.poll() is not None:
            raise PortalError(f"The embedded database did not start: {self._reason()}")

    def _reason(self) -> str:
        """The server's last words; after its first moments they are in its own log."""
        logs = [self.files.start_log, *(self.files.cluster / "log").glob("*")]
        newest = max((log for log in logs if log.exists()), key=lambda log: log.stat().st_mtime_ns, default=None)
        return cluster.last_line(newest.read_text(errors="replace")) if newest else "it has left no word"

    def _wait_for_orphans(self) -> None:
        """Processes of a server whose keeper was killed; the kernel has told them to stop."""
        lock = self.files.lock_file("server")
        _wait_for(lambda: not is_held(lock), "", limit=ORPHAN_PATIENCE)
        if is_held(lock):
            # While the lock is held the file was written by a server that may live; there was no kernel to tell it.
            _signal_quietly(_pid_in(self.files.pid_file), FAST_STOP)
            _wait_for(lambda: not is_held(lock), "Waiting for the processes of an earlier database server to end.")

    def _refuse_a_strangers_server(self) -> None:
        """A server that somebody started by hand on our folder holds none of our locks."""
        pid = _pid_in(self.files.pid_file)
        try:
            folder = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return
        if folder == os.path.realpath(self.files.cluster):
            raise SettingsError(f"Another PostgreSQL (process {pid}) runs on {self.files.cluster}: stop it first.")


def _make_private(folder: Path) -> None:
    """The folder and its missing parents, entered by this user only; an existing folder keeps its mode."""
    if not folder.exists():
        _make_private(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def _wait_for(condition: Callable[[], bool], notice: str, limit: float = float("inf")) -> None:
    begin, told = time.monotonic(), False
    while not condition() and time.monotonic() - begin < limit:
        if notice and not told and time.monotonic() - begin > NOTICE:
            logger.warning(notice)
            told = True
        time.sleep(POLL)


def _pid_in(pid_file: Path) -> int:
    """The first line; 0 if the file is missing, empty or half-written."""
    try:
        return max(0, int(pid_file.read_text().split("\n", 1)[0]))
    except (OSError, ValueError):
        return 0


def _signal_quietly(pid: int, number: int) -> None:
    if pid > 1:
        try:
            os.kill(pid, number)
        except OSError as error:
            logger.warning("The earlier database server could not be told to stop: %s", error)
