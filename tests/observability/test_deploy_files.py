"""Dashboard, alerts and document speak of exactly the metrics that the code exports."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.observability.exported import EVERYWHERE, FOREIGN, ROOT, exported, labels_of

DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
PROMETHEUS = ROOT / "deploy/prometheus"
DOCUMENT = ROOT / "docs/observability.md"
# A metric with its label matchers, and the labels of `by`, `without` and `on`.
SELECTOR = re.compile(r"\b([a-z_]+[a-z])\b(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(?:by|without|on|group_left)\s*\(([^)]*)\)")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
COLUMNS = 24


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())  # type: ignore[no-any-return]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """(place, PromQL) of everything that is asked."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """(metric, labels in its matchers) of a PromQL expression."""
    for name, matchers in SELECTOR.findall(GROUPING.sub("", expression)):
        if name.startswith("portal_") or name in FOREIGN:
            yield name, set(MATCHER.findall(matchers))


@pytest.mark.parametrize(("place", "expression"), [pytest.param(*one, id=one[0]) for one in expressions()])
def test_what_is_asked_is_exported_with_these_labels(place: str, expression: str) -> None:
    known = labels_of() | dict.fromkeys(FOREIGN, frozenset[str]())
    metrics = list(used(expression))
    assert metrics
    assert [name for name, _ in metrics if name not in known] == []
    assert {name: wrong for name, labels in metrics if (wrong := labels - known[name] - EVERYWHERE)} == {}
    grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",") if label.strip()}
    assert grouped <= EVERYWHERE.union(*(known[name] for name, _ in metrics))


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for panel in panels() for target in panel["targets"] for name, _ in used(target["expr"])}
    assert [one.name for one in exported() if shown.isdisjoint(one.series)] == []


def test_every_metric_and_alert_is_explained_and_no_other() -> None:
    rows = set(re.findall(r"^\| `(portal_\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    alerts = set(re.findall(r"^\| `(Portal\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert rows == {one.name for one in exported()}
    assert alerts == {rule["alert"] for rule in rules()}


def test_each_label_of_a_metric_is_in_its_row_of_the_document() -> None:
    rows = dict(re.findall(r"^\| `(portal_\w+)` (.*)$", DOCUMENT.read_text(), re.MULTILINE))
    missing = {
        one.name: [label for label in one.labels - {"le"} if f"`{label}`" not in rows[one.name]] for one in exported()
    }
    assert {name: labels for name, labels in missing.items() if labels} == {}


def test_grafana_can_import_the_dashboard() -> None:
    board = dashboard()
    assert (board["uid"], board["schemaVersion"]) == ("tenant-portal", 39)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)) > 0
        named = {name for target in panel["targets"] for name in re.findall(r"\$(\w+)", target["expr"])}
        assert named <= {*variables, "__rate_interval"}


def test_no_two_panels_lie_on_each_other() -> None:
    places = {panel["title"]: panel["gridPos"] for panel in dashboard()["panels"]}
    assert all(at["x"] + at["w"] <= COLUMNS for at in places.values())
    crossing = [pair for pair in combinations(places, 2) if _cross(*(places[title] for title in pair))]
    assert crossing == []


def _cross(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h"))
    )


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("No promtool on PATH. On Debian: apt-get install prometheus")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_alerts() -> None:
    promtool("check", "rules", PROMETHEUS / "alerts.yml")


def test_the_alerts_speak_when_they_should() -> None:
    promtool("test", "rules", PROMETHEUS / "alerts_test.yml")


def test_prometheus_understands_every_panel(tmp_path: Path) -> None:
    asked = [expression for _, expression in expressions()]
    recorded = [
        {"record": f"panel:{n}", "expr": expression.replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for n, expression in enumerate(asked)
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    promtool("check", "rules", file)
