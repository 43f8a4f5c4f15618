"""What the pages of leads show, as small values for the browser."""

from dataclasses import dataclass
from uuid import UUID

from tenant_portal.inbox.queries import MessageRow
from tenant_portal.leads.queries import ChannelUse, LeadRow, NoteRow
from tenant_portal.leads.rules import display_name, format_number
from tenant_portal.models.enums import ChannelKind, Direction, Stage
from tenant_portal.ui import routes
from tenant_portal.ui.components.lead_avatar import lead_initials, tint_of

STAGE_NAMES = {
    Stage.NEW: "New",
    Stage.CONTACTED: "Contacted",
    Stage.QUALIFIED: "Qualified",
    Stage.WON: "Won",
    Stage.LOST: "Lost",
}
CHANNEL_NAMES = {ChannelKind.SMS: "SMS", ChannelKind.WHATSAPP: "WhatsApp", ChannelKind.VOICEMAIL: "Voicemail"}


@dataclass(frozen=True)
class LeadItem:
    """A lead. Times are ISO 8601; `thread_href` is empty where nothing was ever exchanged."""

    id: str = ""
    href: str = ""
    thread_href: str = ""
    name: str = ""
    own_name: str = ""
    profile_name: str = ""
    initials: str = ""
    tint: str = "0"
    number: str = ""
    place: str = ""
    stage: str = ""
    stage_name: str = ""
    source: str = ""
    source_name: str = ""
    opted_out_at: str = ""
    created_at: str = ""
    last_at: str = ""


@dataclass(frozen=True)
class NoteItem:
    """A note; only its author may delete it."""

    id: str
    author: str
    body: str
    at: str
    is_mine: bool


@dataclass(frozen=True)
class UseItem:
    """How often a lead was met on a channel."""

    kind: str
    name: str
    count: str
    last_at: str


@dataclass(frozen=True)
class LineItem:
    """A message or call in one line."""

    id: str
    channel: str
    who: str
    text: str
    at: str


def lead_item(row: LeadRow) -> LeadItem:
    """A lead as the list and its own page show it."""
    name = display_name(row.name, row.profile_name, row.address)
    return LeadItem(
        id=str(row.id),
        href=routes.lead(row.id),
        thread_href=routes.thread(row.conversation_id) if row.conversation_id else "",
        name=name,
        own_name=row.name,
        profile_name=row.profile_name,
        initials=lead_initials(row.name, row.profile_name, row.address),
        tint=tint_of(row.id),
        number=format_number(row.address),
        place=row.place,
        stage=row.stage.value,
        stage_name=STAGE_NAMES[row.stage],
        source=row.source.value,
        source_name=CHANNEL_NAMES[row.source],
        opted_out_at=row.opted_out_at.isoformat() if row.opted_out_at else "",
        created_at=row.created_at.isoformat(),
        last_at=row.last_message_at.isoformat() if row.last_message_at else "",
    )


def note_item(row: NoteRow, reader: UUID) -> NoteItem:
    """A note as its reader sees it."""
    return NoteItem(str(row.id), row.author_name, row.body, row.created_at.isoformat(), row.author_id == reader)


def line_item(row: MessageRow, lead_name: str) -> LineItem:
    """A message or call as the lead's page shows it."""
    is_ours = row.direction is Direction.OUT
    spoken = next((one.transcript for one in row.voicemails if one.transcript), None)
    text = row.body or spoken or ("Call" if row.channel_kind is ChannelKind.VOICEMAIL else "File or location")
    who = (row.author_name or "Sent") if is_ours else lead_name
    return LineItem(str(row.id), row.channel_kind.value, who, text[:400], row.created_at.isoformat())


def use_item(row: ChannelUse) -> UseItem:
    """A channel this lead used."""
    what = "call" if row.channel_kind is ChannelKind.VOICEMAIL else "message"
    count = f"{row.messages} {what}{'' if row.messages == 1 else 's'}"
    return UseItem(row.channel_kind.value, CHANNEL_NAMES[row.channel_kind], count, row.last_at.isoformat())
