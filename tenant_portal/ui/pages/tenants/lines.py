"""From a tenant's row to the words of the pages."""

from dataclasses import dataclass, field
from datetime import datetime

from tenant_portal.channels import rules as channels
from tenant_portal.models.enums import ChannelState, TenantState
from tenant_portal.tenants.queries import ChannelBadge, TenantRow
from tenant_portal.ui import routes

STATES = {
    TenantState.PROVISIONING: ("Being set up", "info"),
    TenantState.ACTIVE: ("Active", "good"),
    TenantState.SUSPENDED: ("Suspended", "warn"),
    TenantState.CLOSED: ("Closed", "neutral"),
}
CHANNEL_WORDS = {
    ChannelState.ACTIVE: ("connected", "good"),
    ChannelState.FAILED: ("not working", "bad"),
}
SETTING_UP = ("being set up", "info")


@dataclass(frozen=True, slots=True)
class ChannelMark:
    """A client's channel as staff see it."""

    kind: str
    number: str
    words: str
    tone: str
    problem: str


@dataclass(frozen=True, slots=True)
class TenantLine:
    """A client in words; times are ISO 8601, empty where there is none."""

    id: str = ""
    href: str = ""
    name: str = ""
    state: str = ""
    state_label: str = ""
    tone: str = "neutral"
    account_sid: str = ""
    twilio_status: str = ""
    problem: str = ""
    next_attempt_at: str = ""
    created_at: str = ""
    last_webhook_at: str = ""
    in_24h: int = 0
    out_24h: int = 0
    in_30d: int = 0
    out_30d: int = 0
    failures_24h: int = 0
    refusals_24h: int = 0
    is_synthetic: bool = False
    is_settling: bool = False
    can_suspend: bool = False
    can_resume: bool = False
    channels: list[ChannelMark] = field(default_factory=list)


def tenant_line(row: TenantRow) -> TenantLine:
    """The line of a tenant."""
    label, tone = STATES[row.state]
    if row.last_error and row.state is TenantState.PROVISIONING:
        label, tone = "Set-up failed", "bad"
    return TenantLine(
        id=str(row.id),
        href=routes.tenant(row.id),
        name=row.name,
        state=row.state.value,
        state_label=label,
        tone=tone,
        account_sid=row.account_sid or "",
        twilio_status=row.twilio_status or "",
        problem=row.last_error or "",
        next_attempt_at=_iso(row.next_attempt_at) if row.last_error else "",
        created_at=_iso(row.created_at),
        last_webhook_at=_iso(row.last_webhook_at),
        in_24h=row.in_24h,
        out_24h=row.out_24h,
        in_30d=row.in_30d,
        out_30d=row.out_30d,
        failures_24h=row.failures_24h,
        refusals_24h=row.refusals_24h,
        is_synthetic=row.is_synthetic,
        is_settling=row.next_attempt_at is not None,
        can_suspend=row.state is TenantState.ACTIVE,
        can_resume=row.state is TenantState.SUSPENDED,
        channels=[_mark(badge) for badge in row.channels],
    )


def _mark(badge: ChannelBadge) -> ChannelMark:
    words, tone = CHANNEL_WORDS.get(badge.state, SETTING_UP)
    if badge.state is ChannelState.ACTIVE and badge.last_error:
        words, tone = "needs attention", "warn"
    return ChannelMark(badge.kind.value, channels.display(badge.phone_number), words, tone, badge.last_error or "")


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
