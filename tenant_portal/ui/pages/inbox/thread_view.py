"""The open thread: its head and its messages."""

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from tenant_portal.ui import routes
from tenant_portal.ui.components import button, status_badge
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.countdown import countdown
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import clock_time, day_separator, long_time
from tenant_portal.ui.components.native import NEW_TAB, NativeLink
from tenant_portal.ui.pages.inbox.attachments import file_view, voicemail_view
from tenant_portal.ui.pages.inbox.bubbles import MessageItem
from tenant_portal.ui.pages.inbox.desk import thread_desk
from tenant_portal.ui.pages.inbox.finding import later_messages
from tenant_portal.ui.pages.inbox.found_state import FoundState
from tenant_portal.ui.pages.inbox.planned_view import planned_messages
from tenant_portal.ui.pages.inbox.state import InboxState


def thread_head() -> rx.Component:
    """Whose thread it is, and the way to the lead."""
    thread = InboxState.thread
    return rx.el.header(
        ReactRouterLink.create(
            rx.icon("chevron-left", aria_hidden="true"),
            to=routes.INBOX,
            class_name="button button-quiet icon-button thread-back",
            aria_label="Back to all conversations",
        ),
        lead_avatar(thread.initials, thread.tint),
        rx.el.div(
            rx.el.h2(thread.name, class_name="thread-title truncate"),
            rx.el.div(
                rx.cond(thread.name != thread.number, rx.el.span(thread.number, class_name="soft truncate")),
                rx.cond((thread.channel == "whatsapp") & (thread.window_closes_at != ""), _window()),
                class_name="thread-number",
            ),
            class_name="grow",
        ),
        rx.cond(thread.opted_out, status_badge("Unsubscribed", "warn")),
        rx.cond(thread.state == "closed", status_badge("Closed")),
        thread_desk(),
        ReactRouterLink.create(
            rx.icon("user-round", aria_hidden="true"),
            to=thread.lead_href,
            class_name="button button-quiet button-small icon-button thread-person",
            aria_label="The lead's page",
            title="The lead's page",
        ),
        class_name="thread-head",
    )


def _window() -> rx.Component:
    # When it ends the page asks again, so that the composer changes without a reload.
    closes_at = InboxState.thread.window_closes_at
    return countdown(closes_at, ended="WhatsApp window closed", on_end=InboxState.refresh)


def thread_log() -> rx.Component:
    """The messages, newest at the bottom. The outer box fills from below, so older ones load without a jump."""
    return rx.el.div(
        rx.el.div(
            rx.cond(
                InboxState.has_older,
                rx.el.div(
                    button("Show earlier messages", on_click=InboxState.load_older, look="quiet", small=True),
                    class_name="list-more",
                ),
            ),
            rx.foreach(InboxState.messages, _entry),
            later_messages(),
            planned_messages(),
            class_name="log-inner",
        ),
        class_name="log",
        role="log",
        aria_live="polite",
        aria_label="Messages",
        tab_index=0,
    )


def _entry(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        day_separator(item.at, item.previous_at),
        rx.match(item.kind, ("event", _event(item)), ("note", _note(item)), _message(item)),
        key=item.id,
        id=rx.Var.create("message-") + item.id,
        custom_attrs={"data-message": item.id},
        class_name=rx.cond(FoundState.found_id == item.id, "found-entry", ""),
    )


def _event(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        rx.el.span(item.body, rx.cond(item.until != "", rx.fragment(" ", long_time(item.until)))),
        clock_time(item.at),
        class_name="event-line",
    )


def _note(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.icon("sticky-note", size=13, aria_hidden="true"),
            rx.el.span("Note by ", item.author, ", not sent", class_name="grow"),
            clock_time(item.at),
            class_name="note-top",
        ),
        rx.el.div(item.body, class_name="bubble-text"),
        class_name="thread-note",
    )


