"""How a probe's end is judged, and what the report says of it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from tenant_portal.simulator.two_tenant_check import forms, handler_probes, report, route_probes, runner
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, Leak, Outcome, Probe, Result, Skipped
from tenant_portal.simulator.two_tenant_check.runner import Progress
from tenant_portal.simulator.two_tenant_check.surface import Address, Argument, Audience, Handler

NO_CONTEXT = cast("Context", None)


def probe(name: str, run: Callable[[Context], Awaitable[str]]) -> Probe:
    return Probe(name, f"{name} holds", Group.DATABASE, run)


def ending(how: Exception | str) -> Probe:
    async def run(_: Context) -> str:
        if isinstance(how, Exception):
            raise how
        return how

    return probe("one", run)


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("seen nothing", Outcome.PASS),
        (Leak("seen a row"), Outcome.LEAK),
        (Skipped("no numbers"), Outcome.SKIPPED),
        (ValueError("no such table"), Outcome.ERROR),
    ],
)
async def test_a_probe_ends_in_one_of_four_ways(how: Exception | str, outcome: Outcome) -> None:
    assert (await runner.run_one(NO_CONTEXT, ending(how))).outcome is outcome


async def test_evidence_is_one_short_line() -> None:
    result = await runner.run_one(NO_CONTEXT, ending("a\nb " * 400))
    assert "\n" not in result.evidence
    assert len(result.evidence) == 300


def progress_of(*outcomes: Outcome) -> Progress:
    results = [
        Result(f"p{n}", "A & B are apart", Group.ROUTES, outcome, "<seen>", 1.5) for n, outcome in enumerate(outcomes)
    ]
    return Progress(results=results, total=len(results))


@pytest.mark.parametrize("bad", [Outcome.LEAK, Outcome.ERROR])
def test_a_leak_or_an_error_is_not_tight(bad: Outcome) -> None:
    assert not progress_of(Outcome.PASS, bad).is_tight


def test_skipped_probes_alone_prove_nothing() -> None:
    assert not progress_of(Outcome.SKIPPED).is_tight
    assert progress_of(Outcome.PASS, Outcome.SKIPPED).is_tight


def test_a_check_that_could_not_begin_is_not_tight() -> None:
    progress = progress_of(Outcome.PASS)
    progress.fault = "The two clients could not be set up."
    assert not progress.is_tight
    assert report.as_data(progress)["verdict"] == "The two clients could not be set up."


async def test_two_probes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="called one"):
        await runner.run(NO_CONTEXT, [ending("x"), ending("y")], Progress(), lambda _: None)


async def test_every_step_is_told() -> None:
    told: list[int] = []
    progress = Progress()
    await runner.run(NO_CONTEXT, [ending("x")], progress, lambda so_far: told.append(len(so_far.results)))
    assert told == [1]
    assert progress.total == 1


def test_the_data_name_every_probe_with_its_evidence() -> None:
    data = report.as_data(progress_of(Outcome.PASS, Outcome.LEAK))
    assert data["counts"] == {"pass": 1, "leak": 1, "error": 0, "skipped": 0}
    assert data["probes"][1] == {
        "id": "p1",
        "title": "A & B are apart",
        "group": "Web addresses",
        "outcome": "leak",
        "evidence": "<seen>",
        "milliseconds": 1.5,
    }
    json.dumps(data)


def test_the_page_escapes_what_was_seen() -> None:
    page = report.as_page(report.as_data(progress_of(Outcome.LEAK)))
    assert "&lt;seen&gt;" in page
    assert "<seen>" not in page
    assert "A &amp; B" in page


def test_the_newest_report_is_kept(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_folder", lambda: tmp_path)
    assert report.newest() is None
    path = report.keep(progress_of(Outcome.PASS))
    kept = report.newest()
    assert kept is not None
    assert kept["tight"] is True
    assert path.stat().st_mode & 0o777 == 0o600


async def test_an_address_nobody_has_classified_is_an_error() -> None:
    made = route_probes._address(Address("/export/{lead_id}", frozenset({"GET"}), "x"), NO_CONTEXT)
    result = await runner.run_one(NO_CONTEXT, probe("route", lambda _: made))
    assert result.outcome is Outcome.ERROR
    assert "nobody has said who /export/{lead_id} is for" in result.evidence


def test_a_handler_with_an_argument_of_an_unknown_kind_is_an_error() -> None:
    handler = Handler("a.b", (Argument("file", "UploadFile"),), Audience.CLIENT)
    with pytest.raises(RuntimeError, match="UploadFile"):
        handler_probes.payload_of(handler, "id")


def test_ids_go_where_a_page_puts_ids_and_words_where_it_puts_words() -> None:
    arguments = (Argument("lead_id", "str"), Argument("stage", "str"), Argument("form", "dict"), Argument("n", "int"))
    payload = handler_probes.payload_of(Handler("a.b", arguments, Audience.CLIENT), "ID")
    assert payload["lead_id"] == "ID"
    assert payload["stage"] == "won"
    assert payload["form"]["conversation_id"] == "ID"
    assert payload["n"] == 0


def test_a_webhook_nobody_has_described_is_tried_all_the_same() -> None:
    assert "/api/webhooks/new" not in forms.FORMS
    assert forms.FORMS.get("/api/webhooks/new", forms.anything) is forms.anything


class Page:
    """Answers each call with what it shows then; `asked` are the ids so far."""

    def __init__(self, shown: Callable[[str, int], str]) -> None:
        self.shown = shown
        self.asked: list[str] = []

    async def __call__(self, wanted: str) -> dict[str, str]:
        self.asked.append(wanted)
        return {"state.word": self.shown(wanted, len(self.asked))}


async def compare(page: Page) -> None:
    await handler_probes._compare_ids(page, ["theirs", "also theirs"], {"state.word": "nothing"}, set())


async def test_ids_that_are_answered_alike_are_each_tried_once() -> None:
    page = Page(lambda *_: "nothing")
    await compare(page)
    assert len(page.asked) == 3


async def test_an_id_that_is_answered_differently_is_a_leak() -> None:
    with pytest.raises(Leak, match="also theirs"):
        await compare(Page(lambda wanted, _: "a row" if wanted == "also theirs" else "nothing"))


async def test_news_that_come_meanwhile_are_no_leak() -> None:
    await compare(Page(lambda _, calls: "nothing" if calls < 2 else "news"))
