"""How long an e-mail waits for the mail server."""

from datetime import timedelta

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
KEEP_FOR = timedelta(days=30)


def pause_after(attempts: int) -> timedelta:
    """Until the next try after this many: 30 s, 2 min, 8 min, 32 min, then every hour."""
    return min(FIRST_PAUSE * (1 << 2 * min(attempts - 1, 5)), LONGEST_PAUSE)
