"""How one channel looks."""

import reflex as rx

from tenant_portal.ui.components import button, link_button, notice, relative_time, status_badge
from tenant_portal.ui.pages.channels.cards import Card, Step, TestLine
from tenant_portal.ui.pages.channels.state import ChannelsState

ICONS = (("sms", "message-square-text"), ("whatsapp", "message-circle"), ("voicemail", "voicemail"))
STEP_ICONS = (("done", "circle-check"), ("now", "loader-circle"), ("failed", "circle-alert"))


def channel_card(card: rx.Var[Card]) -> rx.Component:
    """A channel with its state, what can be done, and what a test showed."""
    return rx.el.article(
        _head(card),
        rx.cond(card.is_active, _activity(card)),
        rx.cond(card.steps.length() > 0, rx.el.ol(rx.foreach(card.steps, _step), class_name="channel-steps")),
        rx.cond(card.hint != "", rx.el.p(card.hint, class_name="soft", margin="0")),
        rx.cond(card.problem != "", notice(card.problem, "warn")),
        rx.cond(card.needs_code & ChannelsState.may_change, _code_form(card)),
        rx.cond(card.kind == "voicemail", _greeting(card)),
        rx.cond(card.test != "", _test(card)),
        rx.cond(ChannelsState.may_change, _actions(card)),
        class_name="panel channel-card",
        aria_label=card.title + " " + card.number,
    )


def kind_icon(kind: rx.Var[str]) -> rx.Component:
    """The picture of a kind of channel."""
    choices = [(name, rx.icon(icon, aria_hidden="true")) for name, icon in ICONS]
    return rx.el.span(rx.match(kind, *choices, rx.icon("radio-tower")), class_name="channel-icon")


def _head(card: rx.Var[Card]) -> rx.Component:
    return rx.el.div(
        kind_icon(card.kind),
        rx.el.h3(card.title, class_name="panel-title", flex="1", min_width="0"),
        status_badge(card.label, card.tone),
        class_name="channel-head",
    )


def _activity(card: rx.Var[Card]) -> rx.Component:
    last = rx.fragment("Last activity ", relative_time(card.last_webhook_at))
    return rx.el.div(rx.cond(card.last_webhook_at != "", last, "No activity yet"), class_name="soft channel-activity")


def _step(step: rx.Var[Step]) -> rx.Component:
    icons = [(status, rx.icon(icon, size=16, aria_hidden="true")) for status, icon in STEP_ICONS]
    return rx.el.li(
        rx.match(step.status, *icons, rx.icon("circle", size=16, aria_hidden="true")),
        rx.el.span(step.label),
        rx.el.span(
            rx.match(step.status, ("done", ", done"), ("now", ", under way"), ("failed", ", failed"), ""),
            class_name="visually-hidden",
        ),
        class_name=rx.Var.create("channel-step channel-step-") + step.status,
    )


def _code_form(card: rx.Var[Card]) -> rx.Component:
    return rx.form(
        rx.el.input(type="hidden", name="channel_id", value=card.id),
        rx.el.label(
            rx.el.span("Code from WhatsApp", class_name="field-label"),
            rx.el.input(
                name="code", class_name="input", auto_complete="one-time-code", input_mode="numeric", required=True
            ),
            class_name="field",
            flex="1",
        ),
        button("Confirm", look="main", type="submit"),
        on_submit=ChannelsState.submit_code,
        reset_on_submit=True,
        class_name="row",
        align_items="flex-end",
    )


def _greeting(card: rx.Var[Card]) -> rx.Component:
    said = rx.cond(
        card.plays_file,
        rx.el.p("A recording of your own.", class_name="channel-greeting"),
        rx.el.blockquote(card.greeting, class_name="channel-greeting"),
    )
    return rx.el.div(
        rx.el.div("Callers hear", class_name="field-hint"),
        said,
        rx.cond(
            ~card.is_settling, link_button("Greeting, hours and texts", card.voice_href, icon="pencil", small=True)
        ),
    )


def _test(card: rx.Var[Card]) -> rx.Component:
    running = rx.el.p("The test is under way…", class_name="soft", margin="0")
    heading = rx.cond(card.test == "passed", "Test passed", "Test failed")
    done = rx.el.div(
        rx.el.div(
            status_badge(heading, rx.cond(card.test == "passed", "good", "bad")),
            relative_time(card.test_at),
            class_name="row soft",
        ),
        rx.el.ul(rx.foreach(card.test_lines, _test_line), class_name="channel-checks"),
    )
    return rx.el.div(rx.cond(card.test == "running", running, done), role="status", class_name="channel-test")


def _test_line(line: rx.Var[TestLine]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            line.ok,
            rx.icon("check", size=16, aria_label="Fine", class_name="ok"),
            rx.icon("x", size=16, aria_label="Not fine", class_name="not-ok"),
        ),
        rx.el.div(rx.el.strong(line.name), ": ", line.text, min_width="0"),
    )


def _actions(card: rx.Var[Card]) -> rx.Component:
    again = rx.cond(card.is_active, "Set up again", "Try again")
    return rx.el.div(
        rx.cond(
            card.is_active,
            button(
                "Test this channel",
                icon="activity",
                small=True,
                on_click=ChannelsState.test(card.id),
                busy=card.test == "running",
            ),
        ),
        rx.cond(card.can_repeat, button(again, icon="rotate-cw", small=True, on_click=ChannelsState.repeat(card.id))),
        rx.cond(
            card.label != "Disconnecting",
            button("Disconnect", small=True, look="quiet", on_click=ChannelsState.ask_disconnect(card.id)),
        ),
        class_name="channel-actions",
    )
