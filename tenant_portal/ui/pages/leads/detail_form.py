"""What the team knows of a lead, edited in place."""

import reflex as rx

from tenant_portal.leads.rules import MAX_NAME, MAX_NEXT_STEP, MAX_TEXT
from tenant_portal.ui.components import button, panel, text_input
from tenant_portal.ui.pages.leads.detail_state import LeadState
from tenant_portal.ui.pages.leads.items import FieldItem


def form() -> rx.Component:
    """Name, value, next step, and the client's own fields; each error stands beside its field."""
    lead = LeadState.lead
    parts = rx.el.div(
        text_input(
            "Name",
            "name",
            error=LeadState.errors["name"],
            default_value=lead.own_name,
            placeholder=rx.cond(lead.profile_name != "", lead.profile_name, "Unknown"),
            max_length=MAX_NAME,
            auto_complete="off",
        ),
        text_input(
            "Value",
            "value",
            error=LeadState.errors["value"],
            hint=rx.cond(lead.value != "", lead.value, "What this lead may be worth."),
            default_value=lead.typed_value,
            input_mode="decimal",
            max_length=40,
            auto_complete="off",
        ),
        text_input(
            "Next step",
            "next_step",
            error=LeadState.errors["next_step"],
            default_value=lead.next_step,
            max_length=MAX_NEXT_STEP,
            auto_complete="off",
        ),
        text_input(
            "Due on",
            "next_step_on",
            error=LeadState.errors["next_step_on"],
            type="date",
            default_value=lead.next_step_on,
        ),
        rx.foreach(LeadState.fields, _field),
        rx.el.div(button("Save", type="submit", look="main")),
        # Written anew only after it was saved, so that news from elsewhere does not take away what is being typed.
        key=lead.id + LeadState.form_round.to_string(),
        class_name="stack",
    )
    return panel(rx.el.form(parts, on_submit=LeadState.edit), title="Details")


def _field(item: rx.Var[FieldItem]) -> rx.Component:
    name = rx.Var.create("field-") + item.id
    error = LeadState.errors[item.id].to(str)
    is_wrong = rx.cond(error, "true", "false")
    wiring = {
        "id": name,
        "name": name,
        "default_value": item.value,
        "aria_invalid": is_wrong,
        "custom_attrs": {"aria-describedby": name + "-error"},
    }
    select = rx.el.select(
        rx.el.option("", value=""),
        rx.foreach(item.choices, lambda word: rx.el.option(word, value=word)),
        class_name="select",
        **wiring,
    )
    plain = rx.el.input(
        type=rx.cond(item.kind == "date", "date", "text"),
        input_mode=rx.cond(item.kind == "number", "decimal", "text"),
        max_length=MAX_TEXT,
        auto_complete="off",
        class_name="input",
        **wiring,
    )
    return rx.el.div(
        rx.el.label(item.name, html_for=name, class_name="field-label"),
        rx.cond(item.kind == "choice", select, plain),
        rx.el.span(error, id=name + "-error", class_name="field-error", role="alert"),
        class_name="field",
        key=item.id,
    )
