"""The buttons that close, assign and snooze: of the open thread, and of all that are picked."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components import button, icon_button
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.pages.inbox.desk_state import DeskState
from tenant_portal.ui.pages.inbox.items import Colleague
from tenant_portal.ui.pages.inbox.keyboard import key, snooze_choices
from tenant_portal.ui.pages.inbox.state import InboxState

CHOOSE = "choose"


def thread_desk() -> rx.Component:
    """What can be done with the open thread."""
    thread = InboxState.thread
    return rx.el.div(
        assign_field("Assigned to", thread.assignee_id, lambda user: DeskState.assign(thread.id, user)),
        snooze_button(lambda until: DeskState.snooze(thread.id, until), attributes=key("s")),
        icon_button(
            "mail",
            "Mark as unread",
            small=True,
            on_click=DeskState.mark_unread(thread.id),
            custom_attrs=key("u"),
        ),
        rx.cond(
            thread.state == "closed",
            _state_button("Reopen", "rotate-ccw", DeskState.reopen(thread.id)),
            _state_button("Close", "check", DeskState.close(thread.id)),
        ),
        class_name="thread-desk",
    )


def _state_button(label: str, icon: str, event: Any) -> rx.Component:
    return button(label, icon=icon, small=True, on_click=event, custom_attrs=key("e"))


def snoozed_note() -> rx.Component:
    """Says that the open thread is snoozed, and ends it."""
    thread = InboxState.thread
    return rx.cond(
        thread.state == "snoozed",
        rx.el.div(
            rx.icon("alarm-clock", size=15, aria_hidden="true"),
            rx.el.span("Snoozed until ", long_time(thread.snoozed_until), class_name="grow"),
            button("Wake up", small=True, on_click=DeskState.reopen(thread.id)),
            class_name="snoozed-note",
        ),
    )


def assign_field(label: str, value: rx.Var[str], on_choose: Any) -> rx.Component:
    """The team to choose from, and nobody."""
    return rx.el.select(
        rx.el.option("Nobody", value=""),
        rx.foreach(InboxState.team, _member),
        value=value,
        on_change=on_choose,
        aria_label=label,
        class_name="select select-small",
        custom_attrs=key("a"),
    )


def _member(item: rx.Var[Colleague]) -> rx.Component:
    return rx.el.option(rx.cond(item.is_reader, item.name + " (you)", item.name), value=item.id)


def snooze_button(on_choose: Any, *, attributes: dict[str, str]) -> rx.Component:
    """Opens the times to choose from."""
    trigger = icon_button("alarm-clock", "Snooze", small=True, custom_attrs=attributes)
    return rx.popover.root(
        rx.popover.trigger(trigger),
        rx.popover.content(snooze_choices(on_choose), aria_label="Snooze until", size="1", class_name="snooze-box"),
    )


def picked_bar() -> rx.Component:
    """Stands above the list while threads are picked."""
    return rx.cond(DeskState.picked.length() > 0, _bar())


def _bar() -> rx.Component:
    assign = rx.el.select(
        rx.el.option("Assign to…", value=CHOOSE, disabled=True),
        rx.el.option("Nobody", value=""),
        rx.foreach(InboxState.team, _member),
        value=CHOOSE,
        on_change=DeskState.assign_picked,
        aria_label="Assign what is picked to",
        class_name="select select-small grow",
    )
    return rx.el.div(
        rx.el.div(
            rx.el.strong(DeskState.picked.length().to_string(), " picked", class_name="grow num"),
            button("All", look="quiet", small=True, on_click=DeskState.pick_all),
            button("None", look="quiet", small=True, on_click=DeskState.pick_none),
            class_name="row",
        ),
        rx.el.div(
            button("Close", icon="check", small=True, on_click=DeskState.close_picked),
            assign,
            snooze_button(DeskState.snooze_picked, attributes={}),
            icon_button("mail-open", "Mark as read", small=True, on_click=DeskState.read_picked),
            icon_button("mail", "Mark as unread", small=True, on_click=DeskState.unread_picked),
            class_name="row",
        ),
        class_name="picked-bar",
        role="group",
        aria_label="With what is picked",
    )
