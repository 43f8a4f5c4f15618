"""The list of threads with its filters."""

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from tenant_portal.inbox.queries import View
from tenant_portal.ui import routes
from tenant_portal.ui.components import button, empty_state, link_button
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import short_time
from tenant_portal.ui.pages.inbox.desk import picked_bar
from tenant_portal.ui.pages.inbox.desk_state import DeskState
from tenant_portal.ui.pages.inbox.finding import found_messages, label_filter
from tenant_portal.ui.pages.inbox.found_state import FoundState
from tenant_portal.ui.pages.inbox.items import CHANNEL_NAMES, ThreadItem
from tenant_portal.ui.pages.inbox.keyboard import key
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.pages.leads.list_page import label_row

VIEWS = (
    (View.OPEN, "Open"),
    (View.MINE, "Mine"),
    (View.UNASSIGNED, "Unassigned"),
    (View.UNREAD, "Unread"),
    (View.MENTIONS, "Mentions"),
    (View.SNOOZED, "Snoozed"),
    (View.CLOSED, "Closed"),
)
SEARCH_MILLISECONDS = 300


def thread_list() -> rx.Component:
    """Views, search, threads, and what stands in for them while there are none."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Inbox", class_name="list-title"),
            _tools(),
            rx.el.div(
                *[_view(view.value, label) for view, label in VIEWS],
                class_name="filters",
                role="group",
                aria_label="Show",
            ),
            class_name="list-head",
        ),
        picked_bar(),
        rx.el.div(
            rx.cond(
                InboxState.is_loaded,
                rx.cond(
                    (InboxState.threads.length() > 0) | (FoundState.hits.length() > 0),
                    rx.fragment(_threads(), found_messages()),
                    _no_threads(),
                ),
                _loading(),
            ),
            class_name="list-scroll",
        ),
        class_name="inbox-list",
        aria_label="Conversations",
    )


def _tools() -> rx.Component:
    return rx.el.div(
        rx.el.input(
            type="search",
            id="inbox-search",
            placeholder="Name, number or words",
            aria_label="Search names, numbers and messages",
            max_length=100,
            default_value=InboxState.search,
            on_change=InboxState.find.debounce(SEARCH_MILLISECONDS),
            class_name="input grow",
            custom_attrs=key("/"),
        ),
        rx.el.select(
            rx.el.option("All channels", value=""),
            *[rx.el.option(name, value=kind.value) for kind, name in CHANNEL_NAMES.items()],
            value=InboxState.channel,
            on_change=InboxState.set_channel,
            aria_label="Channel",
            class_name="select",
        ),
        label_filter(),
        class_name="list-tools",
    )


def _view(value: str, label: str) -> rx.Component:
    count = InboxState.counts[value]
    return rx.el.button(
        label,
        rx.cond(InboxState.is_loaded & (count != ""), rx.el.span(count, class_name="filter-count num")),
        type="button",
        class_name="filter",
        aria_pressed=rx.cond(InboxState.view == value, "true", "false"),
        on_click=InboxState.set_view(value),
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
        rx.el.input(
            type="checkbox",
            checked=DeskState.picked.contains(item.id),
            on_change=lambda _: DeskState.pick(item.id),
            aria_label="Pick " + item.name,
            class_name="thread-pick",
        ),
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
                    rx.cond(item.state == "closed", rx.el.span("Closed", class_name="thread-mark")),
                    rx.cond(item.state == "snoozed", rx.el.span("Snoozed", class_name="thread-mark")),
                    rx.cond(
                        item.assignee != "",
                        rx.el.span(item.assignee, class_name="thread-mark truncate", title="Assigned"),
                    ),
                    _unread(item),
                    class_name="thread-line thread-preview",
                ),
                label_row(item),
                class_name="grow",
            ),
            to=item.href,
            class_name=rx.cond(item.unread > 0, "thread-link thread-unread", "thread-link"),
            aria_current=rx.cond(item.is_open, "true", "false"),
        ),
        class_name=rx.cond(DeskState.picked.length() > 0, "thread-row picking", "thread-row"),
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
    nothing_yet = empty_state(
        "inbox",
        "Nothing open",
        "As soon as somebody writes to one of your numbers or calls it, the conversation appears here.",
        link_button("Connect a channel", routes.CHANNELS),
    )
    return rx.cond(
        InboxState.search != "",
        empty_state("search-x", "Nothing found", "No name, number or message has these words."),
        rx.match(
            InboxState.view,
            ("mine", empty_state("user-check", "Nothing of yours", "What is assigned to you appears here.")),
            ("unassigned", empty_state("users", "Everything has an owner", "What nobody has taken appears here.")),
            ("unread", empty_state("check-check", "All read", "New messages appear here by themselves.")),
            ("mentions", empty_state("at-sign", "Nobody has called you", "Notes that name you with @ appear here.")),
            ("snoozed", empty_state("alarm-clock", "Nothing snoozed", "What is put off comes back by itself.")),
            ("closed", empty_state("archive", "Nothing closed", "Closed conversations open when the lead writes.")),
            rx.cond(
                FoundState.label_id != "",
                empty_state("tag", "Nothing with this label", "What has this label and is open appears here."),
                nothing_yet,
            ),
        ),
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
