"""The benchmarks of growth fill their databases truly and measure what they say; no test looks at the speed itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import population, world
from benchmarks.population import Size

ROOT = Path(__file__).resolve().parent.parent
TENANTS, MESSAGES, LEADS, FLOOR = 4, 900, 10, 20
THREADS_ASTRAY = """
    select count(*) from conversation c left join lateral (
        select count(*) as messages, max(created_at) as last_at from message m
        where m.tenant_id = c.tenant_id and m.conversation_id = c.id) as m on true
    where (c.message_count, c.last_message_at) is distinct from (m.messages, coalesce(m.last_at, c.created_at))"""
HOURS_ASTRAY = """
    select (select array[sum(messages_in), sum(messages_out)] from tenant_hour) is distinct from (
        select array[count(*) filter (where direction = 'in'), count(*) filter (where direction = 'out')]
        from message)"""
PREVIEWS_ASTRAY = """
    select count(*) from conversation c where message_count > 0 and preview <> (
        select body from message m where m.tenant_id = c.tenant_id and m.conversation_id = c.id
        order by id desc limit 1)"""


def ask(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_what_is_kept_beside_the_messages_is_right(admin_url: str) -> None:
    world.fill(admin_url, TENANTS)
    filled = population.populate(admin_url, Size(TENANTS, MESSAGES, LEADS, FLOOR))
    with psycopg.connect(admin_url) as connection:
        sizes = connection.execute("select count(*) from message group by tenant_id order by 1 desc").fetchall()
        longest = connection.execute("select max(message_count) from conversation group by tenant_id").fetchall()
        assert ask(connection, THREADS_ASTRAY) == 0
        assert ask(connection, HOURS_ASTRAY) is False
        assert ask(connection, PREVIEWS_ASTRAY) == 0
        assert ask(connection, "select max(created_at) < now() from message") is True
    assert abs(filled - MESSAGES) <= TENANTS
    # Of 1, 1/2, 1/3 and 1/4 of the largest, above the first page of each.
    assert [round((largest - FLOOR) / 393.6, 1) for (largest,) in sizes] == [1.0, 0.5, 0.3, 0.2]
    assert min(count for (count,) in longest) >= FLOOR


def quick(name: str, folder: Path) -> Any:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json", str(folder / "result.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "result.json").read_text())


def test_growth_is_held_against_the_first_point(tmp_path: Path) -> None:
    result = quick("growth", tmp_path)
    assert set(result["curves"]) == {"tenants", "messages"}
    assert len(result["curves"]["messages"]["medians"]) == 2
    for curve in result["curves"].values():
        assert all(min(figures.values()) > 0 for figures in curve["medians"].values())
        assert [next(iter(ratios.values())) for ratios in curve["ratios to the first"].values()] == [1, 1]
    assert all(after > before for before, after in result["stored before and after"].values())


def test_each_page_is_held_against_the_first_point(tmp_path: Path) -> None:
    result = quick("pages", tmp_path)
    first, more = result["medians, ms"].values()
    assert set(first) == set(more) == set(result["ratios to the first"])
    assert len(first) == 10
    assert min(*first.values(), *more.values()) > 0


def test_the_inbox_is_read_at_each_size(tmp_path: Path) -> None:
    result = quick("inbox", tmp_path)
    assert list(result["medians, ms"]) == ["1,500", "3,000", "60 threads", "90 threads"]
    assert all(min(reads.values()) > 0 for reads in result["medians, ms"].values())
    assert min(result["words taken in, \u00b5s a message"].values()) > 0


def test_memory_is_sampled_after_each_portion(tmp_path: Path) -> None:
    result = quick("memory", tmp_path)
    assert [sample["webhooks"] for sample in result["samples"]] == [0, 500, 1000, 1500]
    for figures in result["memory"].values():
        assert figures["idle"] > 0
        assert figures["highest"] >= max(figures["first"], figures["last"])
