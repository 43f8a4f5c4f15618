"""Canned replies of a client, for its owners; everybody else sees them."""

import reflex as rx

from tenant_portal.inbox.canned import MAX_NAME, VARIABLES
from tenant_portal.inbox.rules import MAX_BODY
from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    empty_state,
    icon_button,
    link_button,
    notice_area,
    panel,
    skeleton_rows,
    text_area,
    text_input,
)
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.inbox.items import ReplyItem
from tenant_portal.ui.pages.settings.replies_state import NEW, RepliesState
from tenant_portal.ui.session_state import SessionState


def replies_page() -> rx.Component:
    """One panel with all of them."""
    add = button("Add reply", icon="plus", small=True, on_click=RepliesState.add)
    return page(
        "Canned replies",
        notice_area(RepliesState.notice, RepliesState.tone, RepliesState.close_notice),
        panel(
            rx.cond(SessionState.is_owner & (RepliesState.editing != ""), _form()),
            rx.cond(RepliesState.is_loaded, _list(), skeleton_rows(4, "44px")),
            title="Replies",
            note="In a conversation, press / or the button below the field to choose one.",
            actions=(rx.cond(SessionState.is_owner, add),),
            flush=True,
        ),
        active=routes.SETTINGS,
        intro="Answers your team gives often. Owners change them.",
        actions=(link_button("Settings", routes.SETTINGS, icon="chevron-left"),),
        width="narrow",
    )


def _list() -> rx.Component:
    return rx.cond(
        RepliesState.replies.length() > 0,
        rx.el.ul(rx.foreach(RepliesState.replies, _reply), class_name="rows"),
        rx.cond(
            RepliesState.editing != NEW,
            empty_state("message-square-text", "No replies yet", "Such as your opening hours, or how to find you."),
        ),
    )


def _reply(item: rx.Var[ReplyItem]) -> rx.Component:
    tools = rx.el.div(
        icon_button("pencil", "Change this reply", small=True, on_click=RepliesState.edit(item.id)),
        confirm_dialog(
            icon_button("trash-2", "Delete this reply", small=True),
            title="Delete this reply?",
            text="What was sent with it stays. This cannot be undone.",
            confirm="Delete reply",
            on_confirm=RepliesState.delete(item.id),
        ),
        class_name="row",
        gap="2px",
    )
    line = rx.el.div(
        rx.el.div(
            rx.el.div(item.name, class_name="reply-name"),
            rx.el.div(item.body, class_name="line-text soft"),
            class_name="grow",
        ),
        rx.cond(SessionState.is_owner, tools),
        class_name="row grow",
    )
    return rx.el.li(line, key=item.id)


def _form() -> rx.Component:
    # One for all: fields of the same name in each row would be read from the row that was drawn last.
    known = [rx.el.li(rx.el.code("{" + variable + "}"), f" {text}") for variable, text in VARIABLES.items()]
    return rx.el.form(
        rx.el.div(
            text_input(
                "Name",
                "name",
                error=RepliesState.name_error,
                default_value=RepliesState.chosen.name,
                max_length=MAX_NAME,
                auto_complete="off",
                auto_focus=True,
                required=True,
            ),
            text_area(
                "Text",
                "body",
                error=RepliesState.body_error,
                default_value=RepliesState.chosen.body,
                rows="5",
                max_length=MAX_BODY,
            ),
            rx.el.ul(*known, class_name="variables soft", aria_label="Variables you can use"),
            class_name="stack",
        ),
        rx.el.div(
            button("Save", type="submit", look="main", small=True),
            button("Cancel", small=True, on_click=RepliesState.close_form),
            class_name="row",
            margin_top="12px",
        ),
        key=RepliesState.editing,
        on_submit=RepliesState.save,
        class_name="setup-form",
    )
