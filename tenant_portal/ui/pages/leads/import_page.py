"""Leads in from a file and out into one."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    data_table,
    field,
    notice_area,
    panel,
    skeleton_rows,
    status_badge,
)
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.components.native import NativeForm, NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.erasures import erasures
from tenant_portal.ui.pages.leads.filters import option
from tenant_portal.ui.pages.leads.import_state import ColumnItem, ImportItem, LeadImportState
from tenant_portal.ui.pages.leads.views import view_links


def import_page() -> rx.Component:
    """Upload, the file that waits for a person, what was taken in, and the export."""
    current = LeadImportState.current
    return page(
        "Leads",
        view_links("import"),
        notice_area(LeadImportState.notice, LeadImportState.tone, LeadImportState.close_notice),
        rx.cond(
            LeadImportState.is_loaded,
            rx.fragment(
                rx.match(current.state, ("mapping", _mapping()), ("ready", _ready()), rx.fragment()),
                _upload(),
                rx.cond(LeadImportState.imports.length() > 0, _history()),
                _export(),
                rx.cond(LeadImportState.erasures.length() > 0, erasures(LeadImportState.erasures)),
            ),
            panel(skeleton_rows(5, "32px")),
        ),
        active=routes.LEADS,
        intro="Bring your leads from a spreadsheet, or take them with you.",
        width="narrow",
    )


def _upload() -> rx.Component:
    chooser = rx.el.input(
        type="file",
        id="file",
        name="file",
        accept=".csv,.xlsx,text/csv",
        required=True,
        class_name="input",
        custom_attrs={"aria-describedby": "file-hint"},
    )
    hint = "CSV or Excel (.xlsx), at most 20 MB and 100,000 rows. The first row names the columns."
    form = NativeForm.create(
        field("File", chooser, name="file", hint=hint),
        rx.el.div(button("Upload", icon="upload", look="main", type="submit"), margin_top="12px"),
        action=routes.LEADS_UPLOAD,
        method="post",
        enc_type="multipart/form-data",
    )
    note = "Nothing becomes a lead before you have seen what is in the file and confirmed it."
    return panel(form, title="Import leads", note=note)


def _mapping() -> rx.Component:
    table = data_table(
        ("Column", "First entry", "Is the"), rx.foreach(LeadImportState.current.columns, _column), label="Columns"
    )
    return panel(
        table,
        rx.el.div(
            rx.el.span(LeadImportState.mapping_error, class_name="field-error", role="alert"),
            rx.el.div(
                button("Check rows", look="main", on_click=LeadImportState.check),
                _discard(LeadImportState.current.id, "Do not import"),
                class_name="row",
            ),
            class_name="import-foot",
        ),
        title="Which column is what?",
        note=LeadImportState.current.total + " rows were read from " + LeadImportState.current.name + ".",
        flush=True,
    )


def _column(item: rx.Var[ColumnItem]) -> rx.Component:
    name = rx.Var.create("column-") + item.place.to_string()
    choices = rx.el.select(
        rx.foreach(LeadImportState.targets, option),
        id=name,
        value=item.target,
        on_change=lambda target: LeadImportState.choose_target(item.place, target),
        class_name="select",
    )
    return rx.el.tr(
        rx.el.td(rx.el.label(item.name, html_for=name, font_weight="540")),
        rx.el.td(item.sample, class_name="soft"),
        rx.el.td(choices),
        key=name,
    )


def _ready() -> rx.Component:
    current = LeadImportState.current
    return panel(
        rx.el.p(
            rx.el.strong(current.good, class_name="num"),
            " of ",
            rx.el.span(current.total, class_name="num"),
            " rows can become leads. They all do at once, or none does.",
            margin="0 0 12px",
        ),
        rx.cond(current.bad > 0, rx.el.p(_errors_link(current), margin="0 0 14px")),
        rx.el.div(
            rx.cond(
                current.good != "0",
                button("Import these leads", look="main", on_click=LeadImportState.confirm),
            ),
            button("Change columns", on_click=LeadImportState.remap),
            _discard(current.id, "Do not import"),
            class_name="row row-wrap",
        ),
        title="Ready to import",
        note=current.name,
    )


def _errors_link(item: rx.Var[ImportItem]) -> rx.Component:
    words = rx.cond(item.bad == 1, " row with an error, as CSV", " rows with errors, as CSV")
    return NativeLink.create(item.bad, words, href=item.errors_href, download=True, class_name="text-link")


def _discard(import_id: rx.Var[str], label: str) -> rx.Component:
    return confirm_dialog(
        button(label, look="quiet"),
        title="Forget this file?",
        text="What was read of it is deleted. Leads that came of it stay.",
        confirm="Forget it",
        on_confirm=LeadImportState.discard(import_id),
    )


def _history() -> rx.Component:
    return panel(
        rx.el.ul(rx.foreach(LeadImportState.imports, _line), class_name="rows"), title="Files so far", flush=True
    )


def _line(item: rx.Var[ImportItem]) -> rx.Component:
    undo = confirm_dialog(
        button("Undo", icon="undo-2", small=True),
        title="Undo this import?",
        text="Its leads are deleted, but for those that somebody has written to, noted or changed since.",
        confirm="Undo import",
        on_confirm=LeadImportState.undo(item.id),
    )
    ended = (item.state == "done") | (item.state == "undone") | (item.state == "failed")
    return rx.el.li(
        rx.el.div(
            rx.el.div(item.name, class_name="truncate", font_weight="540"),
            rx.el.div(item.who, ", ", long_time(item.at), class_name="lead-sub"),
            rx.cond(item.outcome != "", rx.el.div(item.outcome, class_name="lead-sub")),
            rx.cond(ended & (item.bad > 0), _errors_link(item)),
            _progress(item),
            class_name="grow",
        ),
        status_badge(item.word, item.tone),
        rx.cond(item.state == "done", undo),
        rx.cond(ended, _discard(item.id, "Forget")),
        key=item.id,
        class_name="row-wrap",
    )


def _progress(item: rx.Var[ImportItem]) -> rx.Component:
    busy = (item.state == "reading") | (item.state == "applying") | (item.state == "undoing")
    words = rx.cond(item.state == "checking", item.percent.to_string() + " % of " + item.total + " rows", "Working")
    known = {"value": item.percent.to_string(), "max": "100"}
    bar = rx.cond(
        item.state == "checking",
        rx.el.progress(aria_label="Progress", class_name="import-progress", **known),
        rx.el.progress(aria_label="Progress", class_name="import-progress"),
    )
    return rx.cond(busy | (item.state == "checking"), rx.el.div(bar, rx.el.span(words, class_name="lead-sub num")))


def _export() -> rx.Component:
    link = NativeLink.create(
        rx.icon("download", aria_hidden="true"),
        rx.el.span("Download all leads (CSV)"),
        href=routes.LEADS_EXPORT,
        download=True,
        class_name="button button-plain",
    )
    note = "With stages, labels and your own fields. Text that a spreadsheet would compute gets an apostrophe."
    return panel(link, title="Export leads", note=note)
