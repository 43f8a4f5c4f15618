"""The benchmarks' harness measures what it says; no test looks at the speed itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks import load, runner
from benchmarks.floor import app
from benchmarks.runner import Contender
from tenant_portal.twilio_gateway.signatures import parse_form, verify_form
from tests.twilio.servers import running

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "https://portal.example.com"
SENDERS = [load.Sender(f"AC{number:032x}", f"{number:032x}", f"+1415555{number:04d}") for number in range(3)]


def test_contenders_take_turns_and_the_order_turns() -> None:
    order: list[str] = []

    def contender(name: str) -> Contender:
        def measure() -> runner.Figures:
            order.append(name)
            return {"req/s": float(len(order))}

        return Contender(name, measure)

    figures = runner.interleaved([contender("a"), contender("b")], 3, lambda _: None)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert runner.medians(figures) == {"a": {"req/s": 4.0}, "b": {"req/s": 3.0}}


def test_ratios_are_over_the_base() -> None:
    assert runner.ratios({"a": {"x": 10.0}, "b": {"x": 5.0}}, "a", "x") == {"a": 1.0, "b": 0.5}


def test_a_report_does_not_name_the_machine() -> None:
    found = json.loads(runner.report({"x": 1}))
    assert set(found) == {"date", "python", "processors", "x"}


def test_every_message_is_signed_and_has_a_sid_of_its_own() -> None:
    messages = list(load.requests(SENDERS, ORIGIN, 50, leads=5))
    tokens = {sender.account_sid: sender.auth_token for sender in SENDERS}
    sids = set()
    for path, signature, body in messages:
        form = parse_form(body.encode())
        sids.add(dict(form)["MessageSid"])
        assert verify_form(f"{ORIGIN}{path}", form, signature, [tokens[dict(form)["AccountSid"]]])
    assert len(sids) == 50


@pytest.mark.parametrize("by", ["wrk", "python"])
def test_both_senders_count_what_was_answered(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "wrk" and not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    if by == "python":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    with running(app) as address:
        port = int(address.rpartition(":")[2])
        outcome = load.run(port, list(load.requests(SENDERS, ORIGIN, 300, 5)), connections=2, seconds=1)
    assert outcome.answered > 0
    assert outcome.errors == 0
    assert 0 < outcome.p50_ms <= outcome.p99_ms


@pytest.mark.parametrize("by", ["wrk", "python"])
def test_each_message_is_sent_and_anything_but_200_ends_it(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "wrk" and not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    if by == "python":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    bodies, answer = set[bytes](), [200]

    async def take(request: Request) -> Response:
        bodies.add(await request.body())
        return Response(status_code=answer[0])

    messages = list(load.requests(SENDERS, ORIGIN, 100, 5))
    with running(Starlette(routes=[Route("/api/webhooks/sms", take, methods=["POST"])])) as address:
        port = int(address.rpartition(":")[2])
        load.send_all(port, messages, connections=3)
        assert bodies == {body.encode() for _, _, body in messages}
        answer[0] = 202
        with pytest.raises(SystemExit):
            load.send_all(port, messages, connections=3)


def test_the_quick_run_holds_the_portal_against_the_floor(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.front_door", "--quick", "--json", str(tmp_path / "result.json")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=100)
    result = json.loads((tmp_path / "result.json").read_text())["4 connections"]
    assert set(result["medians"]) == {"portal", "floor: bare Starlette form"}
    assert result["medians"]["portal"]["portal \u00f7 it"] == 1
    assert all(figures["req/s"] > 0 for figures in result["medians"].values())
