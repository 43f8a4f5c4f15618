"""Decisions about tenants: no session, no clock."""

from enum import StrEnum
from uuid import UUID

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import TenantState

NAME_LIMIT = 120
FRIENDLY_NAME_LIMIT = 64
FIRST_PAUSE_SECONDS = 15
LONGEST_PAUSE_SECONDS = 3600
# Longer than Twilio takes to answer or give up: what a timed-out request made is in the list by then.
PAUSE_AFTER_UNKNOWN_SECONDS = 45
MOST_ATTEMPTS = 12


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
