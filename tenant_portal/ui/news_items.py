"""What has just come in, as a notification says it."""

from dataclasses import dataclass

from tenant_portal.inbox.notifying import News
from tenant_portal.leads.rules import display_name
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui import routes

# More than a notification shows anywhere.
LONGEST_TEXT = 160


@dataclass(frozen=True)
class NewsItem:
    """One notification; `href` is the thread that a click on it opens."""

    id: str
    title: str
    text: str
    href: str


def news_item(row: News, *, shows_text: bool) -> NewsItem:
    """`New message from Ann`, with what she wrote or without it."""
    what = "voicemail" if row.channel_kind is ChannelKind.VOICEMAIL else "message"
    return NewsItem(
        id=str(row.id),
        title=f"New {what} from {display_name(row.name, row.profile_name, row.address)}",
        text=row.body[:LONGEST_TEXT] if shows_text else "",
        href=routes.thread(row.conversation_id),
    )
