"""How one phone looks: its settings, its frame, its keys and its apps."""

import reflex as rx

from tenant_portal.ui.components import icon_button
from tenant_portal.ui.pages.simulator.chat_view import chat
from tenant_portal.ui.pages.simulator.handset_state import LONGEST_TEXT, HandsetState
from tenant_portal.ui.pages.simulator.phones import LineItem, PhoneItem

Phone = rx.Var[PhoneItem]
APPS = (("sms", "message-square", "SMS"), ("whatsapp", "message-circle", "WhatsApp"), ("call", "phone", "Call"))
KEYS = (
    ("emoji", "smile", "Send an emoji"),
    ("picture", "image", "Send a picture"),
    ("place", "map-pin", "Share a location"),
    ("button", "square-check", "Tap a Yes button"),
)


def phone_view(phone: Phone, side: int) -> rx.Component:
    """A whole phone with what it is set to above it."""
    screen = rx.el.div(
        _status_bar(phone),
        _head(phone),
        chat(phone, side),
        _foot(phone, side),
        _dock(phone, side),
        class_name="phone-screen",
    )
    return rx.el.section(
        _settings(phone, side),
        rx.el.div(screen, class_name=rx.Var.create("phone phone-") + phone.channel),
        aria_label=f"Phone {side + 1}",
        class_name="phone-column",
    )


def _settings(phone: Phone, side: int) -> rx.Component:
    lines = rx.el.select(
        rx.foreach(HandsetState.lines, _option),
        id=f"line-{side}",
        value=phone.number,
        on_change=lambda number: HandsetState.choose_line(side, number),
        class_name="select",
    )
    lead = rx.el.input(
        id=f"lead-{side}",
        default_value=phone.lead,
        key=phone.lead,
        on_blur=lambda number: HandsetState.choose_lead(side, number),
        class_name="input num",
        input_mode="tel",
        auto_complete="off",
    )
    return rx.el.div(
        _labelled("Writes to", f"line-{side}", lines),
        _labelled("Lead's own number", f"lead-{side}", lead),
        class_name="phone-settings",
    )


def _labelled(label: str, target: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.label(label, html_for=target, class_name="field-label"), control, class_name="field")


def _option(line: rx.Var[LineItem]) -> rx.Component:
    return rx.el.option(line.label, value=line.number)


def _status_bar(phone: Phone) -> rx.Component:
    icons = [rx.icon(name, size=14, aria_hidden="true") for name in ("signal", "wifi", "battery-full")]
    return rx.el.div(
        rx.el.span(phone.owner, class_name="phone-owner truncate"),
        rx.el.span(class_name="phone-island", aria_hidden="true"),
        rx.el.span(*icons, class_name="phone-signs"),
        class_name="phone-status",
    )


def _head(phone: Phone) -> rx.Component:
    names = rx.el.div(
        rx.el.h2(phone.client, class_name="phone-client truncate"),
        rx.el.div(phone.shown_number, class_name="phone-number num"),
        class_name="grow",
    )
    badge = rx.el.div(rx.icon("building-2", size=18), class_name="phone-avatar", aria_hidden="true")
    return rx.el.div(badge, names, class_name="phone-head")


def _foot(phone: Phone, side: int) -> rx.Component:
    return rx.el.div(
        rx.el.div(_note(phone), role="status", aria_live="polite"),
        rx.cond(phone.channel == "call", _dial(phone, side), _composer(phone, side)),
        class_name="phone-foot",
    )


def _note(phone: Phone) -> rx.Component:
    code = rx.el.div(
        "WhatsApp verifies this number. The code is ",
        rx.el.strong(phone.code, class_name="num"),
        class_name="phone-note phone-note-warn",
    )
    closed = rx.el.div("This number is not connected for this channel yet.", class_name="phone-note")
    said = rx.el.div(phone.note, class_name="phone-note phone-note-warn")
    waiting = rx.cond(
        (phone.code != "") & (phone.channel == "whatsapp"), code, rx.cond(phone.is_connected, rx.fragment(), closed)
    )
    return rx.cond(phone.note != "", said, waiting)


def _dial(phone: Phone, side: int) -> rx.Component:
    words = rx.cond(phone.is_calling, "On the line…", "Call and leave a voicemail")
    return rx.el.div(
        rx.el.p("Says: “", HandsetState.sample, "”", class_name="phone-sample"),
        rx.el.button(
            rx.icon("phone", size=18, aria_hidden="true"),
            words,
            type="button",
            class_name="phone-dial",
            disabled=phone.is_calling,
            on_click=HandsetState.call(side),
        ),
    )


def _composer(phone: Phone, side: int) -> rx.Component:
    field = rx.el.input(
        name="text",
        placeholder=rx.cond(phone.channel == "whatsapp", "WhatsApp message", "Text message"),
        aria_label="Message",
        class_name="phone-input",
        auto_complete="off",
        max_length=LONGEST_TEXT,
    )
    send = rx.el.button(
        rx.icon("arrow-up", size=18, aria_hidden="true"), type="submit", aria_label="Send", class_name="phone-send"
    )
    form = rx.el.form(
        field,
        send,
        on_submit=lambda data: HandsetState.send(side, data),
        reset_on_submit=True,
        class_name="phone-form",
    )
    return rx.el.div(_keys(side), form)


def _keys(side: int) -> rx.Component:
    keys = [icon_button(icon, label, small=True, on_click=HandsetState.press(side, what)) for what, icon, label in KEYS]
    stop = rx.el.button(
        "STOP",
        type="button",
        title="Write STOP: no more messages, please",
        class_name="phone-stop",
        on_click=HandsetState.press(side, "stop"),
    )
    return rx.el.div(*keys, stop, class_name="phone-keys")


def _dock(phone: Phone, side: int) -> rx.Component:
    apps = [_app(phone, side, *app) for app in APPS]
    return rx.el.div(*apps, class_name="phone-dock", role="group", aria_label="Channel")


def _app(phone: Phone, side: int, channel: str, icon: str, words: str) -> rx.Component:
    news = rx.el.span(rx.el.span("New", class_name="visually-hidden"), class_name="phone-dot")
    return rx.el.button(
        rx.el.span(rx.icon(icon, size=17, aria_hidden="true"), class_name=f"phone-icon phone-icon-{channel}"),
        rx.el.span(words),
        rx.cond(phone.fresh.contains(channel), news),
        type="button",
        class_name="phone-app",
        aria_pressed=rx.cond(phone.channel == channel, "true", "false"),
        on_click=HandsetState.choose_channel(side, channel),
    )
