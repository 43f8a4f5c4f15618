"""The server's parent: `keeper DATA_DIR WAY UID STOP_SIGNAL PROGRAM ARGUMENTS…`. Standard library only.

It reaps the server, and stops it when the last user is gone, however that user died: a kill -9 runs no clean-up of the
user's, but it ends his lock. The opposite death, the keeper's, is told to the server by the kernel (launch.py).
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tenant_portal.embedded_postgres.account import Account, environment
from tenant_portal.embedded_postgres.layout import PRIVATE_FILE, Layout, open_lock, try_lock

PATIENCE = 60
"""Seconds for a clean stop, which writes all changed pages, before the hard one, which costs a recovery later."""


def main(data_dir: str, way: str, user: str, stop_signal: str, *program: str) -> None:
    """Run the server until nobody uses it."""
    files = Layout(Path(data_dir))
    keeper_lock, server_lock = open_lock(files.lock_file("keeper")), open_lock(files.lock_file("server"))
    if not (_takes(keeper_lock) and _takes(server_lock)):
        return
    # Nothing of an earlier server lives, server.lock says so: whatever process these files name is another.
    for stale in [files.pid_file, *Path(files.socket_choice.read_text()).glob(".s.PGSQL.*")]:
        stale.unlink(missing_ok=True)
    server = _start(files, Account(way, int(user)), program, server_lock)
    os.close(server_lock)
    end = threading.Thread(target=_end_with, args=(server,))
    end.start()
    signal.signal(signal.SIGTERM, lambda *_: _stop(server, int(stop_signal)))
    _wait_for_the_last_user(files)
    _stop(server, int(stop_signal))


def _takes(lock: int) -> bool:
    """Again and again for a moment: whoever looks whether it is held, holds it while he looks."""
    for _ in range(PATIENCE):
        if try_lock(lock, fcntl.LOCK_EX):
            return True
        time.sleep(0.01)
    return False


def _start(files: Layout, account: Account, program: tuple[str, ...], lock: int) -> subprocess.Popen[bytes]:
    files.start_log.touch(PRIVATE_FILE)
    with files.start_log.open("wb") as log:
        return subprocess.Popen(
            account.command(program), env=environment(), cwd=files.cluster, pass_fds=[lock],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _end_with(server: subprocess.Popen[bytes]) -> None:
    server.wait()
    # The main thread may be waiting for a lock, which nothing but the end of the process interrupts.
    os._exit(0)


def _wait_for_the_last_user(files: Layout) -> None:
    """Return holding start.lock and users.lock: nobody can come in any more."""
    users = open_lock(files.lock_file("users"))
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        # Given back before start.lock is asked for: a new user takes them in the other order.
        fcntl.flock(users, fcntl.LOCK_UN)
        start = open_lock(files.lock_file("start"))
        fcntl.flock(start, fcntl.LOCK_EX)
        if try_lock(users, fcntl.LOCK_EX):
            return
        os.close(start)


def _stop(server: subprocess.Popen[bytes], stop_signal: int) -> None:
    server.send_signal(stop_signal)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)


if __name__ == "__main__":
    main(*sys.argv[1:])
