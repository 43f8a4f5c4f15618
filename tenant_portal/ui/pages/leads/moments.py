"""The lines of a lead's timeline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.leads.timeline import Moment, MomentKind
from tenant_portal.models.enums import ChannelKind, Direction
from tenant_portal.ui.components import confirm_dialog, icon_button
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.local_time import long_time

LONGEST = 600
FIELD_WORDS = {
    "name": "the name",
    "value": "the value",
    "next_step": "the next step",
    "next_step_on": "its day",
    "fields": "own fields",
}

CHANNELS: dict[Any, str] = {"sms": "SMS", "whatsapp": "WhatsApp", "voicemail": "calls"}


@dataclass(frozen=True)
class MomentItem:
    """A line of the timeline. `look` is `message`, `call`, `note` or `event`; `channel` is empty but for traffic."""

    id: str
    look: str
    channel: str
    who: str
    text: str
    status: str
    at: str
    is_mine: bool


def moment_item(row: Moment, lead_name: str, reader: UUID) -> MomentItem:
    """A moment as its reader sees it."""
    is_call = row.channel_kind is ChannelKind.VOICEMAIL
    look = "call" if is_call else row.kind.value
    who = row.author_name or "The portal"
    text = row.text
    if row.kind is MomentKind.MESSAGE:
        who = lead_name if row.direction is Direction.IN else row.author_name or "Sent"
        text = row.text or ("Called" if is_call else "A file or a location")
    if row.kind is MomentKind.EVENT:
        text = event_words(row.action, row.details)
    is_ours = row.direction is Direction.OUT and row.status is not None
    return MomentItem(
        id=str(row.id),
        look=look,
        channel=row.channel_kind.value if row.channel_kind else "",
        who=who,
        text=text[:LONGEST] + ("…" if len(text) > LONGEST else ""),
        status=row.status.value.capitalize() if is_ours and row.status else "",
        at=row.at.isoformat(),
        is_mine=row.kind is MomentKind.NOTE and row.author_id == reader,
    )


def event_words(action: str, details: dict[str, Any]) -> str:
    """What the audit's action means, to be read after a name."""
    words = EVENTS.get(action)
    return words(details) if words else action.partition(":")[2].replace("-", " ")


def _changed(details: dict[str, Any]) -> str:
    named = [FIELD_WORDS.get(name, name) for name in details.get("changed", [])]
    return f"changed {', '.join(named)}" if named else "changed something"


def _owner(details: dict[str, Any]) -> str:
    before, after = details.get("before"), details.get("after")
    if not after:
        return f"took this lead from {before}"
    return f"gave this lead from {before} to {after}" if before else f"gave this lead to {after}"


EVENTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "lead:created": lambda _: "entered this lead",
    "lead:edited": _changed,
    "lead:renamed": lambda _: "changed the name",
    "lead:stage-changed": lambda d: f"moved it from {d.get('before') or 'another stage'} to {d.get('after')}",
    "lead:owner-changed": _owner,
    "lead:labelled": lambda d: f"put on the label {d.get('label')}",
    "lead:unlabelled": lambda d: f"took off the label {d.get('label')}",
    "lead:blocked": lambda _: "blocked this lead",
    "lead:unblocked": lambda _: "unblocked this lead",
    "lead:note-deleted": lambda _: "deleted a note",
    "lead:merged": lambda _: "merged another lead into this one",
    "lead:merge-undone": lambda _: "undid a merge",
    "lead:data-exported": lambda _: "took out everything that is kept about this lead",
    "lead:consent-given": lambda d: f"recorded consent to {CHANNELS.get(d.get('channel'), 'a channel')}",
    "lead:consent-withdrawn": lambda d: f"recorded no more consent to {CHANNELS.get(d.get('channel'), 'a channel')}",
    "lead:kept-apart": lambda _: "said that a similar lead is somebody else",
}


def moment(item: rx.Var[MomentItem], on_delete: Any) -> rx.Component:
    """One line; `on_delete` is the handler that takes a note's id."""
    return rx.el.li(
        rx.match(
            item.look,
            ("note", rx.el.span(rx.icon("sticky-note", size=15), class_name="moment-mark tone-amber")),
            ("event", rx.el.span(rx.icon("history", size=15), class_name="moment-mark tone-gray")),
            channel_mark(item.channel),
        ),
        rx.el.div(
            rx.el.div(
                rx.el.strong(item.who),
                rx.cond(item.look == "event", rx.el.span(item.text)),
                long_time(item.at),
                rx.cond(item.status != "", rx.el.span(item.status)),
                class_name="note-head row-wrap",
            ),
            rx.cond(item.look != "event", rx.el.div(item.text, class_name="note-body")),
            class_name="grow",
        ),
        rx.cond(item.is_mine, _delete(item, on_delete)),
        key=item.id,
        class_name=rx.Var.create("from-top moment-") + item.look,
    )


def _delete(item: rx.Var[MomentItem], on_delete: Any) -> rx.Component:
    return confirm_dialog(
        icon_button("trash-2", "Delete this note", small=True),
        title="Delete this note?",
        text="It is gone for the whole team and cannot be brought back.",
        confirm="Delete note",
        on_confirm=on_delete(item.id),
    )
