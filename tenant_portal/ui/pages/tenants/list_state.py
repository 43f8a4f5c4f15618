"""What the overview of all clients does."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.db import announce, staff_session, tenant_session
from tenant_portal.errors import BadInput, NotFound, PortalError
from tenant_portal.identity import team
from tenant_portal.identity.queries import Person
from tenant_portal.identity.rules import tidy_email
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants import queries, service
from tenant_portal.tenants.queries import PAGE_SIZE, Sort
from tenant_portal.ui.pages.tenants.lines import TenantLine, tenant_line
from tenant_portal.ui.session_state import form_text, staff

MOST_LINES = 500
LONGEST_SEARCH = 100


class TenantsState(rx.State):
    """The clients that fit the search, and the dialogs over them."""

    rows: list[TenantLine] = []
    search: str = ""
    sort: str = Sort.NAME.value
    state: str = ""
    has_more: bool = False
    loaded: bool = False
    is_settling: bool = False
    total: int = 0
    active: int = 0
    suspended: int = 0
    notice: str = ""
    tone: str = "good"
    creating: bool = False
    name_error: str = ""
    email_error: str = ""
    invitation: str = ""
    invited: str = ""
    asked: str = ""
    asked_name: str = ""
    asked_resumes: bool = False
    _shown: int = PAGE_SIZE

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        await staff(self)
        self.notice, self.asked, self.creating = "", "", False
        await _read(self)

    @rx.event
    async def refresh(self) -> None:
        """Read again; the page asks while something is being set up."""
        await staff(self)
        await _read(self)

    @rx.event
    async def find(self, search: str) -> None:
        """Only clients whose name, account or number holds these words."""
        await staff(self)
        self.search, self._shown = search.replace("\0", "")[:LONGEST_SEARCH], PAGE_SIZE
        await _read(self)

    @rx.event
    async def order(self, sort: str) -> None:
        """Another order."""
        await staff(self)
        self.sort = sort if sort in list(Sort) else Sort.NAME.value
        await _read(self)

    @rx.event
    async def narrow(self, state: str) -> None:
        """Only clients in one state; empty for all."""
        await staff(self)
        self.state, self._shown = state if state in list(TenantState) else "", PAGE_SIZE
        await _read(self)

    @rx.event
    async def load_more(self) -> None:
        """More clients at the end."""
        await staff(self)
        self._shown = min(self._shown + PAGE_SIZE, MOST_LINES)
        await _read(self)

    @rx.event
    async def open_create(self, is_open: bool) -> None:
        """Open or close the form for a new client."""
        await staff(self)
        self.creating, self.invitation, self.invited = is_open, "", ""
        self.name_error = self.email_error = ""

    @rx.event
    async def create(self, form: dict[str, Any]) -> None:
        """Add a client and invite its first owner."""
        person = await staff(self)
        self.name_error = self.email_error = ""
        email = form_text(form, "email", 300).strip()
        try:
            self.invitation = await create_client(person, form_text(form, "name", 300), email)
        except PortalError as error:
            _show_refusal(self, error)
            return
        self.invited, self.creating = email, bool(self.invitation)
        await _read(self)

    @rx.event
    async def ask(self, tenant_id: str) -> None:
        """Open the question before a client is suspended or resumed; an empty id closes it."""
        await staff(self)
        row = next((row for row in self.rows if row.id == tenant_id), None)
        self.asked = row.id if row else ""
        if row:
            self.asked_name, self.asked_resumes = row.name, row.can_resume

    @rx.event
    async def close_question(self, is_open: bool) -> None:
        """Close the question."""
        await staff(self)
        if not is_open:
            self.asked = ""

    @rx.event
    async def answer(self) -> None:
        """Suspend or resume the client that was asked about."""
        person = await staff(self)
        change = service.resume if self.asked_resumes else service.suspend
        try:
            async with staff_session() as session:
                tenant_id = tenant_id_of(self.asked)
                await change(session, tenant_id, by=person)
                await announce(session, tenant_id)
            words = "goes on" if self.asked_resumes else "is suspended"
            self.notice, self.tone = f"{self.asked_name} {words}.", "good"
        except PortalError as error:
            self.notice, self.tone = error.message, "bad"
        self.asked = ""
        await _read(self)


async def create_client(person: Person, name: str, email: str) -> str:
    """A new client; the link for its first owner, empty without an address."""
    if email:
        tidy_email(email)
    async with staff_session() as session:
        tenant_id = await service.create(session, name, by=person)
    return await owner_link(person, tenant_id, email) if email else ""


async def owner_link(person: Person, tenant_id: UUID, email: str) -> str:
    """A link with which this address becomes an owner of the client; it is shown once and stored nowhere."""
    async with tenant_session(tenant_id) as session:
        token = await team.invite_owner(session, person, tenant_id, email=email, now=datetime.now(UTC))
    return team.invitation_link(token)


def tenant_id_of(text: str) -> UUID:
    """The id in an event's argument; NotFound if it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This client no longer exists.") from None


def _show_refusal(state: TenantsState, error: PortalError) -> None:
    if isinstance(error, BadInput) and error.field == "email":
        state.email_error = error.message
    else:
        state.name_error = error.message


async def _read(state: TenantsState) -> None:
    narrowed = TenantState(state.state) if state.state else None
    async with staff_session() as session:
        page = await queries.overview(
            session, search=state.search, sort=Sort(state.sort), state=narrowed, limit=state._shown
        )
        counts = await queries.counts(session)
    state.rows = [tenant_line(row) for row in page.rows]
    state.has_more = page.next_after is not None and state._shown < MOST_LINES
    state.is_settling = any(row.is_settling for row in state.rows)
    state.total = sum(counts.values())
    state.active, state.suspended = counts.get(TenantState.ACTIVE, 0), counts.get(TenantState.SUSPENDED, 0)
    state.loaded = True
