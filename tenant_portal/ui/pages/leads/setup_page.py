"""Stages, labels and fields of a client, for its owners; everybody else sees them."""

from typing import Any

import reflex as rx

from tenant_portal.leads.rules import CURRENCIES
from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    empty_state,
    notice_area,
    panel,
    skeleton_rows,
    text_area,
)
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.filters import choice, words
from tenant_portal.ui.pages.leads.items import LabelItem
from tenant_portal.ui.pages.leads.setup_forms import add_button, colour_choice, form_of, is_open, tools
from tenant_portal.ui.pages.leads.setup_stages import delete_stage_dialog, stages
from tenant_portal.ui.pages.leads.setup_state import FIELD_WORDS, LeadSetupState, OwnFieldItem
from tenant_portal.ui.pages.leads.views import view_links
from tenant_portal.ui.session_state import SessionState


def setup_page() -> rx.Component:
    """Four panels."""
    return page(
        "Leads",
        view_links("setup"),
        notice_area(LeadSetupState.notice, LeadSetupState.tone, LeadSetupState.close_notice),
        rx.cond(
            LeadSetupState.is_loaded,
            rx.fragment(stages(), _labels(), _fields(), _currency()),
            panel(skeleton_rows(6, "32px")),
        ),
        delete_stage_dialog(),
        active=routes.LEADS,
        intro="How your company sorts its leads. Owners change it.",
        width="narrow",
    )


def _labels() -> rx.Component:
    return panel(
        rx.cond(is_open("new-label"), form_of(None, LeadSetupState.save_label, colour_choice(None))),
        rx.cond(
            LeadSetupState.labels.length() > 0,
            rx.el.ul(rx.foreach(LeadSetupState.labels, _label), class_name="rows"),
            empty_state("tag", "No labels yet", "A label marks leads across all stages, such as a big customer."),
        ),
        title="Labels",
        actions=(add_button("label"),),
        flush=True,
    )


def _label(item: rx.Var[LabelItem]) -> rx.Component:
    line = rx.el.div(
        rx.el.span(item.name, class_name=rx.Var.create("label-chip tone-") + item.colour),
        rx.el.span(class_name="grow"),
        rx.cond(
            SessionState.is_owner,
            tools(item.id, "label", "It goes off all leads.", LeadSetupState.delete_label(item.id)),
        ),
        class_name="row grow",
    )
    form = form_of(item, LeadSetupState.save_label, colour_choice(item))
    return rx.el.li(rx.cond(is_open(item.id), form, line), key=item.id)


def _choices(value: Any) -> rx.Component:
    return text_area(
        "Choices",
        "choices",
        hint="One on each line.",
        error=LeadSetupState.choices_error,
        default_value=value,
        rows="4",
    )


def _fields() -> rx.Component:
    kinds = words(list(FIELD_WORDS.items()))
    kind = choice("Holds", "kind", LeadSetupState.new_kind, LeadSetupState.choose_kind, *kinds)
    choices = rx.cond(LeadSetupState.new_kind == "choice", _choices(""))
    return panel(
        rx.cond(is_open("new-field"), form_of(None, LeadSetupState.save_field, kind, choices)),
        rx.cond(
            LeadSetupState.fields.length() > 0,
            rx.el.ul(rx.foreach(LeadSetupState.fields, _field), class_name="rows"),
            empty_state("text-cursor-input", "No fields of your own yet", "Such as an address, a size or a day."),
        ),
        title="Own fields",
        note="What else your team writes down about a lead.",
        actions=(add_button("field"),),
        flush=True,
    )


def _field(item: rx.Var[OwnFieldItem]) -> rx.Component:
    lost = "What leads hold in it is deleted as well."
    line = rx.el.div(
        rx.el.span(item.name, class_name="truncate", font_weight="540"),
        rx.el.span(item.kind_word, class_name="soft grow"),
        rx.cond(SessionState.is_owner, tools(item.id, "field", lost, LeadSetupState.delete_field(item.id))),
        class_name="row grow",
    )
    form = form_of(item, LeadSetupState.save_field, rx.cond(item.kind == "choice", _choices(item.choices)))
    return rx.el.li(rx.cond(is_open(item.id), form, line), key=item.id)


def _currency() -> rx.Component:
    codes = words([(code, code) for code in CURRENCIES])
    picker = choice("Currency", "currency", LeadSetupState.currency, LeadSetupState.set_currency, *codes)
    return panel(
        rx.cond(SessionState.is_owner, picker, rx.el.p(LeadSetupState.currency, margin="0")),
        title="Currency of values",
        note="Values that are there already keep their number; nothing is converted.",
    )
