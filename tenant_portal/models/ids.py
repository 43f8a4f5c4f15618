"""Row ids: UUID version 7 (RFC 9562, section 5.7), so that ids of one process sort by time."""

import os
import threading
import time
from datetime import datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """A new id; strictly rising within one process, also within one millisecond."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of their fraction, pushed forward where two calls meet.
        stamp = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        _last = stamp
    tail = int.from_bytes(os.urandom(8)) >> 2
    return UUID(int=(stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | tail)


def earliest_id(at: datetime) -> UUID:
    """The lowest id that could have been made at this moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)
