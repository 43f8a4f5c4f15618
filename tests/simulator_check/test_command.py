"""The commands `simulate` and `handset`."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import Result as Ended
from typer.testing import CliRunner

from tenant_portal.__main__ import app
from tenant_portal.cli import simulate
from tenant_portal.config import settings
from tenant_portal.simulator.two_tenant_check.probe import Group, Outcome, Result
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tests.simulated_twilio import SimulatedTwilio, addresses, make_client, portal, twilio

__all__ = ["addresses", "portal", "twilio"]


def finished(*outcomes: Outcome) -> Progress:
    results = [Result(f"p{n}", "Apart", Group.LIVE, outcome, "seen", 2.0) for n, outcome in enumerate(outcomes)]
    return Progress(results=results, total=len(results))


def simulated(monkeypatch: pytest.MonkeyPatch, progress: Progress, *arguments: str) -> Ended:
    monkeypatch.setattr(simulate, "is_ready", lambda _: False)
    monkeypatch.setattr(simulate, "_of_own", lambda **_: progress)
    return CliRunner().invoke(app, ["simulate", *arguments])


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((Outcome.PASS, Outcome.SKIPPED), 0),
        ((Outcome.PASS, Outcome.LEAK), 1),
        ((Outcome.PASS, Outcome.ERROR), 1),
        ((), 1),
    ],
)
def test_the_exit_code_tells_whether_it_is_tight(
    monkeypatch: pytest.MonkeyPatch, outcomes: tuple[Outcome, ...], code: int
) -> None:
    assert simulated(monkeypatch, finished(*outcomes)).exit_code == code


def test_json_names_every_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads(simulated(monkeypatch, finished(Outcome.PASS, Outcome.LEAK), "--json").stdout)
    assert data["tight"] is False
    assert [set(probe) for probe in data["probes"]] == [
        {"id", "title", "group", "outcome", "evidence", "milliseconds"}
    ] * 2


def test_the_table_shows_what_did_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = simulated(monkeypatch, finished(Outcome.PASS, Outcome.LEAK)).stdout
    assert "LEAK     p1" in shown
    assert "p0" not in shown


def test_a_report_is_written_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    simulated(monkeypatch, finished(Outcome.PASS), "--report", str(tmp_path / "check.html"))
    assert "Tight: 1 probes" in (tmp_path / "check.html").read_text()


def test_a_portal_of_its_own_knows_no_setting_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TWILIO_AUTH_TOKEN", "a secret")
    kept = dict(os.environ)
    try:
        with simulate._own_settings():
            assert "PORTAL_TWILIO_AUTH_TOKEN" not in os.environ
            assert settings().twilio_mode == "simulated"
            assert settings().port != 3000
            folder = settings().data_dir
            assert folder.is_dir()
        assert not folder.exists()
    finally:
        os.environ.clear()
        os.environ.update(kept)
        settings.cache_clear()


async def on_the_line(*arguments: str) -> Ended:
    """The command in a thread, since it runs an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["handset", *arguments])


async def test_a_number_nobody_has_is_told_in_a_sentence(twilio: SimulatedTwilio) -> None:
    ended = await on_the_line("send", "--to", "+14155550100", "--text", "Hello")
    assert ended.exit_code != 0


async def test_the_numbers_on_the_line_are_listed(twilio: SimulatedTwilio) -> None:
    await make_client()
    ended = await on_the_line("numbers", "--json")
    assert json.loads(ended.stdout) == []


async def test_a_phone_that_never_wrote_has_an_empty_history(twilio: SimulatedTwilio) -> None:
    ended = await on_the_line("inbox", "--phone", "+14155550123", "--json")
    assert json.loads(ended.stdout) == []


async def test_a_place_that_is_none_is_refused(twilio: SimulatedTwilio) -> None:
    ended = await on_the_line("send", "--to", "+14155550100", "--location", "Berlin")
    assert "latitude,longitude" in str(ended.exception)
