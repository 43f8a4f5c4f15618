"""The theatre: one portal with two clients for a whole module of tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tenant_portal.database_setup import login_url

ROOT = Path(__file__).resolve().parents[2]
ANSWER = "answer: "


class Theatre:
    """The process, asked line by line."""

    def __init__(self, admin_url: str, folder: Path) -> None:
        pages = folder / "web" / "build" / "client"
        pages.mkdir(parents=True)
        (pages / "index.html").write_text("<!doctype html><title>Portal</title>")
        self.folder = folder
        self.log = folder / "theatre.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        own = {
            "PORTAL_DATA_DIR": str(folder / "data"),
            "REFLEX_WEB_WORKDIR": str(folder / "web"),
            "PYTHONPATH": str(ROOT),
        }
        self._log_file = self.log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulator_check.theatre", admin_url, login_url(admin_url)],
            cwd=ROOT,
            env=kept | own,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log_file,
        )
        self.faults: list[str] = self._answer()["ready"]

    def play(self, fault: str | None, *probes: str) -> dict[str, list[str]]:
        """[outcome, evidence] of these probes (by the beginning of their ids) while the fault is there."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"fault": fault, "probes": probes}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let it clean up and end."""
        assert self.process.stdin
        assert self.process.stdout
        if self.process.poll() is not None:
            return
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        self._log_file.close()

    def open_subaccounts(self) -> int:
        """How many subaccounts are still open at the simulated Twilio."""
        journal = (self.folder / "data" / "simulated_twilio" / "journal.jsonl").read_text().splitlines()
        records = [entry["record"] for entry in map(json.loads, journal) if entry.get("put") == "Account"]
        last = {record["sid"]: record for record in records if record["sid"] != record["owner_sid"]}
        return sum(record["status"] != "closed" for record in last.values())

    def _answer(self) -> Any:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                return json.loads(line.removeprefix(ANSWER))
        raise AssertionError(self.log.read_text()[-3000:])


@pytest.fixture(scope="module")
def module_admin_url(server_url: str, template: str) -> Iterator[str]:
    """Superuser URL of a migrated database of this module."""
    name = f"theatre_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        names = sql.Identifier(name), sql.Identifier(template)
        connection.execute(sql.SQL("create database {} template {}").format(*names))
        connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
        connection.execute(sql.SQL("grant connect on database {} to portal_web").format(sql.Identifier(name)))
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def theatre(module_admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """A portal with two clients in which faults can be planted."""
    opened = Theatre(module_admin_url, tmp_path_factory.mktemp("theatre"))
    yield opened
    opened.close()
