"""Buttons, links, badges, avatars, times."""

from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

Text = str | rx.Var[str]
Look = Literal["main", "plain", "quiet", "danger"]
Tone = Literal["good", "warn", "bad", "info", "neutral"]


def _button_class(look: Look, small: bool) -> str:
    return f"button button-{look}" + (" button-small" if small else "")


def button(
    label: Text, *, icon: str = "", look: Look = "plain", small: bool = False, busy: Any = None, **props: Any
) -> rx.Component:
    """A button with words. `busy` (a bool Var) disables it; pass `type="submit"` inside forms."""
    if busy is not None:
        props["disabled"] = busy
    parts = [rx.icon(icon, aria_hidden="true")] if icon else []
    props.setdefault("type", "button")
    return rx.el.button(*parts, rx.el.span(label), class_name=_button_class(look, small), **props)


def icon_button(icon: str, label: str, *, look: Look = "quiet", small: bool = False, **props: Any) -> rx.Component:
    """A button without words; `label` is what a screen reader says and the tool tip shows."""
    props.setdefault("type", "button")
    return rx.el.button(
        rx.icon(icon, aria_hidden="true"),
        aria_label=label,
        title=label,
        class_name=_button_class(look, small) + " icon-button",
        **props,
    )


def link_button(label: Text, href: Text, *, icon: str = "", look: Look = "plain", small: bool = False) -> rx.Component:
    """A link that looks like a button."""
    parts = [rx.icon(icon, aria_hidden="true")] if icon else []
    return ReactRouterLink.create(*parts, rx.el.span(label), to=href, class_name=_button_class(look, small))


def text_link(label: Text | rx.Component, href: Text, **props: Any) -> rx.Component:
    """A link inside text or a table."""
    return ReactRouterLink.create(label, to=href, class_name="text-link", **props)


def status_badge(label: Text, tone: Tone | rx.Var[str] = "neutral") -> rx.Component:
    """A state in one word; `tone` may be a Var that holds one of the tones."""
    classes = f"badge badge-{tone}" if isinstance(tone, str) else rx.Var.create("badge badge-") + tone
    return rx.el.span(label, class_name=classes)


def avatar(initials: Text, *, large: bool = False) -> rx.Component:
    """A person's initials; decoration, since the name stands beside it."""
    return rx.el.span(initials, class_name="avatar avatar-lg" if large else "avatar", aria_hidden="true")


def relative_time(at: Text) -> rx.Component:
    """`5 minutes ago`, kept up to date, with the full time as tool tip. Takes ISO 8601 with a zone."""
    return rx.moment(
        at, from_now=True, with_title=True, title_format="LLLL", interval=30000, class_name="num", element="time"
    )


def copy_box(value: rx.Var[str], label: str) -> rx.Component:
    """A value to take away, with a button that copies it."""
    return rx.el.div(
        rx.el.input(value=value, read_only=True, aria_label=label, class_name="input"),
        rx.el.button(
            rx.icon("copy", aria_hidden="true"),
            rx.el.span("Copy"),
            type="button",
            class_name="button button-plain",
            on_click=rx.set_clipboard(value),
        ),
        class_name="copy-box",
    )
