"""What the page of one client does."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from tenant_portal.db import announce, staff_session
from tenant_portal.errors import NotFound, PortalError
from tenant_portal.tenants import limits, queries, service
from tenant_portal.tenants.queries import Refusal
from tenant_portal.ui.pages.tenants.limits_view import LimitLines, limit_lines
from tenant_portal.ui.pages.tenants.lines import TenantLine, tenant_line
from tenant_portal.ui.pages.tenants.list_state import owner_link, tenant_id_of
from tenant_portal.ui.session_state import form_text, staff

REASONS = {
    "unsigned": "Not signed at all",
    "signature": "Not signed with the account's present token",
    "shared-key": "Signed with a key that the portal does not hold",
    "account-unclear": "No account, or more than one",
    "account-mismatch": "Address and content name different accounts",
    "suspended": "The client is suspended",
    "provisioning": "The client is still being set up",
    "missing-parameter": "Something is missing that every request of its kind has",
    "malformed": "Not readable",
    "content-type": "Not a form",
    "too-large": "Too large",
    "slow-body": "Sent too slowly",
    "flood": "Beyond the client's flood line",
    "too-many-failures": "Too much from one address was wrong",
}


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """Refused requests of one reason, in words."""

    reason: str
    kind: str
    count: int
    last_at: str
    parameter_names: str


class TenantDetailState(rx.State):
    """One client as the agency sees it."""

    line: TenantLine = TenantLine()
    refusals: list[RefusalLine] = []
    limits: LimitLines = LimitLines()
    loaded: bool = False
    missing: bool = False
    notice: str = ""
    tone: str = "good"
    invitation: str = ""
    email_error: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        await staff(self)
        self.notice = self.invitation = self.email_error = ""
        self.line, self.loaded = TenantLine(), False
        await _read(self)

    @rx.event
    async def refresh(self) -> None:
        """Read again; the page asks while something is being set up."""
        await staff(self)
        await _read(self)

    @rx.event
    async def check(self) -> None:
        """Look at Twilio again now."""
        await staff(self)
        await _change(self, service.retry, "Twilio is being asked.")

    @rx.event
    async def suspend(self) -> None:
        """Stop the client's traffic."""
        person = await staff(self)
        await _change(self, service.suspend, "The client is suspended.", by=person)

    @rx.event
    async def resume(self) -> None:
        """Let the client's traffic flow again."""
        person = await staff(self)
        await _change(self, service.resume, "The client goes on.", by=person)

    @rx.event
    async def run_again(self, task: str) -> None:
        """Start work that was given up once more."""
        person = await staff(self)
        await _change(self, limits.run_again, "It runs again.", task=task, by=person)

    @rx.event
    async def invite(self, form: dict[str, Any]) -> None:
        """A link for an owner of this client."""
        person = await staff(self)
        self.email_error = self.invitation = ""
        try:
            self.invitation = await owner_link(person, tenant_id_of(self.line.id), form_text(form, "email", 300))
        except PortalError as error:
            self.email_error = error.message


async def _change(state: TenantDetailState, change: Any, done: str, **options: Any) -> None:
    try:
        tenant_id = tenant_id_of(state.line.id)
        async with staff_session() as session:
            await change(session, tenant_id, **options)
            await announce(session, tenant_id)
        state.notice, state.tone = done, "good"
    except PortalError as error:
        state.notice, state.tone = error.message, "bad"
    await _read(state)


async def _read(state: TenantDetailState) -> None:
    try:
        tenant_id = tenant_id_of(state.line.id or getattr(state, "staff_tenant_id", ""))
        async with staff_session() as session:
            row = await queries.one(session, tenant_id)
            refused = await queries.refusals(session, row.account_sid) if row.account_sid else []
            pressure, given_up = await limits.pressure(session, tenant_id), await limits.given_up(session, tenant_id)
    except NotFound:
        state.missing = state.loaded = True
        return
    state.line, state.refusals = tenant_line(row), [_refusal(one) for one in refused]
    state.limits = limit_lines(pressure, given_up)
    state.missing, state.loaded = False, True


def _refusal(one: Refusal) -> RefusalLine:
    reason = REASONS.get(one.reason, one.reason.replace("-", " ").capitalize())
    return RefusalLine(reason, one.kind, one.count, one.last_at.isoformat(), one.parameter_names)
