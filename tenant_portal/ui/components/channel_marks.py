"""The kinds of channel as small coloured signs."""

import reflex as rx

ICONS = (
    ("sms", "message-square", "SMS"),
    ("whatsapp", "message-circle", "WhatsApp"),
    ("voicemail", "voicemail", "Voicemail"),
)


def channel_mark(kind: rx.Var[str]) -> rx.Component:
    """The sign of a kind of channel, with its name for screen readers."""
    marks = [
        (
            value,
            rx.el.span(
                rx.icon(icon, size=14, aria_hidden="true"),
                rx.el.span(name, class_name="visually-hidden"),
                class_name=f"channel-mark channel-{value}",
                title=name,
            ),
        )
        for value, icon, name in ICONS
    ]
    return rx.match(kind, *marks, rx.fragment())
