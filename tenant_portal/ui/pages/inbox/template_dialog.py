"""The dialog in which an approved template is chosen, filled in and sent; and what opens it."""

import reflex as rx

from tenant_portal.templates.rules import LONGEST_VALUE
from tenant_portal.ui import routes
from tenant_portal.ui.components import button, dialog, empty_state, field, link_button
from tenant_portal.ui.components.phone_preview import phone_preview
from tenant_portal.ui.pages.inbox.quiet_choice import quiet_choice
from tenant_portal.ui.pages.inbox.template_state import TemplateChoice, TemplateSendState, TemplateValue

PAUSE_MILLISECONDS = 250


def template_button() -> rx.Component:
    """Opens the dialog."""
    return button(
        "Choose a template", icon="message-square-text", small=True, on_click=TemplateSendState.set_open(True)
    )


def template_link() -> rx.Component:
    """Opens the dialog from within a line of text."""
    return rx.el.button(
        "Use a template", type="button", class_name="link-like", on_click=TemplateSendState.set_open(True)
    )


def template_dialog() -> rx.Component:
    """The dialog itself; once on the page."""
    return dialog(
        rx.cond(TemplateSendState.choices.length() > 0, _form(), _none()),
        title="Send a template",
        intro="WhatsApp has approved these texts, so they arrive after the 24 hours as well.",
        open_var=TemplateSendState.is_open,
        on_open_change=TemplateSendState.set_open,
    )


def _form() -> rx.Component:
    choices = rx.el.select(
        rx.foreach(TemplateSendState.choices, _choice),
        id="template-choice",
        name="template",
        value=TemplateSendState.chosen,
        on_change=TemplateSendState.choose,
        class_name="select",
    )
    return rx.el.form(
        field("Template", choices, name="template-choice"),
        rx.foreach(TemplateSendState.values, _value),
        phone_preview(TemplateSendState.preview),
        quiet_choice("template-quiet"),
        rx.el.span(TemplateSendState.error, class_name="field-error", role="alert"),
        rx.el.div(
            button("Cancel", on_click=TemplateSendState.set_open(False)),
            button("Send", icon="send-horizontal", look="main", type="submit"),
            class_name="row",
            justify_content="flex-end",
        ),
        on_submit=TemplateSendState.send,
        class_name="template-form",
    )


def _choice(choice: rx.Var[TemplateChoice]) -> rx.Component:
    return rx.el.option(choice.name, value=choice.id)


def _value(item: rx.Var[TemplateValue]) -> rx.Component:
    return rx.el.div(
        rx.el.span(item.label, class_name="template-variable num"),
        rx.el.input(
            name="value_" + item.number,
            default_value=item.value,
            aria_label="What stands in for " + item.label,
            max_length=LONGEST_VALUE,
            class_name="input",
            on_change=lambda text: TemplateSendState.write(item.number, text).debounce(PAUSE_MILLISECONDS),
            # The pause is shared by all fields: who is quick with the next one loses nothing.
            on_blur=lambda text: TemplateSendState.write(item.number, text),
        ),
        class_name="template-values template-values-short",
        key=item.part,
    )


def _none() -> rx.Component:
    return empty_state(
        "message-square-text",
        "No approved template",
        "An owner writes templates under Channels. WhatsApp approves them mostly within minutes.",
        link_button("Templates", routes.TEMPLATES),
    )