def _message(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        rx.cond(item.has_head, _sender(item)),
        rx.el.div(
            rx.cond(item.is_call, _call(item), _bubble(item)),
            class_name="bubble-line",
        ),
        rx.cond(item.has_foot, _foot(item)),
        class_name=rx.cond(item.is_ours, "entry entry-ours", "entry"),
    )


def _sender(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        channel_mark(item.channel),
        rx.cond(item.is_ours, rx.cond(item.author != "", item.author, "Sent"), InboxState.thread.name),
        class_name="entry-head",
    )


def _bubble(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        rx.cond(item.template != "", rx.el.div("Template ", item.template, class_name="bubble-note")),
        rx.cond(item.origin != "", rx.el.div("From your ad: ", item.origin, class_name="bubble-note")),
        rx.cond(
            item.button != "", rx.el.div(rx.icon("mouse-pointer-click", size=13), item.button, class_name="bubble-note")
        ),
        rx.cond(item.files.length() > 0, rx.el.div(rx.foreach(item.files, file_view), class_name="files")),
        rx.cond(item.place_name != "", _place(item)),
        rx.cond(item.body != "", rx.el.div(item.body, class_name="bubble-text")),
        rx.cond(item.answers.length() > 0, rx.el.div(rx.foreach(item.answers, _answer), class_name="bubble-answers")),
        rx.cond(
            (item.body == "") & (item.files.length() == 0) & (item.place_name == ""),
            rx.el.div("A message without text", class_name="bubble-text soft"),
        ),
        class_name=rx.cond(item.error != "", "bubble bubble-failed", "bubble"),
    )


def _answer(title: rx.Var[str]) -> rx.Component:
    return rx.el.span(title, class_name="bubble-answer")


def _place(item: rx.Var[MessageItem]) -> rx.Component:
    # A link and no map picture: drawing one would tell a third party where the lead is.
    inside = rx.el.div(
        rx.el.span(rx.icon("map-pin", size=18, aria_hidden="true"), class_name="place-pin"),
        rx.el.div(
            rx.el.div(item.place_name, class_name="place-name"),
            rx.cond(item.place_url != "", rx.el.div("Open in a map", class_name="place-note")),
            class_name="grow",
        ),
        class_name="place",
    )
    return rx.cond(
        item.place_url != "",
        NativeLink.create(inside, href=item.place_url, class_name="place-link", custom_attrs=NEW_TAB),
        inside,
    )


def _call(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            item.voicemails.length() > 0,
            rx.foreach(item.voicemails, voicemail_view),
            rx.el.div(
                rx.icon("phone-missed", size=16, aria_hidden="true"),
                rx.el.span("Missed call, no voicemail"),
                class_name="call-line",
            ),
        ),
        class_name="bubble bubble-call",
    )


def _foot(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.el.div(
        clock_time(item.at),
        rx.cond(item.status_name != "", rx.el.span(_status_sign(item), item.status_name, class_name="entry-status")),
        rx.cond(
            item.error != "",
            rx.el.div(
                rx.el.span(item.error),
                rx.cond(
                    item.can_retry,
                    button("Retry", icon="rotate-cw", small=True, on_click=InboxState.retry(item.id)),
                    rx.cond(item.was_retried, rx.el.span("Sent again below.", class_name="soft")),
                ),
                class_name="entry-error",
            ),
        ),
        class_name="entry-foot",
    )


def _status_sign(item: rx.Var[MessageItem]) -> rx.Component:
    return rx.match(
        item.status,
        ("sent", rx.icon("check", size=13, aria_hidden="true")),
        ("delivered", rx.icon("check-check", size=13, aria_hidden="true")),
        ("read", rx.icon("check-check", size=13, aria_hidden="true", class_name="sign-read")),
        ("failed", rx.icon("circle-alert", size=13, aria_hidden="true", class_name="sign-bad")),
        ("undelivered", rx.icon("circle-alert", size=13, aria_hidden="true", class_name="sign-bad")),
        ("canceled", rx.icon("ban", size=13, aria_hidden="true")),
        rx.icon("clock", size=13, aria_hidden="true"),
    )
