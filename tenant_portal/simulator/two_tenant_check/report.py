"""The report of a check: as data, as a page that can be kept, and where both are kept."""

import json
from html import escape
from pathlib import Path
from typing import Any

from tenant_portal.config import settings
from tenant_portal.simulator.two_tenant_check.probe import Group, Outcome, Result
from tenant_portal.simulator.two_tenant_check.runner import Progress

FOLDER = "two_tenant_check"
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
KEPT = 20
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2024; background: #fff }
body { max-width: 1040px; margin: 40px auto; padding: 0 20px } h1 { margin: 0 0 4px }
h2 { margin: 32px 0 8px; font-size: 18px } .soft, .evidence { color: #60646c } .evidence { font-size: 13px }
.verdict { font-size: 20px; font-weight: 600; margin: 16px 0 } .pass { color: #18794e }
.leak, .error { color: #c62a2f } .skipped { color: #946800 } table { border-collapse: collapse; width: 100% }
td { text-align: left; padding: 5px 12px 5px 0; border-top: 1px solid #e4e4e9; vertical-align: top }
td:last-child { text-align: right; white-space: nowrap } div.evidence { overflow-wrap: anywhere }
"""


def verdict(progress: Progress) -> str:
    """The outcome in one sentence."""
    if progress.fault:
        return progress.fault
    if progress.is_tight:
        return f"Tight: {progress.count(Outcome.PASS)} probes, and no way from one client to the other."
    leaks, errors = progress.count(Outcome.LEAK), progress.count(Outcome.ERROR)
    return f"Not tight: {leaks} leaks, {errors} probes that could not be carried out."


def as_data(progress: Progress) -> dict[str, Any]:
    """For programs."""
    current = settings()
    return {
        "tight": progress.is_tight,
        "verdict": verdict(progress),
        "portal": current.origin,
        "twilio": current.twilio_mode,
        "started_at": progress.started_at.isoformat(),
        "ended_at": progress.ended_at.isoformat() if progress.ended_at else None,
        "counts": {outcome.value: progress.count(outcome) for outcome in Outcome},
        "total": progress.total,
        "doing": progress.doing,
        "probes": [_probe(result) for result in progress.results],
    }


def _probe(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "title": result.title,
        "group": result.group.value,
        "outcome": result.outcome.value,
        "evidence": result.evidence,
        "milliseconds": result.milliseconds,
    }


def as_page(data: dict[str, Any]) -> str:
    """For people: one HTML file without anything from elsewhere."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in data["counts"].items() if count)
    groups = "".join(_group(group, data["probes"]) for group in Group)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Two-tenant check</title><style>{STYLE}</style>'
        f"<h1>Two-tenant check</h1><p class=soft>{escape(data['portal'])} · {data['twilio']} Twilio · "
        f"{data['started_at'][:19].replace('T', ' ')} UTC · {counts}</p>"
        f'<p class="verdict {"pass" if data["tight"] else "leak"}">{escape(data["verdict"])}</p>{groups}</html>'
    )


def _group(group: Group, probes: list[dict[str, Any]]) -> str:
    rows = "".join(map(_row, (probe for probe in probes if probe["group"] == group.value)))
    return f"<h2>{escape(group.value)}</h2><table>{rows}</table>" if rows else ""


def _row(probe: dict[str, Any]) -> str:
    text = f"{escape(probe['title'])}<div class=evidence>{escape(probe['evidence'])}</div>"
    return (
        f'<tr><td class="{probe["outcome"]}">{probe["outcome"]}</td><td>{text}</td>'
        f"<td class=evidence>{probe['milliseconds']:.0f} ms</td></tr>"
    )


def keep(progress: Progress) -> Path:
    """Write the report into the data folder; the file. The oldest ones go."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    path = folder / f"{progress.started_at:%Y-%m-%d_%H-%M-%S}.json"
    path.touch(mode=PRIVATE_FILE)
    path.write_text(json.dumps(as_data(progress), indent=2))
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink()
    return path


def newest() -> dict[str, Any] | None:
    """The latest report that was kept."""
    files = sorted(_folder().glob("*.json"))
    if not files:
        return None
    found: dict[str, Any] = json.loads(files[-1].read_text())
    return found


def _folder() -> Path:
    return settings().data_dir / FOLDER
