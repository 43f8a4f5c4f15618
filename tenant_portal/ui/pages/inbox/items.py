"""The thread list and the head of the open thread, as small values for the browser."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from tenant_portal.identity.queries import Member
from tenant_portal.inbox.planned import PlannedRow
from tenant_portal.inbox.queries import ThreadRow
from tenant_portal.inbox.segments import count_segments, first_beyond_gsm
from tenant_portal.inbox.service import ReplyOption, ReplyOptions
from tenant_portal.leads.queries import LabelRow
from tenant_portal.leads.rules import display_name, format_number
from tenant_portal.models.enums import ChannelKind, Direction
from tenant_portal.ui import routes
from tenant_portal.ui.components.lead_avatar import lead_initials, tint_of
from tenant_portal.ui.pages.leads.items import LabelItem, label_item

CHANNEL_NAMES = {ChannelKind.SMS: "SMS", ChannelKind.WHATSAPP: "WhatsApp", ChannelKind.VOICEMAIL: "Voicemail"}
# What a form says that goes in the quiet hours all the same.
SEND_NOW = "now"


@dataclass(frozen=True)
class ThreadItem:
    """A line of the thread list. `at` is ISO 8601."""

    id: str
    href: str
    name: str
    initials: str
    tint: str
    preview: str
    channel: str
    channel_name: str
    at: str
    unread: int
    is_ours: bool
    is_open: bool
    state: str
    assignee: str
    labels: list[LabelItem] = field(default_factory=list)


@dataclass(frozen=True)
class OpenThread:
    """The open thread's head and composer; `reason` is why nothing can be sent, empty where it can."""

    id: str = ""
    name: str = ""
    initials: str = ""
    tint: str = "0"
    number: str = ""
    lead_href: str = ""
    channel: str = ""
    channel_name: str = ""
    other_channel: str = ""
    other_name: str = ""
    reason: str = ""
    window_closes_at: str = ""
    takes_templates: bool = False
    quiet_until: str = ""
    opted_out: bool = False
    state: str = "open"
    snoozed_until: str = ""
    assignee_id: str = ""
    place: str = ""
    profile_name: str = ""
    first_contact: str = ""


@dataclass(frozen=True)
class Colleague:
    """A member of the team; `handle` is how a note names them."""

    id: str
    name: str
    handle: str
    is_reader: bool


@dataclass(frozen=True)
class ReplyItem:
    """A canned reply; `body` is filled where it is offered for a thread."""

    id: str = ""
    name: str = ""
    body: str = ""


@dataclass(frozen=True)
class PlannedItem:
    """A message that waits for `due_at` (ISO 8601), or was refused then for a reason."""

    id: str = ""
    body: str = ""
    state: str = ""
    due_at: str = ""
    reason: str = ""
    author: str = ""
    is_own: bool = False
    is_template: bool = False


def planned_item(row: PlannedRow, reader: UUID) -> PlannedItem:
    """A message that waits, as this person sees it."""
    return PlannedItem(
        id=str(row.id),
        body=row.body,
        state=row.state.value,
        due_at=row.due_at.isoformat(),
        reason=row.reason,
        author=row.author_name,
        is_own=row.author_id == reader,
        is_template="template" in row.details,
    )


def thread_item(row: ThreadRow, open_id: str, labels: Sequence[LabelRow] = ()) -> ThreadItem:
    """A line of the list."""
    name = display_name(row.name, row.profile_name, row.address)
    return ThreadItem(
        id=str(row.id),
        href=routes.thread(row.id),
        name=name,
        initials=lead_initials(row.name, row.profile_name, row.address),
        tint=tint_of(row.lead_id),
        preview=row.preview,
        channel=row.last_channel.value,
        channel_name=CHANNEL_NAMES[row.last_channel],
        at=row.last_message_at.isoformat(),
        unread=row.unread_count,
        is_ours=row.last_direction is Direction.OUT,
        is_open=str(row.id) == open_id,
        state=row.state.value,
        assignee=row.assignee_name or "",
        labels=[label_item(label) for label in labels],
    )


def open_thread(row: ThreadRow, options: ReplyOptions, kind: ChannelKind | None) -> OpenThread:
    """Head and composer of the open thread; `kind` is the channel the reader has chosen."""
    name, chosen = display_name(row.name, row.profile_name, row.address), options.of(kind)
    other = next((option for option in (options.preferred, *options.others) if _is_choice(option, chosen)), None)
    return OpenThread(
        id=str(row.id),
        name=name,
        initials=lead_initials(row.name, row.profile_name, row.address),
        tint=tint_of(row.lead_id),
        number=format_number(row.address),
        lead_href=routes.lead(row.lead_id),
        channel=chosen.kind.value,
        channel_name=CHANNEL_NAMES[chosen.kind],
        other_channel=other.kind.value if other else "",
        other_name=CHANNEL_NAMES[other.kind] if other else "",
        reason=chosen.reason or "",
        window_closes_at=_iso(chosen.window_closes_at),
        takes_templates=chosen.template_reason is None,
        quiet_until=_iso(chosen.quiet_until(datetime.now(UTC))),
        opted_out=row.opted_out_at is not None,
        state=row.state.value,
        snoozed_until=_iso(row.snoozed_until),
        assignee_id=str(row.assignee_id or ""),
        place=row.place,
        profile_name=row.profile_name,
        first_contact=row.lead_created_at.isoformat(),
    )


def colleagues(members: list[Member], reader: UUID) -> list[Colleague]:
    """The team, the reader first."""
    ordered = sorted(members, key=lambda member: member.user_id != reader)
    return [Colleague(str(one.user_id), one.name, f"@{one.name} ", one.user_id == reader) for one in ordered]


def _is_choice(option: ReplyOption, chosen: ReplyOption) -> bool:
    return option.kind is not chosen.kind and option.reason is None


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def counter_text(body: str, channel: str) -> str:
    """How many SMS segments a text takes; empty on other channels."""
    if channel != ChannelKind.SMS or not body.strip():
        return ""
    segments = count_segments(body.strip())
    plural = "" if segments.count == 1 else "s"
    told = f"{segments.count} SMS segment{plural} · {segments.remaining} characters left"
    odd = first_beyond_gsm(body.strip())
    # One typographic quote more than doubles the bill, and nobody sees why.
    return f"{told} · because of {odd} a segment holds 70 characters instead of 160" if odd else told
