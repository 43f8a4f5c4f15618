"""Form fields: a real label, a hint and an error that a screen reader connects with the control."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from tenant_portal.ui.components.basics import Text


def field(
    label: Text, control: rx.Component, *, name: str, hint: Text = "", error: rx.Var[str] | None = None
) -> rx.Component:
    """A labelled control. `name` is the control's id; hint and error get `<name>-hint` and `<name>-error`."""
    parts = [rx.el.label(label, html_for=name, class_name="field-label"), control]
    if not isinstance(hint, str) or hint:
        parts.append(rx.el.span(hint, id=f"{name}-hint", class_name="field-hint"))
    if error is not None:
        parts.append(rx.el.span(error, id=f"{name}-error", class_name="field-error", role="alert"))
    return rx.el.div(*parts, class_name="field")


def _wiring(name: str, hint: Text, error: rx.Var[str] | None) -> dict[str, Any]:
    described = [f"{name}-hint"] if not isinstance(hint, str) or hint else []
    wiring: dict[str, Any] = {"id": name, "name": name}
    if error is not None:
        described.append(f"{name}-error")
        wiring["aria_invalid"] = rx.cond(error != "", "true", "false")
    if described:
        wiring["custom_attrs"] = {"aria-describedby": " ".join(described)}
    return wiring


def text_input(
    label: Text, name: str, *, hint: Text = "", error: rx.Var[str] | None = None, **props: Any
) -> rx.Component:
    """A one-line field with its label; `props` go to the input (type, auto_complete, default_value, required …)."""
    control = rx.el.input(class_name="input", **_wiring(name, hint, error), **props)
    return field(label, control, name=name, hint=hint, error=error)


def text_area(
    label: Text, name: str, *, hint: Text = "", error: rx.Var[str] | None = None, **props: Any
) -> rx.Component:
    """A field of several lines."""
    control = rx.el.textarea(class_name="textarea", **_wiring(name, hint, error), **props)
    return field(label, control, name=name, hint=hint, error=error)


def select_field(
    label: Text, name: str, options: Sequence[tuple[str, str]], *, hint: Text = "", **props: Any
) -> rx.Component:
    """The browser's own choice list, which every phone handles well. `options` are (value, words)."""
    choices = [rx.el.option(words, value=value) for value, words in options]
    control = rx.el.select(*choices, class_name="select", **_wiring(name, hint, None), **props)
    return field(label, control, name=name, hint=hint)
