"""What the pages of leads show, as small values for the browser."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from tenant_portal.identity.queries import Member
from tenant_portal.leads.queries import ChannelUse, FieldRow, LabelRow, LeadRow, StageRow
from tenant_portal.leads.rules import display_name, format_money, format_number
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui import routes
from tenant_portal.ui.components.lead_avatar import lead_initials, tint_of

CHANNEL_NAMES = {ChannelKind.SMS: "SMS", ChannelKind.WHATSAPP: "WhatsApp", ChannelKind.VOICEMAIL: "Voicemail"}
BY_HAND = "Entered by your team"


@dataclass(frozen=True)
class LabelItem:
    """A label; `is_on` says whether the lead of the page has it."""

    id: str
    name: str
    colour: str
    is_on: bool = False


@dataclass(frozen=True)
class ChoiceItem:
    """An entry of a choice list."""

    value: str
    words: str


@dataclass(frozen=True)
class FieldItem:
    """A client's own field with what the lead of the page holds in it."""

    id: str
    name: str
    kind: str
    value: str
    choices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LeadItem:
    """A lead. Times are ISO 8601; `thread_href` is empty where nothing was ever exchanged."""

    id: str = ""
    href: str = ""
    thread_href: str = ""
    data_href: str = ""
    name: str = ""
    own_name: str = ""
    profile_name: str = ""
    initials: str = ""
    tint: str = "0"
    number: str = ""
    place: str = ""
    stage_id: str = ""
    stage_name: str = ""
    stage_colour: str = "gray"
    source: str = ""
    source_name: str = ""
    value: str = ""
    typed_value: str = ""
    owner_id: str = ""
    owner_name: str = ""
    next_step: str = ""
    next_step_on: str = ""
    is_overdue: bool = False
    labels: list[LabelItem] = field(default_factory=list)
    opted_out_at: str = ""
    blocked_at: str = ""
    created_at: str = ""
    last_at: str = ""


@dataclass(frozen=True)
class UseItem:
    """How often a lead was met on a channel."""

    kind: str
    name: str
    count: str
    last_at: str


def lead_item(row: LeadRow, currency: str) -> LeadItem:
    """A lead as the lists and its own page show it."""
    name = display_name(row.name, row.profile_name, row.address)
    day = row.next_step_on
    return LeadItem(
        id=str(row.id),
        href=routes.lead(row.id),
        data_href=routes.lead_data(row.id),
        thread_href=routes.thread(row.conversation_id) if row.conversation_id and row.last_message_at else "",
        name=name,
        own_name=row.name,
        profile_name=row.profile_name,
        initials=lead_initials(row.name, row.profile_name, row.address),
        tint=tint_of(row.id),
        number=format_number(row.address),
        place=row.place,
        stage_id=str(row.stage_id),
        stage_name=row.stage_name,
        stage_colour=row.stage_colour.value,
        source=row.source.value if row.source else "",
        source_name=source_name(row),
        value=format_money(row.value, currency) if row.value is not None else "",
        typed_value=f"{row.value:f}" if row.value is not None else "",
        owner_id=str(row.owner_id or ""),
        owner_name=row.owner_name,
        next_step=row.next_step,
        next_step_on=day.isoformat() if day else "",
        is_overdue=day is not None and day < datetime.now(UTC).date(),
        labels=[label_item(label) for label in row.labels],
        opted_out_at=_iso(row.opted_out_at),
        blocked_at=_iso(row.blocked_at),
        created_at=row.created_at.isoformat(),
        last_at=_iso(row.last_message_at),
    )


def source_name(row: LeadRow) -> str:
    """How this lead came, in words; the advertisement where there was one."""
    channel = CHANNEL_NAMES[row.source] if row.source else BY_HAND
    if row.referral is None:
        return channel
    return f"Ad: {row.referral.get('headline') or row.referral.get('source_id') or 'without a title'}"[:120]


def label_item(row: LabelRow, on: frozenset[UUID] = frozenset()) -> LabelItem:
    """A label; `on` are those of the lead."""
    return LabelItem(str(row.id), row.name, row.colour.value, row.id in on)


def field_item(row: FieldRow, lead: LeadRow) -> FieldItem:
    """A field with the lead's value. A word that is no choice any more stays choosable for whoever has it."""
    value = str(lead.fields.get(str(row.id), ""))
    choices = [*row.choices, *([value] if row.choices and value and value not in row.choices else [])]
    return FieldItem(str(row.id), row.name, row.kind.value, value, choices)


def stage_choice(row: StageRow) -> ChoiceItem:
    """A stage to choose."""
    return ChoiceItem(str(row.id), row.name)


def member_choice(row: Member) -> ChoiceItem:
    """A person of the team to choose."""
    return ChoiceItem(str(row.user_id), row.name)


def use_item(row: ChannelUse) -> UseItem:
    """A channel this lead used."""
    what = "call" if row.channel_kind is ChannelKind.VOICEMAIL else "message"
    count = f"{row.messages} {what}{'' if row.messages == 1 else 's'}"
    return UseItem(row.channel_kind.value, CHANNEL_NAMES[row.channel_kind], count, row.last_at.isoformat())


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
