"""Password hashes: Argon2id with OWASP's second choice of parameters (19 MiB, 2 passes, 1 lane)."""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

from passlib.hash import argon2

ARGON2ID = argon2.using(type="ID", memory_cost=19_456, rounds=2, parallelism=1)
# Each computation holds 19 MiB and a core for some 30 ms; a flood of sign-ins must not take the machine.
AT_ONCE = 2
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def hash_now(password: str) -> str:
    """The hash that is stored; blocks for some 30 ms."""
    return str(ARGON2ID.hash(password))


async def hash_password(password: str) -> str:
    """As `hash_now`, beside the event loop."""
    async with _gate():
        return await asyncio.to_thread(hash_now, password)


async def is_right(password: str, stored: str | None) -> bool:
    """Whether the password fits the stored hash. Without a hash it costs the same and is False."""
    async with _gate():
        fits = await asyncio.to_thread(_verify, password, stored or _nobody())
    return fits and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return bool(ARGON2ID.needs_update(stored))


def _verify(password: str, stored: str) -> bool:
    try:
        return bool(ARGON2ID.verify(password, stored))
    except ValueError:
        return False


@cache
def _nobody() -> str:
    return hash_now("nobody has this password")


def _gate() -> asyncio.Semaphore:
    # One for each event loop: a semaphore belongs to the loop in which it first waited.
    return _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
