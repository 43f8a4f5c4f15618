"""What a phone shows of one channel: bubbles, or calls."""

import reflex as rx

from tenant_portal.ui.components.local_time import clock_time
from tenant_portal.ui.pages.simulator.handset_state import HandsetState
from tenant_portal.ui.pages.simulator.phones import Bubble, ButtonItem, PhoneItem

Item = rx.Var[Bubble]


def chat(phone: rx.Var[PhoneItem], side: int) -> rx.Component:
    """The history with one number, the newest at the bottom."""
    empty = rx.el.p(
        rx.cond(phone.channel == "call", "No calls yet.", "Nothing written yet. Say hello!"), class_name="phone-empty"
    )
    return rx.auto_scroll(
        rx.cond(phone.bubbles.length() > 0, rx.foreach(phone.bubbles, lambda item: _line(item, side)), empty),
        class_name="phone-chat",
        role="log",
        tab_index=0,
        aria_label="What this phone shows",
    )


def _line(item: Item, side: int) -> rx.Component:
    look = rx.cond(item.mine, "phone-line phone-mine", "phone-line phone-theirs")
    return rx.el.div(
        rx.cond(item.kind == "call", _call(item), _message(item, side)),
        class_name=look,
        key=item.id,
    )


def _call(item: Item) -> rx.Component:
    head = rx.el.div(
        rx.icon("phone-outgoing", size=15, aria_hidden="true"),
        rx.el.span(item.words),
        clock_time(item.at),
        class_name="phone-ring-head",
    )
    left = rx.el.div(
        rx.icon("voicemail", size=15, aria_hidden="true"),
        rx.cond(item.state == "live", "After the beep: speaking…", "After the beep: left a message"),
        class_name="phone-ring-left",
    )
    return rx.el.div(
        head,
        rx.foreach(item.heard, lambda words: rx.el.p(words, class_name="phone-heard")),
        rx.cond(item.left_message, left),
        class_name=rx.cond(item.state == "live", "phone-ring phone-ring-live", "phone-ring"),
    )


def _message(item: Item, side: int) -> rx.Component:
    inside = rx.el.div(
        rx.foreach(item.pictures, _picture),
        rx.cond(item.place != "", _place(item)),
        rx.cond(item.text != "", rx.el.div(item.text, class_name="phone-text")),
        rx.el.div(clock_time(item.at), _sign(item), class_name="phone-meta"),
        rx.foreach(item.buttons, lambda one: _button(one, side)),
        class_name=rx.Var.create("phone-bubble phone-bubble-") + item.state,
    )
    words = rx.el.div(item.words, class_name=rx.Var.create("phone-words phone-words-") + item.state)
    return rx.fragment(inside, rx.cond(item.words != "", words))


def _button(one: rx.Var[ButtonItem], side: int) -> rx.Component:
    return rx.cond(
        one.is_reply,
        rx.el.button(
            rx.icon("reply", size=14, aria_hidden="true"),
            one.title,
            type="button",
            class_name="phone-button",
            on_click=HandsetState.tap(side, one.title, one.payload),
        ),
        rx.el.div(one.title, class_name="phone-button", title=one.payload),
    )


def _picture(url: rx.Var[str]) -> rx.Component:
    return rx.el.img(src=url, alt="Picture", class_name="phone-picture")


def _place(item: Item) -> rx.Component:
    return rx.el.div(
        rx.el.span(rx.icon("map-pin", size=18, aria_hidden="true"), class_name="phone-pin"),
        rx.el.span(item.place),
        class_name="phone-place",
    )


def _sign(item: Item) -> rx.Component:
    """Ticks stand under what the lead has written; what comes to a phone bears none."""
    there = rx.fragment(
        rx.icon("check-check", size=14, aria_hidden="true"), rx.el.span("Delivered", class_name="visually-hidden")
    )
    return rx.cond(item.mine & (item.state != "failed"), there)
