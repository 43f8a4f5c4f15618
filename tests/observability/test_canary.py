"""The real processes at DEBUG, canaries in every field, faults everywhere: nothing that anybody wrote is in any log."""

import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observability.canaries import QUOTE, TRAPS, Canaries, Theatre, hidden_in
from tests.running_portal import ROOT, RUN, RunningPortal, environment, eventually, free_ports

pytestmark = pytest.mark.timeout(180)
SPEED = 200.0
# Of a process; the supervisor's own lines show the sample passwords, which is what they are for.
CHILD = re.compile(r"^ *(web|worker|twilio) │ (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary") / "data"


@pytest.fixture(scope="module")
def portal(data_dir: Path) -> Iterator[RunningPortal]:
    """A first start that logs as much as it can, as JSON."""
    portal = RunningPortal(data_dir, PORTAL_LOG_LEVEL="DEBUG", PORTAL_LOG_FORMAT="json").wait_until_ready()
    yield portal
    if portal.process.poll() is None:
        portal.stop()


def entries(portal: RunningPortal) -> list[dict[str, object]]:
    """What the processes have logged so far."""
    return [json.loads(line) for _, line in CHILD.findall(portal.output)]


def logged(portal: RunningPortal, text: str, **fields: object) -> bool:
    """Whether there is such an entry."""
    wanted = {"text": text, **fields}
    return any(wanted.items() <= entry.items() for entry in entries(portal))


def database_logs(data_dir: Path) -> list[str]:
    """Everything that PostgreSQL has written."""
    found = [path for path in data_dir.rglob("*log*") if path.is_file() and path.suffix in {".log", ""}]
    return [path.read_text(errors="replace") for path in found if "pg_wal" not in path.parts]


async def test_nothing_that_anybody_wrote_is_in_any_log(portal: RunningPortal, data_dir: Path) -> None:
    canaries = Canaries()
    theatre = Theatre(portal, canaries)
    lines = await theatre.online(SPEED)
    line = next(one for one in lines if one.account_name.startswith("Acme"))
    canaries.numbers |= {one.phone_number for one in lines}
    theatre.learn_tokens()
    theatre.sql(QUOTE, *TRAPS.values())

    await theatre.write_from_phones(line)
    theatre.send_bad_webhooks(line)
    cookie = theatre.sign_in("alice@acme.example")
    theatre.knock_at_the_pages(cookie)
    async with theatre.phones() as phones:
        await phones.add_fault("status", path_contains="/Messages", method="POST", status=503, code=20503)
    await theatre.work_in_the_inbox(cookie)

    # Each of these is where an error, a library or Twilio could have brought a value along.
    assert eventually(lambda: logged(portal, "the tenant's work stopped", task="inbox.send_outbox")), portal.output
    assert eventually(lambda: logged(portal, "a page failed")), portal.output
    assert any("twilio_request_id" in entry for entry in entries(portal))
    held = set(theatre.sql("select kind, reason from quarantined_request"))
    assert {("sms", "processing-fault"), ("sms", "missing-parameter"), ("status", "processing-fault")} <= held
    stopped = next(entry for entry in entries(portal) if entry["text"] == "the tenant's work stopped")
    assert {"tenant_id", "job_id", "task", "trace"} <= stopped.keys()

    said = [line for _, line in CHILD.findall(portal.output)]
    assert canaries.seen_in(canaries["body"]) == {"body"}
    assert hidden_in([*said, *database_logs(data_dir)], canaries) == {}
    assert database_logs(data_dir)


def run(folder: Path, values: dict[str, str]) -> str:
    """All that `run` says before it gives up."""
    values = {"PORTAL_PORT": str(free_ports()), "PORTAL_LOG_LEVEL": "DEBUG", **values}
    done = subprocess.run(RUN, cwd=ROOT, env=environment(folder, values), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_wrong_settings_are_told_without_their_values(tmp_path: Path) -> None:
    canary = secrets.token_hex(7)
    said = run(
        tmp_path,
        {
            "PORTAL_SECRET_KEYS": f"k1:{canary}",
            "PORTAL_METRICS_TOKEN": canary,
            "PORTAL_TWILIO_BASE_URL": f"http://user:{canary}@localhost",
            "PORTAL_OTLP_ENDPOINT": f"http://user:{canary}@localhost",
            "PORTAL_DATABASE_URL": f"mysql://user:{canary}@localhost/x",
            "PORTAL_DATABASE_APP_URL": f"mysql://user:{canary}@localhost/x",
        },
    )
    assert said.count("PORTAL_") == 6
    assert canary not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:{canary}@127.0.0.1:1/x",
        "postgresql://user:{canary}%zz@127.0.0.1:none/x",
    ],
)
def test_a_database_url_that_does_not_work_is_told_without_its_password(tmp_path: Path, url: str) -> None:
    canary = secrets.token_hex(8)
    said = run(tmp_path, {"PORTAL_DATABASE_URL": url.format(canary=canary)})
    assert canary not in said
    assert said.startswith("PORTAL_DATABASE_URL: ") or "\nPORTAL_DATABASE_URL: " in said
