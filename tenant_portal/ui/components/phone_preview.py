"""A WhatsApp message as the phone that gets it shows it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import reflex as rx

ICONS = {"reply": "reply", "url": "external-link", "phone": "phone"}


@dataclass(frozen=True)
class PreviewButton:
    """A button below the bubble."""

    action: str
    title: str


@dataclass(frozen=True)
class Preview:
    """What the bubble says. `picture` names where its picture comes from, empty where there is none."""

    body: str = ""
    picture: str = ""
    buttons: list[PreviewButton] = field(default_factory=list)


def preview_of(body: str, media_url: str, buttons: list[tuple[str, str]]) -> Preview:
    """A preview; buttons are (action, title), those without a title are left out."""
    shown = [PreviewButton(action, title) for action, title in buttons if title]
    return Preview(body, _host(media_url), shown)


def phone_preview(preview: rx.Var[Preview]) -> rx.Component:
    """The bubble with its picture and buttons, on WhatsApp's ground."""
    return rx.el.div(
        rx.el.div(
            rx.cond(
                preview.picture != "",
                # The picture itself is not fetched: no request leaves for another site from here.
                rx.el.div(
                    rx.icon("image", size=28, aria_hidden="true"),
                    rx.el.span("From ", preview.picture, class_name="truncate"),
                    class_name="wa-picture",
                ),
            ),
            rx.cond(
                preview.body != "",
                rx.el.div(preview.body, class_name="wa-text"),
                rx.el.div("Your text appears here.", class_name="wa-text wa-empty"),
            ),
            rx.foreach(preview.buttons, _button),
            class_name="wa-bubble",
        ),
        class_name="wa-ground",
        role="group",
        aria_label="Preview as the phone shows it",
    )


def _button(button: rx.Var[PreviewButton]) -> rx.Component:
    icons = [(action, rx.icon(name, size=15, aria_hidden="true")) for action, name in ICONS.items()]
    return rx.el.div(rx.match(button.action, *icons, rx.fragment()), button.title, class_name="wa-button")


def _host(url: str) -> str:
    if not url:
        return ""
    try:
        return urlsplit(url).hostname or "the given address"
    except ValueError:
        return "the given address"
