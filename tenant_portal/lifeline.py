"""Runs a module that must not outlive its parent: `python -m tenant_portal.lifeline DESCRIPTOR MODULE ARGUMENTS…`.

The descriptor is the reading end of a pipe of which only the parent has the other: its end is the parent's, however it
died. Standard library only, so that it costs nothing.
"""

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
PATIENCE = 5
"""Seconds for an orderly end after the parent's."""


def main(descriptor: str, module: str, *arguments: str) -> None:
    """Become the module, with a thread that watches."""
    # Works even where the interpreter is busy in C code and the thread does not get its turn.
    die_with_parent()
    threading.Thread(target=_watch, args=(int(descriptor),), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent dies; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
