"""10,000 bad requests against the running web process: no fault of ours, nothing stored, memory flat."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.chaos.bad_requests import Bad, bad_requests
from tests.chaos.stream import ANSWER_SECONDS
from tests.chaos.world import opened, pid_of
from tests.webhook_client import TENANT_DATA

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
COUNT, WARM_UP = 10_000, 2_000
AT_ONCE = 32
MOST_GROWTH_KB = 6 * 1024
NO_ANSWER = 0
# No HTTP, or cut off; and a megabyte that goes on arriving after its 413 makes the kernel take that answer back.
OWED_NOTHING = frozenset({"truncated", "random_bytes", "strange_length", "megabyte", "megabyte_in_chunks"})
ROWS = " union all ".join(f"select '{table}', count(*) from {table}" for table in TENANT_DATA)
REFUSALS = "select coalesce(sum(count), 0)::int from webhook_refusal"
FAULTS = re.compile(r"Traceback|ERROR|CRITICAL|Exception")


def test_ten_thousand(tmp_path: Path, turn: int, say: Callable[[str], None]) -> None:
    with opened(tmp_path) as world:
        heard, pid = len(world.lines), pid_of(world.web[0])
        asyncio.run(send_all(bad_requests(world.companies, WARM_UP, -turn), world.ports[0]))
        memory = resident_kb(pid)
        answers = asyncio.run(send_all(bad_requests(world.companies, COUNT, turn), world.ports[0]))
        grown = resident_kb(pid) - memory
        world.wait_for(lambda: world.ask(REFUSALS)[0][0] > COUNT / 2)
        say(f"{COUNT:,} bad requests: {by_status(answers)}; memory {memory:,} kB, then {grown:+,} kB")
        assert sum(answers.values()) == COUNT
        assert [answer for answer in answers if not is_refusal(*answer)] == []
        assert {table: count for table, count in world.ask(ROWS) if count} == {}
        assert [line for line in world.lines[heard:] if FAULTS.search(line)] == []
        assert (pid_of(world.web[0]), world.web[0].is_alive()) == (pid, True)
        assert grown < MOST_GROWTH_KB, memory


def by_status(answers: Counter[tuple[str, int]]) -> str:
    """How many were answered how."""
    statuses = Counter[int]()
    for (_, status), count in answers.items():
        statuses[status] += count
    return ", ".join(f"{count:,} {status or 'without an answer'}" for status, count in sorted(statuses.items()))


def is_refusal(kind: str, status: int) -> bool:
    """Whether this is a proper end for a request of this kind."""
    if kind == "slow_body":
        return status in {408, 429}
    return 400 <= status < 500 or (status == NO_ANSWER and kind in OWED_NOTHING)


async def send_all(requests: Iterable[Bad], port: int) -> Counter[tuple[str, int]]:
    """How often each kind was answered how; NO_ANSWER where the connection was closed without one."""
    answers: Counter[tuple[str, int]] = Counter()
    waiting = iter(requests)

    async def one_after_the_other() -> None:
        for bad in waiting:
            answers[bad.kind, await status_of(bad, port)] += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return answers


async def status_of(bad: Bad, port: int) -> int:
    """The status of the answer, which may come before all is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sending = asyncio.create_task(_send(bad, writer))
    try:
        line = await asyncio.wait_for(reader.readline(), ANSWER_SECONDS)
        return int(line.split()[1]) if line else NO_ANSWER
    except ConnectionError:
        return NO_ANSWER
    finally:
        sending.cancel()
        writer.close()


async def _send(bad: Bad, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        for piece in bad.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(bad.pause)
        if not bad.is_http:
            writer.write_eof()


def resident_kb(pid: int) -> int:
    """Memory of a process that is in use now."""
    time.sleep(0.2)
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])
