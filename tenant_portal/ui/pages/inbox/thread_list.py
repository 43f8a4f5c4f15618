"""The list of threads with its filters."""

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from tenant_portal.ui import routes
from tenant_portal.ui.components import button, empty_state, link_button
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import short_time
from tenant_portal.ui.pages.inbox.items import ThreadItem
from tenant_portal.ui.pages.inbox.state import InboxState

FILTERS = (("all", "All"), ("unread", "Unread"), ("sms", "SMS"), ("whatsapp", "WhatsApp"), ("voicemail", "Voicemail"))


def thread_list() -> rx.Component:
    """Filters, threads, and what stands in for them while there are none."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Inbox", class_name="list-title"),
            rx.el.div(
                *[_filter(value, label) for value, label in FILTERS],
                class_name="filters",
                role="group",
                aria_label="Show",
            ),
            class_name="list-head",
        ),
        rx.el.div(
            rx.cond(
                InboxState.is_loaded,
                rx.cond(InboxState.threads.length() > 0, _threads(), _no_threads()),
                _loading(),
            ),
            class_name="list-scroll",
        ),
        class_name="inbox-list",
        aria_label="Conversations",
    )


def _filter(value: str, label: str) -> rx.Component:
    return rx.el.button(
        label,
        type="button",
        class_name="filter",
        aria_pressed=rx.cond(InboxState.filter == value, "true", "false"),
        on_click=InboxState.set_filter(value),
    )


def _threads() -> rx.Component:
    return rx.el.div(
        rx.el.ul(rx.foreach(InboxState.threads, _thread), class_name="threads"),
        rx.cond(
            InboxState.has_more,
            rx.el.div(button("Show more", on_click=InboxState.load_more, look="quiet"), class_name="list-more"),
        ),
    )


def _thread(item: rx.Var[ThreadItem]) -> rx.Component:
    return rx.el.li(
        ReactRouterLink.create(
            lead_avatar(item.initials, item.tint),
            rx.el.div(
                rx.el.div(
                    rx.el.span(item.name, class_name="thread-name truncate"),
                    short_time(item.at),
                    class_name="thread-line",
                ),
                rx.el.div(
                    channel_mark(item.channel),
                    rx.el.span(
                        rx.cond(item.is_ours, rx.el.span("You: ", class_name="thread-you")),
                        item.preview,
                        class_name="truncate grow",
                    ),
                    _unread(item),
                    class_name="thread-line thread-preview",
                ),
                class_name="grow",
            ),
            to=item.href,
            class_name=rx.cond(item.unread > 0, "thread-link thread-unread", "thread-link"),
            aria_current=rx.cond(item.is_open, "true", "false"),
        ),
        key=item.id,
    )


def _unread(item: rx.Var[ThreadItem]) -> rx.Component:
    return rx.cond(
        item.unread > 0,
        rx.el.span(
            item.unread.to_string(),
            rx.el.span(" unread", class_name="visually-hidden"),
            class_name="nav-count num",
        ),
    )


def _no_threads() -> rx.Component:
    return rx.match(
        InboxState.filter,
        (
            "all",
            empty_state(
                "inbox",
                "No conversations yet",
                "As soon as somebody writes to one of your numbers or calls it, the conversation appears here.",
                link_button("Connect a channel", routes.CHANNELS, look="main"),
            ),
        ),
        ("unread", empty_state("check-check", "All read", "New messages appear here by themselves.")),
        empty_state("search-x", "None on this channel", "No conversation was last active on this channel."),
    )


def _loading() -> rx.Component:
    row = rx.el.li(
        rx.el.span(class_name="skeleton", width="32px", height="32px", border_radius="50%"),
        rx.el.div(
            rx.el.span(class_name="skeleton", width="45%", height="14px", margin_bottom="8px"),
            rx.el.span(class_name="skeleton", width="85%", height="13px"),
            class_name="grow",
        ),
        class_name="thread-link",
    )
    return rx.el.ul(*[row for _ in range(7)], class_name="threads", aria_hidden="true")
