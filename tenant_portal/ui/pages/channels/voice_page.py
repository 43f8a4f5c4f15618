"""How a channel answers calls: greeting, hours, the phone that rings first, the text to missed callers."""

from collections.abc import Iterable

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    empty_state,
    link_button,
    notice_area,
    panel,
    skeleton_rows,
    text_area,
    text_input,
)
from tenant_portal.ui.components.basics import Text
from tenant_portal.ui.components.fields import field
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.channels.greeting_recorder import greeting_recorder, speech_preview
from tenant_portal.ui.pages.channels.voice_hours import hours_panel
from tenant_portal.ui.pages.channels.voice_state import VoiceState
from tenant_portal.voicemail.rules import GREETING_LIMIT, TEXT_LIMIT
from tenant_portal.voicemail.voices import VOICES

LENGTHS = (("30", "30 seconds"), ("60", "1 minute"), ("120", "2 minutes"), ("300", "5 minutes"))
WINDOWS = (("1", "an hour"), ("4", "4 hours"), ("24", "a day"), ("72", "3 days"), ("168", "a week"))
item = VoiceState.item


def voice_page() -> rx.Component:
    """The settings of one number's calls."""
    return page(
        "Calls and voicemail",
        rx.cond(
            VoiceState.is_missing,
            panel(
                empty_state(
                    "phone-off",
                    "This channel does not exist",
                    "It may have been disconnected, or the address is not complete.",
                    link_button("Back to the channels", routes.CHANNELS),
                )
            ),
            rx.cond(VoiceState.is_loaded, _settings(), panel(skeleton_rows())),
        ),
        active=routes.CHANNELS,
        intro=rx.cond(item.number != "", "What happens when somebody calls " + item.number + ".", ""),
        actions=(link_button("All channels", routes.CHANNELS, icon="arrow-left", look="quiet"),),
        width="narrow",
    )


def _settings() -> rx.Component:
    # As a fieldset, what an agent may not change is shown and cannot be touched.
    return rx.el.fieldset(
        notice_area(VoiceState.notice, VoiceState.tone, VoiceState.close_notice),
        rx.cond(
            ~VoiceState.may_change, rx.el.p("Only an owner can change this.", class_name="soft", margin="0 0 14px")
        ),
        rx.el.div(_greeting(), hours_panel(), _ringing(), _text_back(), class_name="stack", gap="16px"),
        disabled=~VoiceState.may_change,
        key=item.id,
        class_name="voice-settings",
    )


def _greeting() -> rx.Component:
    form = rx.form(
        text_area(
            "Greeting",
            "greeting",
            hint="Read out before the tone, unless you record or upload one below.",
            error=VoiceState.errors["greeting"],
            default_value=item.greeting,
            max_length=GREETING_LIMIT,
            rows="3",
        ),
        rx.el.div(speech_preview("greeting", "voice", "greeting")),
        _file(item.open_url, "open", "greeting"),
        text_area(
            "Greeting outside business hours",
            "closed_greeting",
            hint="Empty for the same words. Used once business hours are set below.",
            error=VoiceState.errors["closed_greeting"],
            default_value=item.closed_greeting,
            max_length=GREETING_LIMIT,
            rows="3",
        ),
        _file(item.closed_url, "closed", "greeting outside business hours"),
        rx.el.div(
            _select("Voice", "voice", _voices(), item.voice),
            _select("Longest message", "max_seconds", _options(LENGTHS), item.max_seconds),
            class_name="voice-pair",
        ),
        check(
            "transcribe", "Write down what callers say (English only, up to 2 minutes, costs extra)", item.transcribe
        ),
        save("Save greeting"),
        on_submit=VoiceState.save_greeting,
        class_name="stack",
    )
    return panel(form, title="Greeting", note="What callers hear, and how long they may speak.")


