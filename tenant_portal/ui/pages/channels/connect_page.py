"""The guided way to a new channel: what, which number, what it costs."""

import reflex as rx

from tenant_portal.channels import rules
from tenant_portal.channels.numbers import Number
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    empty_state,
    notice,
    panel,
    select_field,
    skeleton_rows,
    status_badge,
    text_input,
    text_link,
)
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.channels.connect_confirm import confirm
from tenant_portal.ui.pages.channels.connect_state import ConnectState
from tenant_portal.ui.pages.channels.state import ChannelsState

KINDS = (
    (ChannelKind.SMS, "message-square-text", "Text messages", "Receive and answer SMS and pictures."),
    (ChannelKind.WHATSAPP, "message-circle", "WhatsApp", "Needs a number that WhatsApp can send a code to."),
    (ChannelKind.VOICEMAIL, "voicemail", "Voicemail", "Calls are greeted and recorded for you."),
)
NUMBER_TYPES = (("local", "Local"), ("mobile", "Mobile"), ("toll free", "Toll-free"))


def connect_page() -> rx.Component:
    """Three questions on one page; each appears when the one before is answered."""
    return page(
        "Connect a channel",
        rx.cond(
            ChannelsState.loaded & ConnectState.is_begun,
            rx.cond(ChannelsState.may_change, _questions(), _not_allowed()),
            panel(skeleton_rows(3, "56px")),
        ),
        active=routes.CHANNELS,
        intro=rx.fragment(text_link("Channels", routes.CHANNELS), " / One number can carry several channels."),
        width="narrow",
    )


def _not_allowed() -> rx.Component:
    return panel(
        empty_state(
            "lock",
            "Only owners can connect channels",
            "Ask an owner of your team, or your agency if the account is suspended.",
        )
    )


def _questions() -> rx.Component:
    return rx.fragment(
        panel(
            rx.el.div(*[_kind(*kind) for kind in KINDS], class_name="choices", role="group", aria_label="Channels"),
            title="1. What do you want to connect?",
        ),
        rx.cond(
            ConnectState.chosen,
            confirm(),
            rx.cond(ConnectState.kinds.length() > 0, _which_number(), _nothing_chosen()),
        ),
    )


def _kind(kind: ChannelKind, icon: str, title: str, text: str) -> rx.Component:
    is_on = ConnectState.kinds.contains(kind.value)
    return rx.el.button(
        rx.icon(icon, aria_hidden="true"),
        rx.el.span(rx.el.strong(title), rx.el.span(text, class_name="soft"), class_name="choice-text"),
        rx.cond(is_on, rx.icon("circle-check", aria_hidden="true", class_name="choice-mark"), rx.fragment()),
        type="button",
        role="checkbox",
        aria_checked=rx.cond(is_on, "true", "false"),
        on_click=ConnectState.toggle_kind(kind.value),
        class_name="choice",
    )


def _nothing_chosen() -> rx.Component:
    return panel(empty_state("hand", "Choose at least one channel", "Then you can look for a number."))


def _which_number() -> rx.Component:
    return panel(
        rx.el.div(
            _source("new", "A new number"),
            _source("owned", "A number you have here"),
            rx.cond(ConnectState.only_whatsapp, _source("other", "Another phone")),
            class_name="segments",
            role="group",
            aria_label="Where the number comes from",
        ),
        rx.match(ConnectState.source, ("new", _search_form()), ("other", _other_form()), rx.fragment()),
        rx.el.div(_results(), aria_live="polite"),
        title="2. Which number?",
    )


def _source(name: str, words: str) -> rx.Component:
    return rx.el.button(
        words,
        type="button",
        aria_pressed=rx.cond(ConnectState.source == name, "true", "false"),
        on_click=ConnectState.choose_source(name),
        class_name="segment",
    )


def _search_form() -> rx.Component:
    has_areas = (ConnectState.country == "US") | (ConnectState.country == "CA")
    return rx.form(
        rx.el.div(
            select_field(
                "Country",
                "country",
                rules.COUNTRIES,
                default_value=ConnectState.country,
                on_change=ConnectState.choose_country,
            ),
            select_field("Kind of number", "number_type", NUMBER_TYPES, default_value="local"),
            rx.cond(
                has_areas,
                text_input("Area code", "area_code", input_mode="numeric", max_length=3, placeholder="415"),
            ),
            text_input("Digits it should hold", "digits", max_length=20, placeholder="any"),
            class_name="form-grid",
        ),
        button(
            rx.cond(ConnectState.searching, "Searching…", "Search"),
            icon="search",
            look="main",
            type="submit",
            busy=ConnectState.searching,
        ),
        on_submit=ConnectState.search,
        class_name="stack",
    )


def _other_form() -> rx.Component:
    return rx.form(
        text_input(
            "Phone number",
            "phone_number",
            hint="A phone you can take a text or call on. It must not be used in the WhatsApp app at the same time.",
            type="tel",
            auto_complete="tel",
            placeholder="+1 415 555 0100",
            required=True,
        ),
        button("Go on", look="main", type="submit"),
        on_submit=ConnectState.choose_other,
        class_name="stack",
    )


def _results() -> rx.Component:
    return rx.fragment(
        rx.cond(ConnectState.problem != "", rx.el.div(notice(ConnectState.problem, "warn"), margin_top="16px")),
        rx.cond(
            ConnectState.results.length() > 0,
            rx.el.ul(rx.foreach(ConnectState.results, _result), class_name="rows number-list"),
        ),
    )


def _result(number: rx.Var[Number]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(number.shown, class_name="num channel-number"),
            rx.el.div(number.place, class_name="soft"),
            min_width="0",
            flex="1",
        ),
        _abilities(number),
        rx.el.div(
            rx.cond(number.price != "", rx.el.strong(number.price)),
            rx.cond(number.price != "", rx.el.div("a month", class_name="soft")),
            class_name="num number-price",
        ),
        rx.cond(
            number.obstacle != "",
            rx.el.span(number.obstacle, class_name="soft number-obstacle"),
            button(
                "Choose",
                small=True,
                on_click=ConnectState.choose(number.phone_number),
                aria_label="Choose " + number.shown,
            ),
        ),
        class_name="number-row",
    )


def _abilities(number: rx.Var[Number]) -> rx.Component:
    return rx.el.div(
        rx.cond(number.sms, status_badge("Text", "neutral")),
        rx.cond(number.mms, status_badge("Pictures", "neutral")),
        rx.cond(number.voice, status_badge("Calls", "neutral")),
        class_name="row row-wrap",
        gap="6px",
    )
