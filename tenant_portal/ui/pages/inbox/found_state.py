"""What the inbox shows beside its list: messages that were found, labels, and the place in the thread."""

from dataclasses import dataclass

import reflex as rx

from tenant_portal.inbox.search import HITS_PAGE, Hit, snippet
from tenant_portal.leads.rules import display_name
from tenant_portal.ui.pages.leads.items import LabelItem


@dataclass(frozen=True)
class PartItem:
    """A stretch of a snippet."""

    text: str
    is_hit: bool


@dataclass(frozen=True)
class HitItem:
    """A message that was found, `at` in ISO 8601."""

    id: str
    name: str
    channel: str
    at: str
    is_ours: bool
    parts: list[PartItem]


class FoundState(rx.State):
    """Filled by every read of the inbox; its handlers are those of FindState."""

    hits: list[HitItem] = []
    has_more_hits: bool = False
    label_id: str = ""
    labels: list[LabelItem] = []
    thread_labels: list[LabelItem] = []
    found_id: str = ""
    newer: str = ""
    _hits_shown: int = HITS_PAGE
    _searched: str = ""
    # The message after which a page of the thread is shown; empty for the newest page.
    _place: str = ""


def hit_item(hit: Hit, search: str) -> HitItem:
    """A message with the words in their context."""
    return HitItem(
        id=str(hit.id),
        name=display_name(hit.name, hit.profile_name, hit.address),
        channel=hit.channel_kind.value,
        at=hit.created_at.isoformat(),
        is_ours=hit.direction.value == "out",
        parts=[PartItem(part.text, part.is_hit) for part in snippet(hit.text, search)],
    )
