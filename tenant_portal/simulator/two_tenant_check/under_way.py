"""The check under way, as every web process of this host sees it: a lock says that it lives, a file how far it is.

The lock is its owner's and ends with it, however it ends. Processes on other hosts are kept from a second check by a
lock in the database (stage.py).
"""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from tenant_portal.config import settings
from tenant_portal.simulator.two_tenant_check import report
from tenant_portal.simulator.two_tenant_check.runner import Progress

CLAIM_TRIES, CLAIM_PAUSE_SECONDS = 5, 0.01


def claim() -> int | None:
    """A descriptor that holds the lock until it is closed; None while somebody else does."""
    handle = _open_lock()
    for _ in range(CLAIM_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # It may have been somebody who only looked.
            time.sleep(CLAIM_PAUSE_SECONDS)
        else:
            _file("stop").unlink(missing_ok=True)
            return handle
    os.close(handle)
    return None


def is_claimed() -> bool:
    """Whether a check is under way in any process of this host."""
    handle = _open_lock()
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def tell(progress: Progress) -> None:
    """Show all processes how far it is; to be called by its owner."""
    draft = _file("draft")
    draft.touch(mode=report.PRIVATE_FILE)
    draft.write_text(json.dumps(report.as_data(progress)))
    draft.replace(_file("progress"))


def read() -> dict[str, Any]:
    """The report so far of a check that is claimed; see `report.as_data`."""
    found: dict[str, Any] = json.loads(_file("progress").read_text())
    return found


def ask_to_stop() -> None:
    """Have the owner give up, whichever process it is."""
    if is_claimed():
        _file("stop").touch(mode=report.PRIVATE_FILE)


def is_asked_to_stop() -> bool:
    """Whether somebody wants the owner to give up."""
    return _file("stop").exists()


def _open_lock() -> int:
    return os.open(_file("lock"), os.O_RDWR | os.O_CREAT, report.PRIVATE_FILE)


def _file(what: str) -> Path:
    folder = settings().data_dir / report.FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=report.PRIVATE_FOLDER)
    return folder / f"under_way.{what}"
