"""The Channels page."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    dialog,
    empty_state,
    link_button,
    notice,
    notice_area,
    panel,
    skeleton_rows,
)
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.channels.card_view import channel_card
from tenant_portal.ui.pages.channels.cards import NumberGroup
from tenant_portal.ui.pages.channels.state import ChannelsState

INTRO = "How people reach you: text messages, WhatsApp and voicemail, all in one inbox."
SETTING_UP = "Your connection to Twilio is being set up. You can connect channels in a minute."


def channels_page() -> rx.Component:
    """Cards of all channels, and the way to connect another one."""
    return page(
        "Channels",
        rx.cond(ChannelsState.standing == "provisioning", notice(SETTING_UP, "info")),
        notice_area(ChannelsState.notice, ChannelsState.tone, ChannelsState.close_notice),
        rx.cond(ChannelsState.loaded, _cards(), panel(skeleton_rows())),
        _how_tests_work(),
        _question(),
        active=routes.CHANNELS,
        intro=INTRO,
        actions=(
            link_button("WhatsApp templates", routes.TEMPLATES, icon="message-square-text"),
            rx.cond(ChannelsState.may_change, _connect("main")),
        ),
    )


def _connect(look: str) -> rx.Component:
    return link_button("Connect a channel", routes.CONNECT, icon="plus", look=look)


def _cards() -> rx.Component:
    nothing = panel(
        empty_state(
            "radio-tower",
            "Nothing is connected yet",
            "Connect a number, and everything people send to it or say on it appears in your inbox.",
            rx.cond(ChannelsState.may_change, _connect("main")),
        )
    )
    return rx.cond(ChannelsState.groups.length() > 0, rx.foreach(ChannelsState.groups, _group), nothing)


def _group(group: rx.Var[NumberGroup]) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2(group.number, class_name="num number-title"),
            rx.el.span(group.price, class_name="soft num"),
            class_name="number-head",
        ),
        rx.el.div(rx.foreach(group.cards, channel_card), class_name="channel-grid"),
        class_name="number-group",
        aria_label=group.number,
    )


def _how_tests_work() -> rx.Component:
    text = (
        "A test compares what is set at Twilio with this portal's addresses, then sends something and waits until it is"
        " here. With a second number of yours it is a real text message between the two, at the usual price. With a"
        " single number, and for WhatsApp and calls, the portal sends itself what Twilio would send, over its public"
        " address and signed with your account's key; only Twilio's own sending is not part of it. To try that as well,"
        " write or call from any phone."
    )
    return rx.cond(
        ChannelsState.groups.length() > 0,
        rx.el.details(rx.el.summary("What a test proves"), rx.el.p(text), class_name="channel-note soft"),
    )


def _question() -> rx.Component:
    keep = rx.cond(
        ChannelsState.asked_can_release,
        _release_choice(),
        rx.cond(
            ChannelsState.asked_shared_with != "",
            rx.el.p("The number stays, because it also carries ", ChannelsState.asked_shared_with, "."),
        ),
    )
    return dialog(
        keep,
        rx.el.div(
            button("Cancel", on_click=ChannelsState.keep_connected(False)),
            button(
                rx.cond(ChannelsState.release_number, "Disconnect and give the number back", "Disconnect"),
                look="danger",
                on_click=ChannelsState.disconnect,
            ),
            class_name="row",
            justify_content="flex-end",
            margin_top="20px",
        ),
        title="Disconnect " + ChannelsState.asked_title + " on " + ChannelsState.asked_number + "?",
        intro="Nothing more will arrive on this channel, and nothing can be sent. Leads, messages and voicemails stay.",
        open_var=ChannelsState.asked != "",
        on_open_change=ChannelsState.keep_connected,
    )


def _release_choice() -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.el.input(type="checkbox", on_change=ChannelsState.choose_release),
            rx.el.span("Also give the number back to Twilio"),
            class_name="row",
        ),
        rx.cond(
            ChannelsState.release_number,
            notice(
                "The number is lost for good: somebody else may get it, and with it what your customers send there.",
                "warn",
            ),
            rx.el.p("Without this the number stays yours and is billed on.", class_name="soft", margin="4px 0 0"),
        ),
    )
