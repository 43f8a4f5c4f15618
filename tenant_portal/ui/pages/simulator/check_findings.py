"""What the check's probes saw: what did not pass, and every topic with its probes."""

import reflex as rx

from tenant_portal.ui.components import button, panel, status_badge
from tenant_portal.ui.pages.simulator.check_lines import GroupLine, ProbeLine
from tenant_portal.ui.pages.simulator.check_state import CheckState


def trouble_panel() -> rx.Component:
    """Leaks and errors, before everything else."""
    return panel(
        rx.el.ul(rx.foreach(CheckState.bad, _probe), class_name="rows"),
        title="What did not pass",
        note="A probe that could not be carried out counts as much as a leak: what was not tried is not proven.",
        flush=True,
    )


def groups_panel() -> rx.Component:
    """The topics; one can be opened."""
    return panel(
        rx.el.ul(rx.foreach(CheckState.groups, _group), class_name="check-groups"),
        title="What is tried",
        note="Open a topic to see each probe and what it saw.",
        flush=True,
    )


def _group(line: rx.Var[GroupLine]) -> rx.Component:
    text = rx.el.span(
        rx.el.span(line.name, class_name="check-name"),
        rx.el.span(line.note, class_name="check-note"),
        class_name="grow",
    )
    is_open = CheckState.chosen == line.name
    head = rx.el.button(
        text,
        _counts(line),
        status_badge(line.word, line.tone),
        rx.icon("chevron-down", size=16, class_name="check-chevron", aria_hidden="true"),
        type="button",
        class_name="check-group",
        on_click=CheckState.choose(line.name),
        aria_expanded=rx.cond(is_open, "true", "false"),
    )
    return rx.el.li(head, rx.cond(is_open, _probes()))


def _counts(line: rx.Var[GroupLine]) -> rx.Component:
    counts = ((line.passed, "passed", ""), (line.leaks, "leaked", "check-red"), (line.errors, "failed", "check-red"))
    parts = [
        rx.cond(count > 0, rx.el.span(count.to_string() + f" {word}", class_name=look)) for count, word, look in counts
    ]
    skipped = rx.cond(line.skipped > 0, rx.el.span(line.skipped.to_string() + " skipped"))
    return rx.el.span(*parts, skipped, class_name="check-counts num")


def _probes() -> rx.Component:
    none = rx.el.p("Nothing of this has been tried yet.", class_name="check-none")
    more = rx.el.div(
        button(
            "Show " + CheckState.more.to_string() + " more probes",
            look="quiet",
            small=True,
            on_click=CheckState.show_more,
        ),
        class_name="list-more",
    )
    rows = rx.el.ul(rx.foreach(CheckState.lines, _probe), class_name="rows check-probes")
    return rx.cond(CheckState.lines.length() > 0, rx.fragment(rows, rx.cond(CheckState.more > 0, more)), none)


def _probe(line: rx.Var[ProbeLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(line.title, class_name="check-title"),
            rx.el.div(line.evidence, class_name="check-evidence"),
            class_name="grow",
        ),
        rx.el.span(line.time, class_name="check-time num"),
        status_badge(line.word, line.tone),
        key=line.id,
        class_name="check-line",
    )