def _file(url: rx.Var[str], occasion: str, name: str) -> rx.Component:
    played = rx.fragment(
        rx.el.span("Callers hear this recording:", class_name="field-hint"),
        rx.el.audio(src=url, controls=True, preload="metadata", aria_label=f"Recorded {name}"),
        rx.el.div(
            button(
                "Use the written words",
                icon="type",
                small=True,
                look="quiet",
                on_click=VoiceState.use_written(occasion),
            )
        ),
    )
    return rx.el.div(
        rx.cond(url != "", played, rx.el.span(f"Or a recording of your own, as {name}:", class_name="field-hint")),
        rx.cond(VoiceState.may_change, greeting_recorder(item.id, occasion, name)),
        class_name="voice-file",
    )


def _ringing() -> rx.Component:
    form = rx.form(
        rx.el.div(
            text_input(
                "Phone that rings first",
                "ring_number",
                type="tel",
                hint="With its country code. Empty: the greeting comes at once.",
                error=VoiceState.errors["ring_number"],
                default_value=item.ring_number,
                auto_complete="off",
            ),
            text_input(
                "For how many seconds",
                "ring_seconds",
                type="number",
                hint="Below 20, or the phone's own mailbox answers first.",
                error=VoiceState.errors["ring_seconds"],
                default_value=item.ring_seconds,
                min="5",
                max="60",
            ),
            class_name="voice-pair",
        ),
        check("ring_only_open", "Only during business hours", item.ring_only_open),
        save("Save ringing"),
        on_submit=VoiceState.save_ringing,
        class_name="stack",
    )
    note = "An answered call is shown as answered. Twilio charges for the call to your phone as well."
    return panel(form, title="Ring a phone first", note=note)


def _text_back() -> rx.Component:
    form = rx.form(
        check("text_is_on", "Text callers who were not answered", item.text_is_on),
        text_area(
            "Text",
            "text_back_text",
            error=VoiceState.errors["text_back_text"],
            default_value=item.text,
            max_length=TEXT_LIMIT,
            rows="3",
        ),
        rx.el.div(
            _select("Once per caller in", "window_hours", _options(WINDOWS), item.window_hours),
            text_input(
                "Not from",
                "quiet_from",
                type="time",
                error=VoiceState.errors["quiet_from"],
                default_value=item.quiet_from,
            ),
            text_input(
                "until",
                "quiet_until",
                type="time",
                error=VoiceState.errors["quiet_until"],
                default_value=item.quiet_until,
            ),
            class_name="voice-pair",
        ),
        rx.el.p(
            "Never to people who have unsubscribed, withheld numbers or landlines. At night, by the caller's own clock,"
            " it waits until morning, and is left out if your team was faster. Quiet hours in Settings count as well.",
            class_name="field-hint",
            margin="0",
        ),
        save("Save text"),
        on_submit=VoiceState.save_text_back,
        class_name="stack",
    )
    return panel(
        form, title="Text to missed callers", note="Sent by SMS from this number, and kept in the conversation."
    )


def check(name: str, words: str, value: rx.Var[bool], **props: object) -> rx.Component:
    """A tick box with its words."""
    return rx.el.label(
        rx.el.input(type="checkbox", name=name, default_checked=value, **props), rx.el.span(words), class_name="check"
    )


def save(words: str) -> rx.Component:
    """The button of a form; an agent has none."""
    return rx.cond(VoiceState.may_change, rx.el.div(button(words, look="main", type="submit")))


def _select(label: Text, name: str, options: Iterable[rx.Component], value: rx.Var[str]) -> rx.Component:
    return field(label, rx.el.select(*options, id=name, name=name, default_value=value, class_name="select"), name=name)


def _options(choices: Iterable[tuple[str, str]]) -> list[rx.Component]:
    return [rx.el.option(words, value=key) for key, words in choices]


def _voices() -> list[rx.Component]:
    return [
        rx.el.option(voice.label, value=voice.name, custom_attrs={"data-language": voice.language})
        for voice in VOICES.values()
    ]
