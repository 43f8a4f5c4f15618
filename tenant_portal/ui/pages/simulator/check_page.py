"""The two-tenant check: one button, its progress, and what every probe saw."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import button, confirm_dialog, empty_state, notice_area, panel, skeleton_rows
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.simulator.check_findings import groups_panel, trouble_panel
from tenant_portal.ui.pages.simulator.check_state import CheckState
from tenant_portal.ui.pages.simulator.tabs import simulator_tabs

RUNNING_MILLISECONDS, RESTING_MILLISECONDS = 700, 5000
REPORT = "/staff/simulator/report"
INTRO = "Can one client get at anything of another? This tries every way we know, on this running portal."
HOW = "Two clients are made like real ones and taken away afterwards. It takes about a minute; nobody else notices."


def check_page() -> rx.Component:
    """Verdict, what went wrong, topics with their probes."""
    return page(
        "Two-tenant check",
        notice_area(CheckState.notice, "info", on_close=CheckState.close_notice),
        rx.cond(CheckState.is_loaded, _verdict(), panel(skeleton_rows(2, "28px"))),
        rx.cond(CheckState.bad.length() > 0, trouble_panel()),
        groups_panel(),
        rx.cond(CheckState.is_running, _clock(RUNNING_MILLISECONDS), _clock(RESTING_MILLISECONDS)),
        active=routes.SIMULATOR,
        intro=INTRO,
        actions=(simulator_tabs(routes.SIMULATOR),),
    )


def _clock(milliseconds: int) -> rx.Component:
    # Also at rest, slowly: somebody else may have begun a check.
    ticking = rx.moment(interval=milliseconds, on_change=lambda _: CheckState.refresh(), format="x")
    return rx.el.div(ticking, hidden=True, aria_hidden="true")


def _verdict() -> rx.Component:
    return rx.cond(CheckState.is_running, _progress(), rx.cond(CheckState.at != "", _outcome(), _nothing_yet()))


def _progress() -> rx.Component:
    count = rx.cond(
        CheckState.total > 0,
        rx.el.span(CheckState.done.to_string() + " of " + CheckState.total.to_string() + " probes"),
        rx.el.span("Getting ready"),
    )
    head = rx.el.div(
        rx.el.h2("The check is under way", class_name="panel-title grow"),
        rx.el.span(rx.icon("timer", size=15, aria_hidden="true"), CheckState.elapsed, class_name="check-clock num"),
        _stop(),
        class_name="row",
    )
    words = rx.el.div(rx.el.span(CheckState.doing, class_name="soft truncate grow"), count, class_name="row num")
    return panel(rx.el.div(head, _bar(), words, class_name="stack"))


def _bar() -> rx.Component:
    return rx.el.div(
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


def _stop() -> rx.Component:
    return confirm_dialog(
        button("Stop", icon="square", small=True),
        title="Stop this check?",
        text="What it has found so far is kept; its two clients are taken away.",
        confirm="Stop the check",
        on_confirm=CheckState.stop,
    )


def _outcome() -> rx.Component:
    tight = CheckState.is_tight
    shield = rx.cond(tight, rx.icon("shield-check", size=30), rx.icon("shield-alert", size=30))
    facts = rx.el.p(long_time(CheckState.at), " · took ", CheckState.elapsed, class_name="check-facts num")
    words = rx.el.div(
        rx.el.h2(CheckState.headline, class_name="check-headline"),
        rx.el.p(CheckState.explanation, class_name="check-explanation"),
        facts,
        class_name="grow",
    )
    return rx.el.section(
        rx.el.div(shield, class_name="check-shield", aria_hidden="true"),
        words,
        rx.el.div(_run("Run it again"), _downloads(), class_name="check-actions"),
        class_name=rx.cond(tight, "panel check-outcome check-good", "panel check-outcome check-bad"),
        aria_label="Outcome of the latest check",
    )


def _run(words: str) -> rx.Component:
    return button(words, icon="play", look="main", on_click=CheckState.start)


def _downloads() -> rx.Component:
    page_file = NativeLink.create(
        rx.icon("download", aria_hidden="true"),
        rx.el.span("Download the report"),
        href=REPORT,
        download=True,
        class_name="button button-plain",
    )
    data_file = NativeLink.create(
        "JSON",
        href=f"{REPORT}?format=json",
        download=True,
        aria_label="Report as JSON",
        class_name="button button-plain",
    )
    return rx.el.div(page_file, data_file, class_name="row")


def _nothing_yet() -> rx.Component:
    return panel(empty_state("shield-question", "No check has been run here yet", HOW, _run("Run the check")))
