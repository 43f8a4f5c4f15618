"""The units for a plain host, as systemd itself reads them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tenant_portal.config import Settings

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("tenant-portal-web@3001.service", "tenant-portal-worker@1.service", "tenant-portal-migrate.service")
SYSTEM = Path("/usr/lib/systemd/system")
# On systemd's scale from 0, all shut, to 10; a service without any of it has 9.6.
MOST_EXPOSURE = 1.5
ANALYZE = shutil.which("systemd-analyze")

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze (package systemd)")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The root of a host on which the units are installed; the programs they start do nothing."""
    shutil.copytree(UNITS, tmp_path / "etc" / "systemd" / "system")
    shutil.copytree(SYSTEM, tmp_path / "usr" / "lib" / "systemd" / "system", symlinks=True)
    for name in ("opt/tenant_portal/.venv/bin/python", "usr/bin/curl"):
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    return tmp_path


def analyze(host: Path, *arguments: str) -> str:
    """What systemd-analyze says of these units."""
    command = [str(ANALYZE), f"--root={host}", "--no-pager", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr


@needs_systemd
def test_systemd_understands_every_line(host: Path) -> None:
    assert analyze(host, "verify", "--man=no", "tenant-portal.target", *SERVICES) == ""


@needs_systemd
def test_a_line_that_it_does_not_understand_would_be_seen(host: Path) -> None:
    unit = host / "etc" / "systemd" / "system" / "tenant-portal-.service.d" / "hardening.conf"
    unit.write_text(f"{unit.read_text()}ProtectEverything=yes\n")
    assert "ProtectEverything" in analyze(host, "verify", "--man=no", SERVICES[0])


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_reach_little(host: Path, service: str) -> None:
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", analyze(host, "security", "--offline=true", service))
    assert found
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_units_set_only_settings_that_exist() -> None:
    text = "\n".join(path.read_text() for path in UNITS.rglob("*") if path.is_file())
    set_here = set(re.findall(r"^(?:Environment=|LoadCredential=)?PORTAL_(\w+)[=:]", text, re.MULTILINE))
    assert {"SECRET_KEYS", "DATABASE_APP_URL", "PORT"} <= set_here
    assert {name.lower() for name in set_here} <= Settings.model_fields.keys()


def test_web_and_workers_can_be_watched() -> None:
    told = (UNITS / "portal.env").read_text().splitlines()
    assert {"PORTAL_LOG_FORMAT=json", "PORTAL_METRICS_ADDRESS=127.0.0.1:9464"} <= set(told)
    users = {path.name for path in UNITS.rglob("*.service") if "PORTAL_METRICS_TOKEN" in path.read_text()}
    assert users == {"tenant-portal-web@.service", "tenant-portal-worker@.service"}


def test_only_the_migration_knows_the_administrator() -> None:
    users = {path.name for path in UNITS.rglob("*.service") if "PORTAL_DATABASE_URL" in path.read_text()}
    assert users == {"tenant-portal-migrate.service"}
