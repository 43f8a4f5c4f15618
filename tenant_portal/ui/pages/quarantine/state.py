"""What the quarantine page does."""

from dataclasses import dataclass

import reflex as rx

from tenant_portal.db import staff_session
from tenant_portal.errors import PortalError
from tenant_portal.front_door import quarantine
from tenant_portal.tenants.quarantine import PAGE_SIZE, HeldRequest, requests
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.session_state import staff

MOST_LINES = 500
REASONS = {
    "unknown-account": (
        "Unknown account",
        "No client has this Twilio account. If one is being set up, try again later.",
    ),
    "provisioning": ("Client being set up", "Replay it when the client is active."),
    "suspended": ("Client suspended", "Resume the client, then replay it."),
    "unknown-number": (
        "Unknown number",
        "The client has no connected channel with this number. Connect it, then replay.",
    ),
    "processing-fault": ("Could not be processed", "Something failed in the portal. Replay it after an update."),
    "unknown-call": ("Unknown call", "The call it belongs to is not there. Replay the call first."),
    "unknown-message": ("Unknown message", "The message it belongs to is not there."),
    "signature": (
        "Wrong signature",
        "It is not signed with the account's present token. It may have been changed at Twilio.",
    ),
}


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A request in words; times are ISO 8601."""

    id: str
    received_at: str
    reason: str
    advice: str
    kind: str
    whose: str
    is_signed: bool
    size: str
    parameter_names: str
    state: str
    settled_at: str
    settled_by: str
    outcome: str


class HeldRequestsState(rx.State):
    """Held or settled requests, and the decisions on them."""

    rows: list[HeldLine] = []
    settled: bool = False
    loaded: bool = False
    has_more: bool = False
    notice: str = ""
    tone: str = "good"
    discarding: str = ""
    _shown: int = PAGE_SIZE

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        await staff(self)
        self.notice, self.discarding, self._shown = "", "", PAGE_SIZE
        await _read(self)

    @rx.event
    async def show_settled(self, settled: bool) -> None:
        """Those that wait, or those that are done."""
        await staff(self)
        self.settled, self._shown = settled, PAGE_SIZE
        await _read(self)

    @rx.event
    async def load_more(self) -> None:
        """Older ones."""
        await staff(self)
        self._shown = min(self._shown + PAGE_SIZE, MOST_LINES)
        await _read(self)

    @rx.event
    async def replay(self, request_id: str) -> None:
        """Decide a request again, as if it came in now."""
        person = await staff(self)
        try:
            done = await quarantine.replay(parse_id(request_id), person.name)
            self.notice, self.tone = done.sentence, "good" if done.settled else "warn"
        except PortalError as error:
            self.notice, self.tone = error.message, "bad"
        await _read(self)

    @rx.event
    async def ask_discard(self, request_id: str) -> None:
        """Open the question before a request is given up; an empty id closes it."""
        await staff(self)
        self.discarding = request_id

    @rx.event
    async def keep(self, is_open: bool) -> None:
        """Close the question."""
        await staff(self)
        if not is_open:
            self.discarding = ""

    @rx.event
    async def discard(self) -> None:
        """Give the request up that was asked about."""
        person = await staff(self)
        try:
            await quarantine.discard(parse_id(self.discarding), person.name)
            self.notice, self.tone = "The request was discarded.", "good"
        except PortalError as error:
            self.notice, self.tone = error.message, "bad"
        self.discarding = ""
        await _read(self)


async def _read(state: HeldRequestsState) -> None:
    async with staff_session() as session:
        found, more = await requests(session, held=not state.settled, limit=state._shown)
    state.rows = [_line(row) for row in found]
    state.has_more, state.loaded = more and state._shown < MOST_LINES, True


def _line(row: HeldRequest) -> HeldLine:
    reason, advice = REASONS.get(row.reason, (row.reason.replace("-", " ").capitalize(), ""))
    return HeldLine(
        id=str(row.id),
        received_at=row.received_at.isoformat(),
        reason=reason,
        advice=advice,
        kind=row.kind,
        whose=row.client or row.account_sid or "No account",
        is_signed=row.is_signed,
        size=f"{max(row.size_bytes / 1000, 0.1):.1f} kB",
        parameter_names=row.parameter_names,
        state=row.state.value,
        settled_at=row.settled_at.isoformat() if row.settled_at else "",
        settled_by=row.settled_by or "",
        outcome=quarantine.SENTENCES.get(row.outcome or "", ""),
    )
