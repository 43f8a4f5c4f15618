"""Who the open thread is with; the third pane of a wide screen."""

import reflex as rx

from tenant_portal.ui.components import link_button, status_badge
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.pages.inbox.state import InboxState


def person_pane() -> rx.Component:
    """The lead, as far as it is known here; the rest is a page of its own."""
    thread = InboxState.thread
    return rx.el.aside(
        rx.el.div(
            lead_avatar(thread.initials, thread.tint, large=True),
            rx.el.h2(thread.name, class_name="thread-title"),
            rx.cond(thread.opted_out, status_badge("Unsubscribed", "warn")),
            class_name="person-head",
        ),
        rx.el.dl(
            _fact("Number", thread.number),
            _fact("Profile name", thread.profile_name),
            _fact("Place", thread.place),
            rx.el.dt("First contact"),
            rx.el.dd(long_time(thread.first_contact)),
            class_name="facts",
        ),
        link_button("Open the lead's page", thread.lead_href, icon="user-round"),
        class_name="person-pane",
        aria_label="Person",
    )


def _fact(label: str, value: rx.Var[str]) -> rx.Component:
    return rx.cond(value != "", rx.fragment(rx.el.dt(label), rx.el.dd(value)))
