"""The form of business hours."""

import reflex as rx

from tenant_portal.tenants.rules import timezones
from tenant_portal.ui.components import button, panel, select_field, status_badge, text_area
from tenant_portal.ui.pages.channels.voice_items import DayItem
from tenant_portal.ui.pages.channels.voice_state import VoiceState

item = VoiceState.item


def hours_panel() -> rx.Component:
    """When the team is there: by weekday, with holidays, in a time zone."""
    ticked = rx.el.label(
        rx.el.input(
            type="checkbox",
            name="has_hours",
            default_checked=item.has_hours,
            on_change=VoiceState.choose_hours,
        ),
        rx.el.span("Greet callers differently outside business hours"),
        class_name="check",
    )
    form = rx.form(
        ticked,
        rx.cond(VoiceState.wants_hours, _fields()),
        rx.cond(VoiceState.may_change, rx.el.div(button("Save hours", look="main", type="submit"))),
        on_submit=VoiceState.save_hours,
        class_name="stack",
    )
    now = rx.cond(item.is_open_now, status_badge("Open now", "good"), status_badge("Closed now", "neutral"))
    return panel(
        form,
        title="Business hours",
        note="Outside of them callers hear the other greeting.",
        actions=(rx.cond(item.has_hours, now),),
    )


def _fields() -> rx.Component:
    return rx.el.div(
        select_field("Time zone", "timezone", [(name, name) for name in timezones()], default_value=item.timezone),
        rx.el.div(rx.foreach(item.days, _day), class_name="voice-week"),
        rx.el.span("Like 9:00-12:00, 13:00-17:30. Leave a day off empty.", class_name="field-hint"),
        text_area(
            "Holidays",
            "holidays",
            hint="One date a line, like 2026-12-25. Closed all day.",
            error=VoiceState.errors["holidays"],
            default_value=item.holidays,
            rows="3",
        ),
        class_name="stack",
    )


def _day(day: rx.Var[DayItem]) -> rx.Component:
    error = VoiceState.errors[day.key]
    return rx.fragment(
        rx.el.label(day.name, html_for=day.key),
        rx.el.div(
            rx.el.input(
                id=day.key,
                name=day.key,
                default_value=day.text,
                placeholder="Closed",
                auto_complete="off",
                aria_invalid=rx.cond(error != "", "true", "false"),
                class_name="input num",
            ),
            rx.el.span(error, class_name="field-error", role="alert"),
            class_name="field",
        ),
        key=day.key,
    )
