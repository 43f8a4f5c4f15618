"""The Templates page: what may be sent when WhatsApp's 24 hours are over."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    empty_state,
    link_button,
    notice_area,
    panel,
    skeleton_rows,
    status_badge,
)
from tenant_portal.ui.components.phone_preview import phone_preview
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.templates.form import template_form
from tenant_portal.ui.pages.templates.items import TemplateItem
from tenant_portal.ui.pages.templates.state import TemplatesState

INTRO = "Approved texts that reach people on WhatsApp when 24 hours have passed since they last wrote."
EMPTY = "Write one, and once WhatsApp has approved it you can send it from the inbox when the 24 hours are over."


def templates_page() -> rx.Component:
    """All templates with their state, and the form of a new one."""
    return page(
        "WhatsApp templates",
        notice_area(TemplatesState.notice, "bad", TemplatesState.close_notice),
        rx.cond(TemplatesState.is_writing, template_form()),
        rx.cond(TemplatesState.is_loaded, _list(), panel(skeleton_rows(3, "120px"))),
        active=routes.CHANNELS,
        intro=INTRO,
        actions=(
            link_button("Channels", routes.CHANNELS, icon="chevron-left", look="quiet"),
            rx.cond(TemplatesState.may_change, button("Check now", icon="rotate-cw", on_click=TemplatesState.check)),
            rx.cond(TemplatesState.may_change & ~TemplatesState.is_writing, _new()),
        ),
    )


def _new() -> rx.Component:
    return button("New template", icon="plus", look="main", on_click=TemplatesState.begin(True))


def _list() -> rx.Component:
    nothing = panel(empty_state("message-square-text", "No templates yet", EMPTY))
    found = rx.el.ul(
        rx.foreach(TemplatesState.templates, _template), class_name="template-grid", aria_label="Templates"
    )
    return rx.cond(
        TemplatesState.templates.length() > 0, found, rx.cond(TemplatesState.is_writing, rx.fragment(), nothing)
    )


def _template(item: rx.Var[TemplateItem]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.h2(item.name, class_name="panel-title truncate", title=item.name),
            status_badge(item.word, item.tone),
            class_name="template-head",
        ),
        rx.el.p(item.about, class_name="soft template-about"),
        rx.cond(item.reason != "", rx.el.p(item.reason, class_name="template-reason")),
        phone_preview(item.preview),
        rx.cond(
            TemplatesState.may_change,
            rx.el.div(
                rx.cond(
                    item.can_submit,
                    button("Submit", icon="send", small=True, on_click=TemplatesState.submit(item.id)),
                ),
                confirm_dialog(
                    button("Delete", icon="trash-2", look="quiet", small=True),
                    title="Delete this template?",
                    text="It is deleted at Twilio and WhatsApp too. Messages that were sent with it stay.",
                    confirm="Delete",
                    on_confirm=TemplatesState.delete(item.id),
                ),
                class_name="row template-actions",
            ),
        ),
        class_name="panel template-card",
        key=item.id,
    )
