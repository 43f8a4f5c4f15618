"""The two-tenant check: one button, its progress, and what every probe saw."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    empty_state,
    link_button,
    notice_area,
    panel,
    relative_time,
    skeleton_rows,
    status_badge,
)
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.simulator.check_state import CheckState, GroupLine, ProbeLine

REFRESH_MILLISECONDS = 700
REPORT = "/staff/simulator/report"
INTRO = (
    "Two clients are made for this check, like real ones, and every way from one to the other is tried:"
    " database, webhooks, pages, files, live updates. Both are taken away afterwards."
)


def check_page() -> rx.Component:
    """Verdict, topics, probes."""
    return page(
        "Two-tenant check",
        notice_area(CheckState.notice, "info", on_close=CheckState.close_notice),
        rx.cond(CheckState.is_loaded, _verdict(), panel(skeleton_rows(2, "28px"))),
        panel(
            rx.el.ul(rx.foreach(CheckState.groups, _group), class_name="rows check-groups"),
            title="What is tried",
            note="Choose a line to see each probe and what it saw.",
            flush=True,
        ),
        _probes(),
        rx.cond(CheckState.is_running, _clock()),
        active=routes.SIMULATOR,
        intro=INTRO,
        actions=(link_button("Handset", routes.HANDSET, icon="smartphone"), _start_or_stop()),
    )


def _clock() -> rx.Component:
    ticking = rx.moment(interval=REFRESH_MILLISECONDS, on_change=lambda _: CheckState.refresh(), format="ss")
    return rx.el.div(ticking, hidden=True, aria_hidden="true")


def _start_or_stop() -> rx.Component:
    stop = confirm_dialog(
        button("Stop", icon="square"),
        title="Stop this check?",
        text="What it has found so far is kept; its two clients are taken away.",
        confirm="Stop the check",
        on_confirm=CheckState.stop,
    )
    start = button("Run the check", icon="play", look="main", on_click=CheckState.start)
    return rx.cond(CheckState.is_running, stop, start)


def _verdict() -> rx.Component:
    return rx.cond(CheckState.is_running, _progress(), rx.cond(CheckState.at != "", _outcome(), _nothing_yet()))


def _progress() -> rx.Component:
    bar = rx.el.div(
        rx.el.div(class_name="check-bar-fill", width=CheckState.percent.to_string() + "%"),
        class_name="check-bar",
        role="progressbar",
        custom_attrs={
            "aria-label": "Progress of the check",
            "aria-valuemin": "0",
            "aria-valuemax": "100",
            "aria-valuenow": CheckState.percent.to_string(),
        },
    )
    count = rx.el.span(CheckState.done.to_string() + " of " + CheckState.total.to_string(), class_name="num soft")
    words = rx.el.div(rx.el.span(CheckState.doing, class_name="grow truncate"), count, class_name="row")
    return panel(rx.el.div(bar, words, class_name="stack"), title="The check is under way")


def _outcome() -> rx.Component:
    icon = rx.cond(CheckState.tone == "good", rx.icon("shield-check", size=26), rx.icon("shield-alert", size=26))
    facts = rx.el.div(
        rx.el.span(CheckState.done.to_string(), " probes, ", relative_time(CheckState.at), class_name="soft"),
        class_name="num",
    )
    body = rx.el.div(
        rx.el.div(icon, class_name="check-shield check-" + CheckState.tone, aria_hidden="true"),
        rx.el.div(rx.el.div(CheckState.verdict, class_name="check-verdict"), facts, class_name="grow"),
        rx.cond(CheckState.has_report, _downloads()),
        class_name="row row-wrap check-outcome",
    )
    return panel(body)


def _downloads() -> rx.Component:
    html = rx.el.a("Download the report", href=REPORT, class_name="button button-plain", download=True)
    data = rx.el.a("JSON", href=f"{REPORT}?format=json", class_name="button button-quiet", download=True)
    return rx.el.div(html, data, class_name="row")


def _nothing_yet() -> rx.Component:
    return panel(
        empty_state(
            "shield-question",
            "No check has been run here yet",
            "It takes about a minute and changes nothing for your clients.",
            button("Run the check", icon="play", look="main", on_click=CheckState.start),
        )
    )


def _group(line: rx.Var[GroupLine]) -> rx.Component:
    numbers = rx.el.span(
        line.passed.to_string() + " tight",
        rx.cond(line.bad > 0, rx.el.span(" · " + line.bad.to_string() + " not", class_name="check-bad-text")),
        rx.cond(line.skipped > 0, rx.el.span(" · " + line.skipped.to_string() + " skipped")),
        class_name="num soft check-numbers",
    )
    text = rx.el.span(
        rx.el.span(line.name, class_name="check-name"),
        rx.el.span(line.note, class_name="soft check-note"),
        class_name="grow",
    )
    chosen = CheckState.chosen == line.name
    return rx.el.li(
        rx.el.button(
            text,
            numbers,
            status_badge(line.word, line.tone),
            rx.icon("chevron-down", size=16, class_name="check-chevron", aria_hidden="true"),
            type="button",
            class_name="check-group",
            on_click=CheckState.choose(line.name),
            aria_expanded=rx.cond(chosen, "true", "false"),
        )
    )


def _probes() -> rx.Component:
    rows = rx.el.ul(rx.foreach(CheckState.lines, _line), class_name="rows")
    more = rx.cond(
        CheckState.more > 0,
        rx.el.p(CheckState.more.to_string() + " more are in the report.", class_name="soft check-more"),
    )
    bad = panel(rows, more, title="What did not pass", flush=True)
    chosen = panel(rows, more, title="Each probe, and what it saw", note=CheckState.chosen, flush=True)
    return rx.cond(CheckState.lines.length() > 0, rx.cond(CheckState.chosen != "", chosen, bad))


def _line(line: rx.Var[ProbeLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(line.title),
            rx.el.div(line.evidence, class_name="soft check-evidence"),
            class_name="grow",
        ),
        rx.el.span(line.time, class_name="num soft check-time"),
        status_badge(line.word, line.tone),
        class_name="check-line",
    )
