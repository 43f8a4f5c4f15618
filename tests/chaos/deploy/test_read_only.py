"""What the last stage of the image holds, run as the image would run it.

That is: the files that .dockerignore lets through, without Node, as a user without rights, on a read-only file system.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cast import Cast
from tests.deploy.recipe import ROOT, context, only, variables
from tests.portal_server import Portal, wait_until_ready
from tests.running_portal import environment, free_ports

NOBODY = "65534"
START_SECONDS = 60.0
# A namespace of its own in which all is read-only but one folder. The rights of root are gone but the one to pass
# folders: a developer's interpreter may lie below /root, and the test database's socket is private.
READ_ONLY = """
mount --make-rprivate / && mount --bind {tree} {tree} && mount --bind {data} {data} &&
mount -o remount,ro,bind / && mount -o remount,ro,bind {tree} &&
exec setpriv --reuid {user} --regid {user} --clear-groups --inh-caps=-all,+dac_override \
    --ambient-caps=-all,+dac_override --bounding-set=-all,+dac_override --no-new-privs env PATH=/no-programs "$@"
"""


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
    port, log = free_ports(), tmp_path / "log"
    origin = f"http://127.0.0.1:{port}"
    settings = variables() | {
        "PORTAL_HOST": "127.0.0.1",
        "PORTAL_PORT": str(port),
        "PORTAL_DATABASE_APP_URL": database,
        "PORTAL_SECRET_KEYS": (Path(os.environ["PORTAL_DATA_DIR"]) / "secret_keys").read_text(),
        "PORTAL_PUBLIC_URL": origin,
        "HOME": str(data),
        "TMPDIR": str(data),
        "PATH": os.defpath,
    }
    command = read_only_command(tree, data, [sys.executable, *json.loads(only("CMD"))[1:]])
    with log.open("w") as output:
        web = subprocess.Popen(command, cwd=tree, env=environment(data, settings), stdout=output, stderr=output)
    portal = Portal(origin, database, log, origin, web)
    try:
        wait_until_ready(portal, START_SECONDS)
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
