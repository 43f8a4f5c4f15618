"""Where an answer is written. Enter sends, Shift and Enter starts a new line."""

import reflex as rx

from tenant_portal.inbox.rules import MAX_BODY
from tenant_portal.ui.components import icon_button
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.pages.inbox.composer_state import ComposerState
from tenant_portal.ui.pages.inbox.keyboard import key
from tenant_portal.ui.pages.inbox.note_form import note_form
from tenant_portal.ui.pages.inbox.quiet_choice import quiet_choice
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.pages.inbox.template_dialog import template_button, template_link
from tenant_portal.ui.pages.inbox.writing_aids import canned_replies, emoji_picker, schedule_choices

MEASURE_MILLISECONDS = 250


def composer() -> rx.Component:
    """The field and its button, or the reason why nothing can be sent."""
    answer = rx.cond(InboxState.thread.reason != "", _closed(), _form())
    return rx.el.div(
        rx.el.div(
            _tab("Answer", is_noting=False, shortcut="r"),
            _tab("Note", is_noting=True, shortcut="n"),
            rx.el.div(
                rx.cond(
                    InboxState.writers != "",
                    rx.el.span(rx.icon("pencil-line", size=13, aria_hidden="true"), InboxState.writers, "…"),
                ),
                class_name="writers",
                role="status",
            ),
            class_name="composer-tabs",
        ),
        rx.cond(InboxState.is_noting, note_form(), answer),
        class_name=rx.cond(InboxState.is_noting, "composer composer-noting", "composer"),
    )


def _tab(label: str, *, is_noting: bool, shortcut: str) -> rx.Component:
    # The key goes to the field where it is shown, and to this where it is not.
    is_on = InboxState.is_noting if is_noting else ~InboxState.is_noting
    return rx.el.button(
        label,
        type="button",
        class_name="composer-tab",
        aria_pressed=rx.cond(is_on, "true", "false"),
        on_click=InboxState.choose_noting(is_noting),
        custom_attrs=key(shortcut),
    )


def _form() -> rx.Component:
    # The key brings back a text that was refused: a new field starts with it, an old one keeps what is being written.
    return rx.el.form(
        rx.el.div(
            rx.el.textarea(
                name="body",
                id="composer-body",
                key=InboxState.thread.id + InboxState.draft_round.to_string(),
                default_value=InboxState.draft,
                placeholder="Write a message",
                aria_label="Message to " + InboxState.thread.name,
                rows="1",
                max_length=MAX_BODY,
                enter_key_submit=True,
                auto_height=True,
                on_change=InboxState.measure.debounce(MEASURE_MILLISECONDS),
                class_name="composer-field",
                custom_attrs=key("r"),
            ),
            rx.el.button(
                rx.icon("send-horizontal", aria_hidden="true"),
                type="submit",
                aria_label="Send",
                title="Send",
                class_name="button button-main icon-button",
            ),
            class_name="composer-box",
        ),
        quiet_choice("composer-quiet"),
        _note(),
        on_submit=InboxState.send,
        reset_on_submit=True,
    )


def _note() -> rx.Component:
    thread = InboxState.thread
    return rx.el.div(
        canned_replies(ComposerState.replies, ComposerState.find_replies),
        emoji_picker(),
        _schedule_button(),
        channel_mark(thread.channel),
        rx.el.span("Answering by ", thread.channel_name),
        rx.cond(thread.other_channel != "", _other_channel()),
        rx.cond(thread.takes_templates, template_link()),
        rx.el.span(InboxState.counter, class_name="composer-count num"),
        class_name="composer-note",
    )


def _schedule_button() -> rx.Component:
    return rx.popover.root(
        rx.popover.trigger(icon_button("calendar-clock", "Send later", small=True)),
        rx.popover.content(
            schedule_choices(ComposerState.schedule), aria_label="Send later", size="1", class_name="snooze-box"
        ),
    )


def _other_channel() -> rx.Component:
    thread = InboxState.thread
    return rx.el.button(
        "Use ",
        thread.other_name,
        type="button",
        class_name="link-like",
        on_click=InboxState.choose_channel(thread.other_channel),
    )


def _closed() -> rx.Component:
    thread = InboxState.thread
    return rx.el.div(
        rx.icon("lock", size=17, aria_hidden="true"),
        rx.el.div(thread.reason, class_name="grow"),
        rx.cond(thread.takes_templates, template_button()),
        rx.cond(
            thread.other_channel != "",
            rx.el.button(
                "Write by ",
                thread.other_name,
                type="button",
                class_name="button button-plain button-small",
                on_click=InboxState.choose_channel(thread.other_channel),
            ),
        ),
        class_name="composer-closed",
        role="note",
    )
