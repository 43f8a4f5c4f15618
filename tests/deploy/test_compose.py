"""The compose file: names that exist, no password in it, and a stop that leaves time to drain."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenant_portal.config import Settings
from tenant_portal.web_server import FINISH_SECONDS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
CADDY = shutil.which("caddy")
WEBS = [name for name in SERVICES if name.startswith("web-")]


def environment(name: str) -> dict[str, str]:
    """What a service's processes find set."""
    return {key: str(value) for key, value in SERVICES[name].get("environment", {}).items()}


@pytest.mark.parametrize("name", OURS)
def test_our_processes_are_told_only_what_they_know(name: str) -> None:
    told = [*environment(name), *(secret for secret in SERVICES[name]["secrets"] if secret.startswith("PORTAL_"))]
    assert {variable.removeprefix("PORTAL_").lower() for variable in told} <= Settings.model_fields.keys()


def test_the_proxy_is_told_what_its_file_asks_for() -> None:
    asked = set(re.findall(r"\{\$(PORTAL_\w+)\}", (DEPLOY / "Caddyfile").read_text()))
    assert environment("caddy").keys() == asked


def test_the_proxy_knows_every_web_process() -> None:
    assert environment("caddy")["PORTAL_UPSTREAMS"].split() == [f"{name}:3000" for name in WEBS]


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["back"]


def test_the_proxys_network_is_the_one_that_is_trusted() -> None:
    (pool,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert {environment(name)["PORTAL_TRUSTED_PROXIES"] for name in WEBS} == {pool["subnet"]}
    assert {name for name, service in SERVICES.items() if "front" in service.get("networks", [])} == {"caddy", *WEBS}


@pytest.mark.parametrize("name", [*OURS, "caddy", "redis"])
def test_a_process_gets_no_right_and_no_disk_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*WEBS, "worker"])
def test_a_process_can_be_watched(name: str) -> None:
    told = environment(name)
    settings = Settings(metrics_address=told["PORTAL_METRICS_ADDRESS"], metrics_token="t" * 32)
    assert settings.metrics_address == "0.0.0.0:9464"
    assert "PORTAL_METRICS_TOKEN" in SERVICES[name]["secrets"]


@pytest.mark.parametrize("name", OURS)
def test_logs_are_for_machines(name: str) -> None:
    assert environment(name)["PORTAL_LOG_FORMAT"] == "json"


def test_images_have_a_version() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert all(re.fullmatch(r"[a-z]+:\d[\w.-]*", image) for image in images)


def test_only_the_migration_knows_the_administrator() -> None:
    assert [name for name in OURS if "PORTAL_DATABASE_URL" in SERVICES[name]["secrets"]] == ["migrate"]


@pytest.mark.parametrize("name", WEBS)
def test_a_web_process_is_given_time_to_drain(name: str) -> None:
    drain = float(environment(name)["PORTAL_DRAIN_SECONDS"])
    check = float(re.search(r"PORTAL_HEALTH_INTERVAL:(\d+)s", (DEPLOY / "Caddyfile").read_text())[1])  # type: ignore[index]
    assert drain > 3 * check
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > drain + FINISH_SECONDS + 10


def test_every_secret_is_made_or_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "new_secrets.sh"
    script.write_text((DEPLOY / "new_secrets.sh").read_text())
    first = subprocess.run(["sh", script], capture_output=True, text=True, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert COMPOSE["secrets"].keys() - made.keys() == {"PORTAL_TWILIO_AUTH_TOKEN"}
    assert "PORTAL_TWILIO_AUTH_TOKEN" in first.stdout
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    settings = Settings(
        secret_keys=made["PORTAL_SECRET_KEYS"].strip(),
        database_url=made["PORTAL_DATABASE_URL"].strip(),
        metrics_token=made["PORTAL_METRICS_TOKEN"].strip(),
    )
    assert f":{made['postgres_password'].strip()}@" in settings.database_url

    subprocess.run(["sh", script], capture_output=True, check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made


def test_no_password_stands_in_the_file() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert re.findall(r"://[^/\s:@]+:[^/\s@]+@", text) == []
    named = re.findall(r"^\s+\w*(?:PASSWORD|TOKEN|KEYS?|SECRET)\w*: (?!\{ file: secrets/)(.+)$", text, re.MULTILINE)
    assert set(named) == {"/run/secrets", "/run/secrets/postgres_password"}


def test_the_archive_takes_a_piece_whole_and_once(tmp_path: Path) -> None:
    (command,) = [part for part in SERVICES["postgres"]["command"] if part.startswith("-carchive_command=")]
    archive = tmp_path / "archive"
    archive.mkdir()
    shell = command.removeprefix("-carchive_command=").replace("/backup/wal", str(archive)).replace("$$", "$")
    shell = shell.replace("%p", "pg_wal/01").replace("%f", "01")
    (tmp_path / "pg_wal").mkdir()

    def archived(content: str) -> bool:
        (tmp_path / "pg_wal" / "01").write_text(content)
        return subprocess.run(["sh", "-c", shell], env={**os.environ, "PGDATA": str(tmp_path)}).returncode == 0

    assert archived("a piece")
    assert archived("a piece")
    assert not archived("another of the same name")
    assert {path.name: path.read_text() for path in archive.iterdir()} == {"01": "a piece"}


@pytest.mark.skipif(CADDY is None, reason="needs caddy on the PATH (apt-get install caddy)")
def test_caddy_understands_its_file(tmp_path: Path) -> None:
    told = os.environ | environment("caddy") | {"PORTAL_SITE": "portal.example.com", "HOME": str(tmp_path)}
    command = [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "not formatted" not in done.stderr
