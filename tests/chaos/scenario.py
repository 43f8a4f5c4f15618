"""One run: a stream, a fault in the middle of it, and what is there when all is calm again."""

import asyncio
import random
from dataclasses import dataclass

from tests.chaos.faults import Fault
from tests.chaos.ledger import Answer, Verdict, judge
from tests.chaos.stream import Stream
from tests.chaos.world import World

BEFORE_SECONDS, AFTER_SECONDS = 3.0, 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`first` is of the stream as it was answered; `second` with one repeat of what was not acknowledged."""

    first: Verdict
    second: Verdict
    repeated: int
    unstored: tuple[str, ...]
    broken: dict[str, int]
    seconds: float


def play(world: World, fault: Fault) -> Outcome:
    """Hurt the world by `fault` under a stream, let everybody recover, and look."""
    stream = Stream(world.companies, world.ports)
    seconds = asyncio.run(_under_stream(world, stream, fault))
    world.settle()
    first = judge(stream.answers, world.stored(_sids(stream.answers)))
    missed = {answer.parcel.sid: answer.parcel for answer in stream.answers}
    for answer in stream.answers:
        if answer.is_acknowledged:
            missed.pop(answer.parcel.sid, None)
    repeats = asyncio.run(stream.repeat(list(missed.values())))
    world.settle()
    stored = world.stored(_sids(stream.answers))
    unstored = sorted(set(_sids(stream.answers)) - {sid for _, sid in stored})
    second = judge([*stream.answers, *repeats], stored)
    return Outcome(first, second, len(repeats), tuple(unstored), world.broken_invariants(), seconds)


async def _under_stream(world: World, stream: Stream, fault: Fault) -> float:
    sending = asyncio.create_task(stream.run())
    loop = asyncio.get_running_loop()
    # Never at the same moment of a commit, a job or a housekeeping round.
    await asyncio.sleep(BEFORE_SECONDS + random.random())
    began = loop.time()
    try:
        await asyncio.to_thread(fault, world)
        # Long enough for all to be revived, so that the end of the stream is of an ordinary day.
        await asyncio.to_thread(world.wait_until_ready)
        seconds = loop.time() - began
        await asyncio.sleep(AFTER_SECONDS)
    finally:
        stream.stop()
        await sending
    return seconds


def _sids(answers: list[Answer]) -> list[str]:
    return [answer.parcel.sid for answer in answers]
