"""What was answered, held against what is stored. Pure: no process, no clock."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

ANSWERED, REFUSED, BROKEN, SILENT = "answered", "refused", "broken", "silent"
TOO_MANY_REQUESTS, FAULT = 429, 500


@dataclass(frozen=True, slots=True)
class Parcel:
    """One signed request, ready to be sent. `sid` is the message's, `account_sid` whose it is."""

    sid: str
    account_sid: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client saw of one delivery.

    `how` is ANSWERED, REFUSED (no connection), BROKEN (closed before an answer) or SILENT (nothing within Twilio's own
    limit); `status` is 0 without an answer. `began` and `seconds` are of the client's monotonic clock.
    """

    parcel: Parcel
    how: str
    status: int
    began: float
    seconds: float

    @property
    def is_acknowledged(self) -> bool:
        """Whether Twilio believes that the portal has it."""
        return 200 <= self.status < 300

    @property
    def is_repeated_by_twilio(self) -> bool:
        """Whether the webhook's `#rc=3&rp=5xx,ct,rt` makes Twilio come again."""
        return self.status == 0 or self.status >= FAULT or self.status == TOO_MANY_REQUESTS


@dataclass(frozen=True, slots=True)
class Verdict:
    """One run: counts of deliveries, and the SIDs of everything that must not be."""

    deliveries: int
    acknowledged: int
    unacknowledged: dict[str, int]
    longest_seconds: float
    longest_gap: float
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    misplaced: tuple[str, ...]
    never_repeated: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled, at the wrong tenant, or refused for good."""
        return not (self.lost or self.doubled or self.misplaced or self.never_repeated)


def judge(answers: Sequence[Answer], stored: Iterable[tuple[str, str]]) -> Verdict:
    """`stored` holds (account SID of the row's tenant, message SID) of each row, however often it is there."""
    owner = {answer.parcel.sid: answer.parcel.account_sid for answer in answers}
    rows = Counter(stored)
    found = Counter(sid for _, sid in rows.elements())
    acknowledged = {answer.parcel.sid for answer in answers if answer.is_acknowledged}
    failed = [answer for answer in answers if not answer.is_acknowledged]
    return Verdict(
        deliveries=len(answers),
        acknowledged=len(answers) - len(failed),
        unacknowledged=dict(Counter(_name(answer) for answer in failed)),
        longest_seconds=max((answer.seconds for answer in answers), default=0.0),
        longest_gap=_longest_gap(answers),
        lost=tuple(sid for sid in sorted(acknowledged) if (owner[sid], sid) not in rows),
        doubled=tuple(sid for sid, count in found.items() if count > 1),
        misplaced=tuple(sid for account, sid in rows if owner.get(sid) != account),
        never_repeated=tuple(answer.parcel.sid for answer in failed if not answer.is_repeated_by_twilio),
    )


def _name(answer: Answer) -> str:
    return str(answer.status) if answer.status else answer.how


def _longest_gap(answers: Sequence[Answer]) -> float:
    """Seconds without any acknowledgement between the first and the last one."""
    times = sorted(answer.began + answer.seconds for answer in answers if answer.is_acknowledged)
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)
