"""The inbox page: three panes side by side, two on smaller screens, one at a time on a phone."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import link_button, notice_area
from tenant_portal.ui.components.panels import empty_state
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.inbox.composer import composer
from tenant_portal.ui.pages.inbox.desk import snoozed_note
from tenant_portal.ui.pages.inbox.desk_state import DeskState
from tenant_portal.ui.pages.inbox.finding import place_in_thread, thread_labels
from tenant_portal.ui.pages.inbox.keyboard import shortcuts, tab_in_sight
from tenant_portal.ui.pages.inbox.person_pane import person_pane
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.pages.inbox.template_dialog import template_dialog
from tenant_portal.ui.pages.inbox.thread_list import thread_list
from tenant_portal.ui.pages.inbox.thread_view import thread_head, thread_log


def inbox_page(*, is_open: bool = False) -> rx.Component:
    """The inbox; `is_open` where the address names a thread: a phone then shows that instead of the list."""
    return page(
        "Inbox",
        rx.el.h1("Inbox", class_name="visually-hidden"),
        rx.el.div(
            thread_list(),
            _pane(),
            rx.cond(InboxState.thread.id != "", person_pane()),
            class_name="inbox inbox-open" if is_open else "inbox",
        ),
        template_dialog(),
        shortcuts(),
        tab_in_sight(InboxState.look, InboxState.thread.id),
        active=routes.INBOX,
        width="fill",
    )


def thread_page() -> rx.Component:
    """The inbox with a thread open."""
    return inbox_page(is_open=True)


def _pane() -> rx.Component:
    return rx.el.section(
        rx.cond(
            InboxState.thread.id != "",
            rx.el.div(
                thread_head(),
                snoozed_note(),
                thread_labels(),
                thread_log(),
                rx.el.div(place_in_thread(), class_name="place-bar"),
                notice_area(InboxState.notice, "bad", InboxState.close_notice),
                notice_area(DeskState.notice, "bad", DeskState.close_notice),
                composer(),
                class_name="thread",
            ),
            rx.cond(InboxState.is_missing, _missing(), _nothing_open()),
        ),
        class_name="inbox-pane",
        aria_label="Conversation",
    )


def _missing() -> rx.Component:
    return rx.el.div(
        empty_state(
            "message-circle-off",
            "This conversation does not exist",
            "It may have been deleted, or the address is not complete.",
            link_button("Back to the inbox", routes.INBOX),
        ),
        class_name="pane-middle",
    )


def _nothing_open() -> rx.Component:
    return rx.el.div(
        rx.cond(
            InboxState.is_loaded,
            empty_state("messages-square", "No conversation open", "Choose one from the list to read and answer it."),
        ),
        class_name="pane-middle pane-hint",
    )
