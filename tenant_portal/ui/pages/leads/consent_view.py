"""The panel of consent on a lead's page: where each channel stands, how it is known, and what the team records."""

import reflex as rx

from tenant_portal.leads.rules import MAX_TEXT
from tenant_portal.ui.components import button, empty_state, notice_area, panel, select_field, status_badge, text_area
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.pages.leads.consent_state import NAMES, ConsentState, ProofItem, StandingItem

KINDS = (("given", "Agreed"), ("withdrawn", "Withdrew"))


def consent_panel() -> rx.Component:
    """Consent of the lead."""
    return panel(
        notice_area(ConsentState.notice, ConsentState.tone, ConsentState.close_notice),
        rx.el.ul(rx.foreach(ConsentState.standings, _standing), class_name="rows"),
        rx.el.details(
            rx.el.summary("Record what they said otherwise"),
            _form(),
            class_name="consent-part",
        ),
        rx.el.details(
            rx.el.summary("History and proof"),
            rx.cond(
                ConsentState.proofs.length() > 0,
                rx.el.ul(rx.foreach(ConsentState.proofs, _proof), class_name="rows"),
                empty_state("file-check", "Nothing recorded yet", "Every STOP and START stands here with its proof."),
            ),
            class_name="consent-part",
        ),
        title="Consent",
        note="Whether you may write to them. Nothing is sent where consent was withdrawn.",
        flush=True,
    )


def _standing(item: rx.Var[StandingItem]) -> rx.Component:
    return rx.el.li(
        channel_mark(item.channel),
        rx.el.div(
            rx.el.div(item.name, font_weight="540"),
            rx.cond(item.at != "", rx.el.div("since ", long_time(item.at), class_name="soft", font_size="12.5px")),
            class_name="grow",
        ),
        rx.match(
            item.tone,
            *[(tone, status_badge(item.words, tone)) for tone in ("good", "warn", "bad")],
            rx.el.span(item.words, class_name="soft"),
        ),
        key=item.channel,
    )


def _form() -> rx.Component:
    channels = [(kind.value, name) for kind, name in NAMES.items()]
    return rx.el.form(
        rx.el.div(
            select_field("Channel", "channel", channels),
            select_field("They", "kind", KINDS),
            class_name="grid",
        ),
        text_area(
            "How you know",
            "consent-note",
            error=ConsentState.errors["note"],
            hint="It stays in the history. After a STOP by SMS the carriers let nothing through until they send START.",
            key=ConsentState.round.to_string(),
            default_value=ConsentState.note_draft,
            rows="2",
            max_length=MAX_TEXT,
        ),
        rx.el.div(button("Record", type="submit")),
        on_submit=ConsentState.record,
        class_name="stack consent-form",
    )


def _proof(item: rx.Var[ProofItem]) -> rx.Component:
    return rx.el.li(
        channel_mark(item.channel),
        rx.el.div(
            rx.el.div(rx.el.strong(item.words), " ", long_time(item.at), class_name="note-head row-wrap"),
            rx.el.div(item.source, class_name="soft", font_size="12.5px"),
            rx.cond(item.quote != "", rx.el.div("“", item.quote, "”", class_name="note-body")),
            rx.cond(item.note != "", rx.el.div(item.note, class_name="note-body")),
            class_name="grow",
        ),
        key=item.id,
        class_name="from-top",
    )
