"""What the panel of consent on a lead's page does."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, NotFound, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.leads import consent, queries
from tenant_portal.leads.consent import ConsentRow, Standing
from tenant_portal.leads.rules import MAX_TEXT
from tenant_portal.models.enums import ChannelKind, ConsentKind, ConsentSource
from tenant_portal.ui import live
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.session_state import client, form_text

NAMES = {ChannelKind.SMS: "SMS", ChannelKind.WHATSAPP: "WhatsApp", ChannelKind.VOICEMAIL: "Calls"}
SOURCES = {
    ConsentSource.MESSAGE: "by a message",
    ConsentSource.CALL: "in a call",
    ConsentSource.IMPORT: "from a file",
    ConsentSource.BY_HAND: "entered by hand",
    ConsentSource.TWILIO: "Twilio refused a message to them (21610)",
    ConsentSource.EARLIER: "known from before this history was kept",
}
NO_ERRORS = {"note": ""}
LONGEST_WORD = 20


@dataclass(frozen=True)
class StandingItem:
    """Where a channel stands. `tone` is that of a badge; `at` is ISO 8601, empty where nothing is known."""

    channel: str
    name: str
    words: str
    tone: str
    at: str


@dataclass(frozen=True)
class ProofItem:
    """A line of the history. `quote` is what the lead wrote, `note` what the team knows."""

    id: str
    channel: str
    words: str
    source: str
    quote: str
    note: str
    at: str


class ConsentState(rx.State):
    """Consent of the lead in the address bar, channel by channel, and how it is known."""

    standings: list[StandingItem] = []
    proofs: list[ProofItem] = []
    notice: str = ""
    tone: str = "good"
    errors: dict[str, str] = NO_ERRORS
    note_draft: str = ""
    round: int = 0

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self.note_draft, self.errors = "", "", dict(NO_ERRORS)
        await _read(self, person)
        await live.join(self, person, ConsentState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def record(self, form: dict[str, Any]) -> None:
        """Write down what the lead has said otherwise. What was typed stays where something is wrong."""
        person = await client(self)
        assert person.tenant_id is not None
        channel, kind = form_text(form, "channel", LONGEST_WORD), form_text(form, "kind", LONGEST_WORD)
        note = form_text(form, "consent-note", MAX_TEXT + 1)
        self.notice, self.errors, self.note_draft = "", dict(NO_ERRORS), note
        try:
            async with tenant_session(person.tenant_id) as session:
                await consent.record(session, person, parse_id(_lead_id(self)), channel, kind, note)
        except PortalError as error:
            _tell(self, error)
            return
        self.notice, self.tone, self.note_draft = "Recorded.", "good", ""
        self.round += 1
        await _read(self, person)

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


def _lead_id(state: ConsentState) -> str:
    return str(getattr(state, "lead_id", ""))


def _tell(state: ConsentState, error: PortalError) -> None:
    if isinstance(error, BadInput) and error.field in state.errors:
        state.errors = {**state.errors, error.field: error.message}
    else:
        state.notice, state.tone = error.message, "bad"


async def _read(state: ConsentState, person: Person) -> None:
    assert person.tenant_id is not None
    state.standings, state.proofs = [], []
    async with tenant_session(person.tenant_id) as session:
        try:
            lead = await queries.get_lead(session, person.tenant_id, parse_id(_lead_id(state)))
        except NotFound:
            return
        history = await consent.list_history(session, person.tenant_id, lead.id)
    found = consent.standings(history, opted_out=lead.opted_out_at is not None)
    state.standings = [standing_item(one) for one in found]
    state.proofs = [proof_item(number, row) for number, row in enumerate(history)]


def standing_item(row: Standing) -> StandingItem:
    """A channel in a reader's words."""
    name, at = NAMES[row.channel_kind], row.last.at.isoformat() if row.last else ""
    if row.last is not None and row.last.kind is ConsentKind.GIVEN:
        return StandingItem(row.channel_kind.value, name, "Agreed", "good", at)
    if row.is_closed and row.last is not None:
        return StandingItem(row.channel_kind.value, name, "Withdrawn", "bad", at)
    if row.is_closed:
        return StandingItem(row.channel_kind.value, name, "Closed by another channel", "warn", at)
    return StandingItem(row.channel_kind.value, name, "Nothing recorded", "neutral", at)


def proof_item(number: int, row: ConsentRow) -> ProofItem:
    """A line of the history in a reader's words."""
    said = "agreed" if row.kind is ConsentKind.GIVEN else "withdrew"
    who = f", {row.actor_name}" if row.actor_name else ""
    return ProofItem(
        id=str(number),
        channel=row.channel_kind.value,
        words=f"{NAMES[row.channel_kind]}: {said}",
        source=SOURCES[row.source] + who,
        quote=row.text,
        note=row.note,
        at=row.at.isoformat(),
    )
