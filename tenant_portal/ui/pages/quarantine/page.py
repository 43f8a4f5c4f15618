"""The quarantine: what it is, why, and what to do about it."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    dialog,
    empty_state,
    notice_area,
    panel,
    relative_time,
    skeleton_rows,
    status_badge,
)
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.quarantine.state import HeldLine, HeldRequestsState

INTRO = "Requests that could not be given to a client. Their content is sealed; nobody reads it here."


def quarantine_page() -> rx.Component:
    """Requests that wait for a decision, or those that had one."""
    return page(
        "Quarantine",
        notice_area(HeldRequestsState.notice, HeldRequestsState.tone),
        rx.el.div(
            _tab("Waiting", False),
            _tab("Settled", True),
            class_name="segments",
            role="group",
            aria_label="Which requests",
        ),
        panel(
            rx.cond(
                HeldRequestsState.loaded,
                rx.cond(
                    HeldRequestsState.rows.length() > 0,
                    rx.el.ul(rx.foreach(HeldRequestsState.rows, _request), class_name="rows"),
                    _nothing(),
                ),
                skeleton_rows(4, "40px"),
            ),
            flush=True,
        ),
        rx.cond(
            HeldRequestsState.has_more,
            rx.el.div(button("Show more", on_click=HeldRequestsState.load_more, look="quiet"), class_name="list-more"),
        ),
        _question(),
        active=routes.QUARANTINE,
        intro=INTRO,
    )


def _tab(words: str, settled: bool) -> rx.Component:
    is_on = HeldRequestsState.settled if settled else ~HeldRequestsState.settled
    return rx.el.button(
        words,
        type="button",
        aria_pressed=rx.cond(is_on, "true", "false"),
        on_click=HeldRequestsState.show_settled(settled),
        class_name="segment",
    )


def _nothing() -> rx.Component:
    return rx.cond(
        HeldRequestsState.settled,
        empty_state("archive", "Nothing settled yet", "What you replay or discard is listed here."),
        empty_state("shield-check", "Nothing in quarantine", "Everything that arrived was given to its client."),
    )


def _request(line: rx.Var[HeldLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(line.reason),
                rx.cond(line.is_signed, status_badge("Signed", "good"), status_badge("Signature not proven", "warn")),
                class_name="row row-wrap",
            ),
            rx.el.div(
                line.whose,
                ", ", line.kind, ", ", line.size, ", ", relative_time(line.received_at),
                class_name="soft",
            ),
            rx.cond(line.state == "held", rx.el.div(line.advice), _settled(line)),
            rx.el.details(
                rx.el.summary("Parameters"),
                rx.el.code(line.parameter_names, class_name="parameter-names"),
                class_name="soft",
            ),
            class_name="held-text",
        ),
        rx.cond(
            line.state == "held",
            rx.el.div(
                button("Replay", icon="rotate-cw", small=True, on_click=HeldRequestsState.replay(line.id)),
                button("Discard", small=True, look="quiet", on_click=HeldRequestsState.ask_discard(line.id)),
                class_name="row",
            ),
        ),
        class_name="held-row",
    )  # fmt: skip


def _settled(line: rx.Var[HeldLine]) -> rx.Component:
    words = rx.cond(line.state == "replayed", "Replayed by ", "Discarded by ")
    return rx.el.div(words, line.settled_by, ", ", relative_time(line.settled_at), ". ", line.outcome)


def _question() -> rx.Component:
    return dialog(
        rx.el.div(
            button("Cancel", on_click=HeldRequestsState.keep(False)),
            button("Discard", look="danger", on_click=HeldRequestsState.discard),
            class_name="row",
            justify_content="flex-end",
        ),
        title="Discard this request?",
        intro="Its content is erased and cannot be given to anybody any more.",
        open_var=HeldRequestsState.discarding != "",
        on_open_change=HeldRequestsState.keep,
    )
