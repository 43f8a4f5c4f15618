"""The people of whom everything was deleted, and how far that is at Twilio."""

from dataclasses import dataclass

import reflex as rx

from tenant_portal.leads.erasing import ErasureRow
from tenant_portal.ui.components import panel, status_badge
from tenant_portal.ui.components.local_time import long_time

NOTE = "Here they are gone at once. At Twilio it is tried until Twilio has confirmed each message and recording."


@dataclass(frozen=True)
class ErasureItem:
    """Somebody whose data are deleted, and how far that is."""

    id: str
    about: str
    who: str
    at: str
    words: str
    error: str
    is_done: bool


def erasure_item(row: ErasureRow) -> ErasureItem:
    """An erasure as the page shows it."""
    done = f"{row.total - row.left:,} of {row.total:,} things confirmed as deleted at Twilio and in the file store."
    return ErasureItem(
        id=str(row.id),
        about=row.about,
        who=row.actor_name,
        at=row.created_at.isoformat(),
        words=done if row.total else "There was nothing at Twilio or in the file store.",
        error=row.last_error,
        is_done=row.finished_at is not None,
    )


def erasures(items: rx.Var[list[ErasureItem]]) -> rx.Component:
    """All of them, newest first."""
    return panel(
        rx.el.ul(rx.foreach(items, _erasure), class_name="rows"), title="Deleted people", note=NOTE, flush=True
    )


def _erasure(item: rx.Var[ErasureItem]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(item.about, font_weight="540"),
            rx.el.div("Deleted by ", item.who, ", ", long_time(item.at), class_name="lead-sub"),
            rx.el.div(item.words, class_name="lead-sub num"),
            rx.cond(item.error != "", rx.el.div(item.error, class_name="field-error")),
            class_name="grow",
        ),
        rx.cond(item.is_done, status_badge("Deleted", "good"), status_badge("Under way", "info")),
        key=item.id,
    )
