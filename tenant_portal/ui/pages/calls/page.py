"""The Calls page: one call under the other, with what was said and what can be done."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    empty_state,
    link_button,
    notice_area,
    panel,
    skeleton_rows,
    status_badge,
    text_link,
)
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.calls.items import CallItem, RecordingItem
from tenant_portal.ui.pages.calls.state import CallsState

FILTERS = (("new", "New"), ("handled", "Handled"), ("all", "All"))


def calls_page() -> rx.Component:
    """Everybody who called one of the client's numbers."""
    return page(
        "Calls",
        notice_area(CallsState.notice, "bad", CallsState.close_notice),
        _filters(),
        panel(
            rx.cond(
                CallsState.is_loaded,
                rx.cond(
                    CallsState.calls.length() > 0,
                    rx.el.ul(rx.foreach(CallsState.calls, _call), class_name="rows call-list", aria_label="Calls"),
                    _nothing(),
                ),
                skeleton_rows(5, "64px"),
            ),
            flush=True,
        ),
        _paging(),
        active=routes.CALLS,
        intro="Calls to your numbers, what was said on voicemail, and what is still to be done.",
    )


def _filters() -> rx.Component:
    return rx.el.div(*[_filter(value, name) for value, name in FILTERS], class_name="call-filters", role="group")


def _filter(value: str, name: str) -> rx.Component:
    count = rx.cond(
        CallsState.open_count > 0,
        rx.el.span(
            rx.cond(CallsState.open_count >= 100, "99+", CallsState.open_count.to_string()),
            class_name="nav-count num",
        ),
    )
    return rx.el.button(
        rx.el.span(name),
        count if value == "new" else rx.fragment(),
        type="button",
        aria_pressed=rx.cond(CallsState.filter == value, "true", "false"),
        on_click=CallsState.set_filter(value),
        class_name="call-filter",
    )


def _call(call: rx.Var[CallItem]) -> rx.Component:
    return rx.el.li(
        lead_avatar(call.initials, call.tint),
        rx.el.div(
            _head(call),
            rx.cond(call.note != "", rx.el.div(call.note, class_name="soft call-note")),
            rx.foreach(call.recordings, _recording),
            rx.cond(call.text_note != "", _text_note(call)),
            _actions(call),
            class_name="grow call-body",
        ),
        key=call.id,
    )


def _head(call: rx.Var[CallItem]) -> rx.Component:
    number = rx.cond(call.number != call.name, rx.el.span(call.number, class_name="num"))
    return rx.el.div(
        rx.el.div(
            text_link(call.name, call.thread_href, title=call.name),
            rx.el.div(number, rx.el.span("to ", call.our_number, class_name="num"), class_name="soft call-numbers"),
            class_name="call-who",
        ),
        rx.el.div(
            status_badge(call.word, call.tone),
            rx.el.span(long_time(call.at), class_name="soft"),
            class_name="row call-when",
        ),
        class_name="call-head",
    )


def _recording(item: rx.Var[RecordingItem]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            item.url != "",
            rx.el.audio(src=item.url, controls=True, preload="none", class_name="player", aria_label="Voicemail"),
        ),
        rx.cond(item.duration != "", rx.el.span(item.duration, class_name="num soft call-length")),
        rx.cond(item.note != "", rx.el.div(item.note, class_name="soft call-note")),
        rx.cond(item.transcript != "", rx.el.blockquote(item.transcript, class_name="transcript")),
        rx.cond(item.transcript_note != "", rx.el.div(item.transcript_note, class_name="soft call-note")),
        class_name="call-recording",
    )


def _text_note(call: rx.Var[CallItem]) -> rx.Component:
    return rx.el.div(
        rx.icon("message-square-reply", size=15, aria_hidden="true"),
        rx.el.span(call.text_note, rx.cond(call.text_at != "", rx.fragment(" at ", long_time(call.text_at), "."))),
        class_name="row soft call-note",
    )


def _actions(call: rx.Var[CallItem]) -> rx.Component:
    call_back = NativeLink.create(
        rx.icon("phone", aria_hidden="true"),
        rx.el.span("Call back"),
        href=call.tel,
        class_name="button button-plain button-small",
    )
    done = rx.cond(
        call.is_handled,
        button("Reopen", small=True, look="quiet", on_click=CallsState.set_handled(call.id, False)),
        button("Mark as handled", icon="check", small=True, on_click=CallsState.set_handled(call.id, True)),
    )
    by = rx.el.span("Handled by ", call.handled_by, ", ", long_time(call.handled_at), class_name="soft call-note")
    return rx.el.div(
        rx.cond(call.tel != "", call_back),
        rx.cond(
            call.reply_href != "",
            link_button("Reply by text", call.reply_href, icon="message-square", small=True),
        ),
        done,
        rx.cond(call.is_handled & (call.handled_by != ""), by),
        class_name="row row-wrap call-actions",
    )


def _paging() -> rx.Component:
    return rx.cond(
        CallsState.has_older | CallsState.has_newer,
        rx.el.nav(
            rx.cond(
                CallsState.has_newer,
                button("Newer", icon="chevron-left", look="quiet", on_click=CallsState.newer),
            ),
            rx.cond(CallsState.has_older, button("Older", icon="chevron-right", on_click=CallsState.older)),
            class_name="row call-paging",
            aria_label="Pages of calls",
        ),
    )


def _nothing() -> rx.Component:
    return rx.match(
        CallsState.filter,
        ("new", empty_state("phone-incoming", "Nothing to do", "Every call has been answered or handled.")),
        ("handled", empty_state("check-check", "Nothing is handled yet", "Calls you mark as handled are kept here.")),
        empty_state(
            "voicemail",
            "No calls yet",
            "Whoever calls one of your numbers appears here, with what they said on voicemail.",
            link_button("Connect a channel", routes.CHANNELS, look="main"),
        ),
    )
