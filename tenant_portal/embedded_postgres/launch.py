"""Change to an account (account.py), then become the program: `launch WAY UID PROGRAM ARGUMENTS…`.

A process of its own, because ids change for a whole process and the starter may have threads. Standard library only.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 28, 47, 2
SECBIT_NO_SETUID_FIXUP = 4
CAPABILITY = {"override": 1, "read": 2}
CAPABILITY_HEADER_VERSION = 0x20080522
INSIDE_ID = 65534
"""Any number but 0; initdb wants one with a name, and 65534 is `nobody` nearly everywhere."""


def main(way: str, user: str, *program: str) -> None:
    """Never returns: the program takes this process over, or an OSError ends it."""
    os.umask(0o077)
    if way == "namespace":
        _enter_namespace()
    elif way != "same":
        _become(int(user), CAPABILITY.get(way))
    # Last, as any change of credentials clears it. The server then stops cleanly if its keeper is killed.
    if sys.platform == "linux":
        _checked("prctl", PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    # By its path: a folder that root entered for us stays usable as ".", and hides that the way to it is closed.
    os.chdir(os.getcwd())
    os.execv(program[0], program)


def _enter_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    _checked("unshare", CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {group} 1")


def _become(user: int, capability: int | None) -> None:
    if capability is not None:
        # Keeps capabilities over setuid, and lets access(2) count them: PostgreSQL looks for its own files with it.
        _checked("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if capability is not None:
        _keep_only(capability)


def _keep_only(capability: int) -> None:
    """Ambient capabilities are the only ones that survive exec of an ordinary file by an ordinary user."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_HEADER_VERSION, 0)
    mask = 1 << capability
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _checked("capset", header, sets)
    _checked("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _checked(function: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
