"""How one phone looks: its frame, its chat, and the keys below."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components import icon_button
from tenant_portal.ui.components.local_time import clock_time
from tenant_portal.ui.pages.simulator.handset_state import HandsetState
from tenant_portal.ui.pages.simulator.phones import Bubble, LineItem, PhoneItem

TABS = (("sms", "message-square", "SMS"), ("whatsapp", "message-circle", "WhatsApp"), ("call", "phone", "Call"))
KEYS = (
    ("emoji", "smile", "Send an emoji"),
    ("picture", "image", "Send a picture"),
    ("place", "map-pin", "Share a place"),
    ("button", "square-check", "Press the button Yes, please"),
    ("stop", "ban", "Write STOP"),
)


def phone_view(side: int) -> rx.Component:
    """A whole phone with what it is set to above it."""
    phone = HandsetState.phones[side]
    return rx.el.section(
        _settings(phone, side),
        rx.el.div(
            rx.el.div(class_name="phone-speaker", aria_hidden="true"),
            rx.el.div(_head(phone), _tabs(phone, side), _chat(phone), _foot(phone, side), class_name="phone-screen"),
            class_name="phone phone-on-" + phone.channel,
        ),
        aria_label=phone.title,
        class_name="phone-column",
    )


def _settings(phone: rx.Var[PhoneItem], side: int) -> rx.Component:
    line_id, lead_id = f"line-{side}", f"lead-{side}"
    lines = rx.el.select(
        rx.foreach(HandsetState.lines, _option),
        id=line_id,
        value=phone.number,
        on_change=lambda number: HandsetState.choose_line(side, number),
        class_name="select",
    )
    lead = rx.el.input(
        id=lead_id,
        default_value=phone.lead,
        key=phone.lead,
        on_blur=lambda number: HandsetState.choose_lead(side, number),
        class_name="input num",
        input_mode="tel",
        auto_complete="off",
    )
    return rx.el.div(
        _labelled("Client's number", line_id, lines),
        _labelled("Lead's phone", lead_id, lead),
        class_name="phone-settings",
    )


def _labelled(label: str, target: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.label(label, html_for=target, class_name="field-label"), control, class_name="field")


def _option(line: rx.Var[LineItem]) -> rx.Component:
    return rx.el.option(line.label, value=line.number)


def _head(phone: rx.Var[PhoneItem]) -> rx.Component:
    code = rx.cond(
        phone.code != "",
        rx.el.div(
            "WhatsApp code for this number: ", rx.el.strong(phone.code, class_name="num"), class_name="phone-code"
        ),
    )
    names = rx.el.div(
        rx.el.div(phone.client, class_name="phone-client truncate"),
        rx.el.div(phone.number, class_name="phone-number num"),
        min_width="0",
    )
    badge = rx.el.div(rx.icon("building-2", size=18), class_name="phone-avatar", aria_hidden="true")
    return rx.el.div(rx.el.div(badge, names, class_name="row"), code, class_name="phone-head")


def _tabs(phone: rx.Var[PhoneItem], side: int) -> rx.Component:
    tabs = [
        rx.el.button(
            rx.icon(icon, size=14, aria_hidden="true"),
            label,
            type="button",
            class_name="phone-tab",
            aria_pressed=rx.cond(phone.channel == value, "true", "false"),
            on_click=HandsetState.choose_channel(side, value),
        )
        for value, icon, label in TABS
    ]
    return rx.el.div(*tabs, class_name="phone-tabs", role="group", aria_label="Channel")


def _chat(phone: rx.Var[PhoneItem]) -> rx.Component:
    empty = rx.el.p("Nothing written yet. Say hello!", class_name="phone-empty")
    return rx.auto_scroll(
        rx.cond(phone.bubbles.length() > 0, rx.foreach(phone.bubbles, _bubble), empty),
        class_name="phone-chat",
        role="log",
        tab_index=0,
        aria_label="What this phone shows",
    )


def _bubble(item: rx.Var[Bubble]) -> rx.Component:
    side = rx.cond(item.mine, "phone-mine", "phone-theirs")
    return rx.el.div(rx.cond(item.kind == "call", _call(item), _message(item)), class_name="phone-line " + side)


def _call(item: rx.Var[Bubble]) -> rx.Component:
    head = rx.el.div(
        rx.icon("phone-outgoing", size=14, aria_hidden="true"),
        item.call,
        clock_time(item.at),
        class_name="phone-call-head",
    )
    heard = rx.el.ul(rx.foreach(item.heard, rx.el.li), class_name="phone-heard")
    return rx.el.div(head, heard, class_name="phone-bubble phone-call")


def _message(item: rx.Var[Bubble]) -> rx.Component:
    place = rx.cond(
        item.place != "",
        rx.el.div(rx.icon("map-pin", size=14, aria_hidden="true"), item.place, class_name="phone-place"),
    )
    foot = rx.el.div(
        rx.cond(item.kind == "whatsapp", "WhatsApp", "SMS"),
        clock_time(item.at),
        _ticks(item),
        class_name="phone-foot-line",
    )
    pictures = rx.foreach(item.pictures, lambda url: rx.el.img(src=url, alt="Picture", class_name="phone-picture"))
    text = rx.cond(item.text != "", rx.el.div(item.text, class_name="phone-text"))
    return rx.el.div(pictures, place, text, foot, class_name="phone-bubble phone-bubble-" + item.kind)


def _ticks(item: rx.Var[Bubble]) -> rx.Component:
    failed = rx.el.span(rx.icon("circle-alert", size=13, aria_hidden="true"), item.failed, class_name="phone-failed")
    one = rx.icon("check", size=14, aria_label="Sent")
    two = rx.icon("check-check", size=14, aria_label="Delivered")
    ticks = rx.cond(item.ticks == 2, two, rx.cond(item.ticks == 1, one))
    return rx.cond(item.failed != "", failed, ticks)


def _foot(phone: rx.Var[PhoneItem], side: int) -> rx.Component:
    note = rx.el.div(phone.note, role="status", aria_live="polite", class_name="phone-note")
    return rx.el.div(note, rx.cond(phone.channel == "call", _call_key(side), _composer(side)), class_name="phone-foot")


def _call_key(side: int) -> rx.Component:
    return rx.el.button(
        rx.icon("phone", size=18, aria_hidden="true"),
        "Call and leave the sample voicemail",
        type="button",
        class_name="phone-dial",
        on_click=HandsetState.call(side),
    )


def _composer(side: int) -> rx.Component:
    field: Any = rx.el.input(
        name="text",
        placeholder="Message",
        aria_label="Message",
        class_name="phone-input",
        auto_complete="off",
        max_length=1600,
    )
    send = rx.el.button(rx.icon("send", size=16), type="submit", aria_label="Send", class_name="phone-send")
    keys = [icon_button(icon, label, small=True, on_click=HandsetState.press(side, what)) for what, icon, label in KEYS]
    form = rx.form(
        rx.el.div(field, send, class_name="row"),
        on_submit=lambda data: HandsetState.send(side, data),
        reset_on_submit=True,
    )
    return rx.el.div(rx.el.div(*keys, class_name="phone-keys"), form)
