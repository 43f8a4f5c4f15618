"""Under which account the server's programs run. PostgreSQL refuses to run as root, so root needs a way around.

Ways, the least powerful first; `choose` takes the first that works on this machine:

`same`        not root: nothing to do
`own`         an unprivileged user id of the server's own; enough when the paths can be entered by anybody
`read`        the same, keeping CAP_DAC_READ_SEARCH across setuid, for paths below /root (0700)
`override`    the same with CAP_DAC_OVERRIDE: the only one of the two that Docker gives its containers
`namespace`   a user namespace in which root has another number; for file systems that refuse chown

None changes the mode of a folder that is not the server's.
"""

import os
import pwd
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tenant_portal.errors import SettingsError

ROOT_WAYS = ("own", "read", "override", "namespace")
FIRST_ID, IDS = 52_000, 7_000
"""Between Debian's dynamic users (to 29999, and 60000 up) and the 65536 ids that a rootless container has."""
PACKAGE_PARENT = Path(__file__).parents[2]
REFUSED = (
    "PostgreSQL does not run as root, and this machine allows none of the ways around it: "
    "start the portal as another user, or set PORTAL_DATABASE_URL to a PostgreSQL server."
)


@dataclass(frozen=True)
class Account:
    """How the server's programs are started; `user` owns its files (a uid as seen outside a namespace)."""

    way: str
    user: int

    def command(self, program: Sequence[str | Path]) -> list[str]:
        """The command line that runs `program` under this account, ending with the starting process."""
        return python_module("launch", self.way, str(self.user), *map(str, program))

    def give(self, path: Path) -> None:
        """Make the account the owner of this file, or of this folder and everything in it."""
        if path.stat().st_uid == self.user:
            return
        for folder, folders, files in os.walk(path):
            for name in folders + files:
                os.chown(os.path.join(folder, name), self.user, self.user, follow_symlinks=False)
        # Last: if this is cut short, the next start begins again.
        os.chown(path, self.user, self.user)

    def named(self) -> "Account":
        """The same with a user id that has a name: initdb looks its own up, the server does not."""
        if self.way in {"same", "namespace"} or _has_name(self.user):
            return self
        return Account(self.way, _a_named_id())


def choose(home: Path, binaries: Path) -> Account:
    """The account for a server with its files in `home` and its programs in `binaries`."""
    if os.geteuid() != 0:
        return Account("same", os.geteuid())
    for way in ROOT_WAYS:
        account = Account(way, 0 if way == "namespace" else _own_id(home))
        if _works(account, home, binaries):
            return account
    raise SettingsError(REFUSED)


def python_module(name: str, *arguments: str) -> list[str]:
    """Command line of a module of this package; without `site`, it starts in 20 ms."""
    return [sys.executable, "-S", "-m", f"tenant_portal.embedded_postgres.{name}", *arguments]


def environment() -> dict[str, str]:
    """What the server's processes see: no PG* variable that changes them, no secret of the portal."""
    return {"PATH": os.defpath, "LC_ALL": "C", "PYTHONPATH": str(PACKAGE_PARENT), "PYTHONDONTWRITEBYTECODE": "1"}


def _own_id(home: Path) -> int:
    """The owner of an existing cluster (it may be a person's), else a number made from the path."""
    cluster = home / "cluster"
    owner = cluster.stat().st_uid if cluster.exists() else 0
    return owner or FIRST_ID + zlib.crc32(os.fsencode(home)) % IDS


def _works(account: Account, home: Path, binaries: Path) -> bool:
    """Try it: give away a file, enter the folder, let initdb look for all of PostgreSQL's files."""
    probe = home / f"probe.{os.getpid()}"
    probe.touch(0o600)
    try:
        account.give(probe)
        command = account.named().command([binaries / "initdb", "--show", "--pgdata", probe])
        done = subprocess.run(command, env=environment(), cwd=home, capture_output=True, stdin=subprocess.DEVNULL)
        return done.returncode == 0
    except OSError:
        return False
    finally:
        probe.unlink()


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _a_named_id() -> int:
    """`nobody` where there is one; any other unprivileged name does as well for the second that initdb takes."""
    ids = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid}
    return ids.get("nobody") or max(ids.values(), default=0)
