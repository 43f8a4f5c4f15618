"""Decisions about tenants: no session, no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import timezone

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import TenantState

NAME_LIMIT = 120
FRIENDLY_NAME_LIMIT = 64
FIRST_PAUSE_SECONDS = 15
LONGEST_PAUSE_SECONDS = 3600
# Longer than Twilio takes to answer or give up: what a timed-out request made is in the list by then.
PAUSE_AFTER_UNKNOWN_SECONDS = 45
MOST_ATTEMPTS = 12
STEP = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=36)
UNKNOWN_ZONE = "Etc/Unknown"


class Step(StrEnum):
    """What Twilio has to be told about a subaccount; `check` only looks."""

    CREATE = "create"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"
    CHECK = "check"


TWILIO_STATUS = {TenantState.ACTIVE: "active", TenantState.SUSPENDED: "suspended", TenantState.CLOSED: "closed"}
CHANGES = {TenantState.ACTIVE: Step.RESUME, TenantState.SUSPENDED: Step.SUSPEND, TenantState.CLOSED: Step.CLOSE}


def next_step(state: TenantState, account_sid: str | None, twilio_status: str | None) -> Step:
    """What is to be done so that Twilio's side agrees with ours; the portal's state wins."""
    if account_sid is None:
        return Step.CREATE
    wanted = TWILIO_STATUS.get(state, "active")
    if twilio_status in (wanted, "closed") or (twilio_status is None and wanted == "active"):
        return Step.CHECK
    return CHANGES.get(state, Step.CHECK)


def friendly_name(name: str, tenant_id: UUID) -> str:
    """Name of the subaccount at Twilio, at most 64 characters. Our id in it stands in for an idempotency key."""
    suffix = f" (tenant {tenant_id.hex})"
    return name[: FRIENDLY_NAME_LIMIT - len(suffix)].strip() + suffix


def pause_seconds(
    attempts: int, *, permanent: bool, unknown_outcome: bool, retry_after: float | None = None
) -> float | None:
    """How long to wait after the n-th failure in a row, `retry_after` if Twilio asks for more; None: only by hand."""
    if permanent or attempts >= MOST_ATTEMPTS:
        return None
    growing = FIRST_PAUSE_SECONDS * 2 ** max(attempts - 1, 0)
    pause: float = min(max(growing, retry_after or 0), LONGEST_PAUSE_SECONDS)
    return max(pause, PAUSE_AFTER_UNKNOWN_SECONDS) if unknown_outcome else pause


def clean_name(name: str) -> str:
    """The client's name as stored; BadInput if there is none or it is too long."""
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > NAME_LIMIT or not cleaned.isprintable():
        raise BadInput(f"Please give a name of 1 to {NAME_LIMIT} characters.", field="name")
    return cleaned


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When nobody is written to, by the clock of the person: from `start` to `end` (`HH:MM`; both empty for never).

    `timezone` (IANA) is that of people whose number does not say where they are.
    """

    start: str
    end: str
    timezone: str

    @property
    def are_on(self) -> bool:
        """Whether there are any."""
        return self.start != self.end

    @property
    def minutes_left(self) -> int:
        """For how many minutes of a day people can be written to; 0 where start and end are the same."""
        start, end = (time.fromisoformat(clock) for clock in (self.start, self.end))
        return ((start.hour - end.hour) * 60 + start.minute - end.minute) % (24 * 60)

    def end_for(self, address: str, at: datetime) -> datetime | None:
        """When this number (E.164) may be written to again; None where it may be now."""
        if not self.are_on or not address.startswith("+"):
            return None
        zones = zones_of(address, self.timezone)
        end = end_of_quiet(at, zones, self.start, self.end)
        if is_quiet(end, zones, self.start, self.end):
            # Of a number that may be anywhere, such as a toll-free one, no hour is left: the company's own zone counts.
            end = end_of_quiet(at, (self.timezone,), self.start, self.end)
        return end if end > at else None


def zones_of(address: str, otherwise: str) -> tuple[str, ...]:
    """The time zones (IANA) a number may be in; `otherwise` where its number plan does not say."""
    try:
        known = timezone.time_zones_for_number(phonenumbers.parse(address))
    except phonenumbers.NumberParseException:
        known = ()
    return tuple(zone for zone in known if zone != UNKNOWN_ZONE) or (otherwise,)


def clean_timezone(name: str) -> str:
    """The name of a time zone; BadInput unless it is one."""
    if name not in timezones():
        raise BadInput("Choose a time zone.", field="timezone")
    return name


@lru_cache
def timezones() -> tuple[str, ...]:
    """Time zones by place, as people know them, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def clean_clock(text: str, field: str) -> str:
    """A time of day as `HH:MM`; BadInput beside `field`."""
    try:
        return f"{time.fromisoformat(text.strip()):%H:%M}"
    except ValueError:
        raise BadInput("Write a time like 21:00.", field=field) from None


def is_quiet(at: datetime, zones: Iterable[str], start: str, end: str) -> bool:
    """Whether it is between `start` and `end` (`HH:MM`, past midnight where the end is earlier) in any of the zones."""
    return any(_is_within(f"{at.astimezone(ZoneInfo(zone)):%H:%M}", start, end) for zone in zones)


def end_of_quiet(at: datetime, zones: Sequence[str], start: str, end: str) -> datetime:
    """The next moment, to a quarter of an hour, that is quiet nowhere; after a day and a half it is given up."""
    if not is_quiet(at, zones, start, end):
        return at
    moment = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + STEP
    while is_quiet(moment, zones, start, end) and moment - at < LONGEST_WAIT:
        moment += STEP
    return moment


def _is_within(clock: str, start: str, end: str) -> bool:
    return start <= clock < end if start <= end else clock >= start or clock < end
