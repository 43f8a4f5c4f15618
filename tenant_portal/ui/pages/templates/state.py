"""What the Templates page knows and does."""

from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.models.enums import Role, TemplateKind
from tenant_portal.templates import queries, service
from tenant_portal.templates.rules import LONGEST_BODY
from tenant_portal.ui import live
from tenant_portal.ui.components.phone_preview import Preview
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.templates.items import (
    TemplateItem,
    VariableItem,
    draft_of,
    draft_preview,
    template_item,
    variable_items,
)
from tenant_portal.ui.session_state import client, form_text

LONGEST_FIELD = LONGEST_BODY + 200
EMPTY = {"kind": TemplateKind.TEXT.value, "language": "en", "category": "UTILITY"}
GONE = "This template does not exist."


class TemplatesState(rx.State):
    """The list, and the form of a new template. `error_field` is the field that `error` stands beside."""

    templates: list[TemplateItem] = []
    is_loaded: bool = False
    may_change: bool = False
    is_writing: bool = False
    kind: str = TemplateKind.TEXT.value
    variables: list[VariableItem] = []
    preview: Preview = Preview()
    error: str = ""
    error_field: str = ""
    notice: str = ""
    # What has been written so far; the browser's fields are not controlled.
    _form: dict[str, str] = {}

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice, self.is_writing = "", False
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, TemplatesState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def begin(self, is_writing: bool) -> None:
        """Open the form, or leave it."""
        await client(self)
        self.is_writing, self._form = is_writing, dict(EMPTY)
        self.error, self.error_field = "", ""
        _show(self)

    @rx.event
    async def write(self, name: str, text: str) -> None:
        """A field of the form has changed: the preview follows."""
        await client(self)
        self._form = {**self._form, name[:40]: text[:LONGEST_FIELD]}
        _show(self)

    @rx.event
    async def create(self, form: dict[str, Any]) -> None:
        """Submit the template for approval."""
        person = await client(self)
        self._form = {**self._form, **{name[:40]: form_text(form, name, LONGEST_FIELD) for name in list(form)[:40]}}
        self.error, self.error_field = "", ""
        try:
            async with tenant_session(_tenant(person)) as session:
                await service.create(session, person, draft_of(self._form))
            self.is_writing = False
        except BadInput as refusal:
            self.error, self.error_field = refusal.message, refusal.field or "name"
        except PortalError as refusal:
            self.error, self.error_field = refusal.message, "name"
        _show(self)
        await _read(self, person)

    @rx.event
    async def submit(self, template_id: str) -> None:
        """Submit a template again."""
        person = await client(self)
        await _try(self, person, lambda session: service.submit(session, person, parse_id(template_id, GONE)))

    @rx.event
    async def delete(self, template_id: str) -> None:
        """Delete a template here and at Twilio."""
        person = await client(self)
        await _try(self, person, lambda session: service.delete(session, person, parse_id(template_id, GONE)))

    @rx.event
    async def check(self) -> None:
        """Ask Twilio now."""
        person = await client(self)
        await _try(self, person, lambda session: service.check_now(session, person))

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _try(state: TemplatesState, person: Person, change: Any) -> None:
    state.notice = ""
    try:
        async with tenant_session(_tenant(person)) as session:
            await change(session)
    except PortalError as error:
        state.notice = error.message
    await _read(state, person)


async def _read(state: TemplatesState, person: Person) -> None:
    tenant_id = _tenant(person)
    async with tenant_session(tenant_id) as session:
        rows = await queries.list_templates(session, tenant_id)
    items = [template_item(row) for row in rows]
    state.may_change = person.role is Role.OWNER
    if items != state.templates:
        state.templates = items


def _show(state: TemplatesState) -> None:
    draft = draft_of(state._form)
    state.kind, state.preview = draft.kind.value, draft_preview(draft)
    items = variable_items(draft)
    # Not for each letter of an example: the fields would be drawn anew under the writer's hands.
    if [item.label for item in items] != [item.label for item in state.variables]:
        state.variables = items


def _tenant(person: Person) -> UUID:
    assert person.tenant_id is not None
    return person.tenant_id
