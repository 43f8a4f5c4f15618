"""How a person chooses what they are told of."""

import reflex as rx

from tenant_portal.models.enums import Told
from tenant_portal.ui.components import button, field, notice_area, panel, skeleton_rows
from tenant_portal.ui.components.page_signals import chime_button, notification_permission
from tenant_portal.ui.pages.settings.notifications_state import NotificationsState

THREADS = (
    (Told.ALL, "All conversations"),
    (Told.MINE, "Mine, and those nobody has taken"),
    (Told.NONE, "None"),
)


def notifications() -> rx.Component:
    """Permission of this browser, and what is wanted in all of them."""
    choice = rx.el.div(
        _threads(),
        _tick("shows_text", "Show what was written", NotificationsState.shows_text),
        rx.el.div(
            _tick("plays_sound", "Play a sound", NotificationsState.plays_sound),
            chime_button(),
            class_name="row row-wrap",
        ),
        rx.el.div(button("Save", look="main", type="submit")),
        class_name="stack",
    )
    content = rx.el.div(
        notification_permission(),
        notice_area(NotificationsState.notice, "good", on_close=NotificationsState.close_notice),
        rx.form(choice, on_submit=NotificationsState.save),
        class_name="stack",
    )
    return panel(
        rx.cond(NotificationsState.is_loaded, content, skeleton_rows(3, "32px")),
        title="Notifications",
        note="New messages and voicemails, while a tab of the portal is open; none for the conversation you look at.",
    )


def _threads() -> rx.Component:
    options = [rx.el.option(words, value=value.value) for value, words in THREADS]
    control = rx.el.select(
        *options,
        id="threads",
        name="threads",
        # A new default is taken up by a new element only.
        default_value=NotificationsState.threads,
        key=NotificationsState.threads,
        class_name="select",
        custom_attrs={"aria-describedby": "threads-error"},
    )
    return field("Notify me of", control, name="threads", error=NotificationsState.error)


def _tick(name: str, words: str, value: rx.Var[bool]) -> rx.Component:
    box = rx.el.input(type="checkbox", name=name, default_checked=value, key=value.to_string())
    return rx.el.label(box, rx.el.span(words), class_name="check")
