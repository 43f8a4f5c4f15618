"""The stages of a client: what they are called, in which order, and where leads go when one is deleted."""

import reflex as rx

from tenant_portal.ui.components import button, dialog, icon_button, panel, select_field, status_badge
from tenant_portal.ui.pages.leads.filters import option
from tenant_portal.ui.pages.leads.setup_forms import add_button, colour_choice, form_of, is_open
from tenant_portal.ui.pages.leads.setup_state import LeadSetupState, StageItem
from tenant_portal.ui.session_state import SessionState

KINDS = [("open", "Open"), ("won", "Won: became a customer"), ("lost", "Lost: did not")]


def stages() -> rx.Component:
    """All stages in their order."""
    return panel(
        rx.cond(is_open("new-stage"), _stage_form(None)),
        rx.el.ol(rx.foreach(LeadSetupState.stages, _stage), class_name="rows"),
        title="Stages",
        note="The columns of the board. A new lead stands in the first open one.",
        actions=(add_button("stage"),),
        flush=True,
    )


def _stage(item: rx.Var[StageItem]) -> rx.Component:
    tools = rx.el.div(
        icon_button(
            "arrow-up",
            "Move up",
            small=True,
            disabled=item.is_first,
            on_click=LeadSetupState.shift_stage(item.id, -1),
        ),
        icon_button(
            "arrow-down",
            "Move down",
            small=True,
            disabled=item.is_last,
            on_click=LeadSetupState.shift_stage(item.id, 1),
        ),
        icon_button("pencil", "Change this stage", small=True, on_click=LeadSetupState.open_form(item.id)),
        icon_button("trash-2", "Delete this stage", small=True, on_click=LeadSetupState.ask_delete_stage(item.id)),
        class_name="row",
        gap="2px",
    )
    line = rx.el.div(
        rx.el.span(item.name, class_name=rx.Var.create("stage-pill tone-") + item.colour),
        rx.cond(item.kind != "open", status_badge(item.kind_word)),
        rx.el.span(item.count, rx.cond(item.count == 1, " lead", " leads"), class_name="soft num grow"),
        rx.cond(SessionState.is_owner, tools),
        class_name="row grow",
    )
    return rx.el.li(rx.cond(is_open(item.id), _stage_form(item), line), key=item.id)


def _stage_form(item: rx.Var[StageItem] | None) -> rx.Component:
    return form_of(
        item,
        LeadSetupState.save_stage,
        colour_choice(item),
        select_field("Meaning", "kind", KINDS, default_value=item.kind if item is not None else "open"),
    )


def delete_stage_dialog() -> rx.Component:
    """The question before a stage is deleted."""
    goal = rx.el.div(
        rx.el.label("Move its leads to", html_for="goal", class_name="field-label"),
        rx.el.select(rx.foreach(LeadSetupState.goals, option), id="goal", name="goal", class_name="select"),
        class_name="field",
    )
    form = rx.el.form(
        rx.el.div(
            rx.cond(LeadSetupState.doomed_count > 0, goal),
            rx.el.div(button("Delete stage", type="submit", look="danger")),
            class_name="stack",
        ),
        on_submit=LeadSetupState.delete_stage,
    )
    return dialog(
        form,
        title=rx.Var.create("Delete the stage ") + LeadSetupState.doomed_name + "?",
        intro="This cannot be undone.",
        open_var=LeadSetupState.doomed != "",
        on_open_change=LeadSetupState.keep_stage,
    )
