"""Where a template is written, beside how a phone will show it."""

from typing import Any

import reflex as rx

from tenant_portal.models.enums import TemplateKind
from tenant_portal.templates import rules
from tenant_portal.ui.components import button, panel, select_field, text_area, text_input
from tenant_portal.ui.components.phone_preview import phone_preview
from tenant_portal.ui.pages.templates.items import KINDS, REPLY_FIELDS, VariableItem
from tenant_portal.ui.pages.templates.state import TemplatesState

PAUSE_MILLISECONDS = 250
BODY_HINT = (
    "Write {{1}}, {{2}} … where something is filled in for each lead. WhatsApp takes none at the very start or end."
)


def template_form() -> rx.Component:
    """The form on the left, the phone on the right."""
    return panel(
        rx.el.div(_form(), _aside(), class_name="template-writing"),
        title="New template",
        note="WhatsApp reviews each template before it may be sent. Mostly that takes minutes, sometimes a day.",
    )


def _form() -> rx.Component:
    return rx.el.form(
        text_input(
            "Name",
            "name",
            hint="For your team only: small letters, digits and _, such as order_ready.",
            error=_error("name"),
            max_length=rules.LONGEST_NAME,
            auto_complete="off",
        ),
        rx.el.div(
            select_field("Language", "language", tuple(rules.LANGUAGES.items())),
            select_field("Purpose", "category", tuple(rules.CATEGORIES.items())),
            class_name="template-pair",
        ),
        select_field(
            "Kind",
            "kind",
            tuple((kind.value, words) for kind, words in KINDS.items()),
            on_change=lambda kind: TemplatesState.write("kind", kind),
        ),
        text_area(
            "Text",
            "body",
            hint=BODY_HINT,
            error=_error("body"),
            rows="4",
            max_length=rules.LONGEST_BODY,
            **_written("body"),
        ),
        rx.foreach(TemplatesState.variables, _variable),
        _told("samples"),
        rx.match(
            TemplatesState.kind,
            (TemplateKind.MEDIA.value, _media()),
            (TemplateKind.QUICK_REPLY.value, _replies()),
            (TemplateKind.CALL_TO_ACTION.value, _actions()),
            rx.fragment(),
        ),
        _told("buttons"),
        rx.el.div(
            button("Submit for approval", look="main", type="submit"),
            button("Cancel", look="quiet", on_click=TemplatesState.begin(False)),
            class_name="row",
        ),
        on_submit=TemplatesState.create,
        class_name="template-form",
    )


def _aside() -> rx.Component:
    return rx.el.div(
        rx.el.h3("As the phone shows it", class_name="field-label"),
        phone_preview(TemplatesState.preview),
        class_name="template-aside",
    )


def _variable(item: rx.Var[VariableItem]) -> rx.Component:
    choices = [rx.el.option(words, value=value) for value, words in rules.FILLS.items()]
    return rx.el.div(
        rx.el.span(item.label, class_name="template-variable num"),
        rx.el.input(
            name=item.sample_name,
            default_value=item.sample,
            placeholder="Example for the reviewers",
            aria_label="Example for " + item.label,
            max_length=rules.LONGEST_VALUE,
            class_name="input",
            **_written(item.sample_name),
        ),
        rx.el.select(
            *choices,
            name=item.fill_name,
            default_value=item.fill,
            aria_label="What stands in for " + item.label,
            class_name="select",
        ),
        class_name="template-values",
        key=item.label,
    )


def _media() -> rx.Component:
    return text_input(
        "Address of the picture or document",
        "media_url",
        hint="Public, starting with https://. WhatsApp fetches it from there.",
        error=_error("media_url"),
        type="url",
        max_length=rules.LONGEST_URL,
        **_written("media_url"),
    )


def _replies() -> rx.Component:
    fields = [
        text_input(f"Button {n + 1}", name, max_length=rules.LONGEST_TITLE, **_written(name))
        for n, name in enumerate(REPLY_FIELDS)
    ]
    return rx.el.div(*fields, class_name="template-three")


def _actions() -> rx.Component:
    longest = rules.LONGEST_TITLE
    return rx.fragment(
        rx.el.div(
            text_input("Link button", "url_title", max_length=longest, **_written("url_title")),
            text_input("Opens", "url_value", placeholder="https://", **_written("url_value")),
            class_name="template-pair",
        ),
        rx.el.div(
            text_input("Call button", "phone_title", max_length=longest, **_written("phone_title")),
            text_input("Calls", "phone_value", placeholder="+14155550100", **_written("phone_value")),
            class_name="template-pair",
        ),
    )


def _written(name: str | rx.Var[str]) -> dict[str, Any]:
    # All fields share one pause: who is quick with the next one would lose this one's last letters without the blur.
    return {
        "on_change": lambda text: TemplatesState.write(name, text).debounce(PAUSE_MILLISECONDS),
        "on_blur": lambda text: TemplatesState.write(name, text),
    }


def _error(name: str) -> Any:
    return rx.cond(TemplatesState.error_field == name, TemplatesState.error, "")


def _told(name: str) -> rx.Component:
    return rx.el.span(_error(name), class_name="field-error", role="alert")
