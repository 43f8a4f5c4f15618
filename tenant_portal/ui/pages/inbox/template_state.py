"""Sending an approved template from a thread: chosen, filled in from the lead, seen as the phone shows it."""

from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import planned
from tenant_portal.inbox import queries as inbox
from tenant_portal.leads.rules import first_name
from tenant_portal.models.enums import TemplateState
from tenant_portal.templates import queries, rules
from tenant_portal.templates.queries import TemplateRow
from tenant_portal.tenants.queries import tenant_name
from tenant_portal.ui.components.phone_preview import Preview, preview_of
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.inbox.items import SEND_NOW
from tenant_portal.ui.pages.inbox.reading import id_of, session_of, tenant_of, wanted_thread
from tenant_portal.ui.session_state import client, form_text

LONGEST = 300
GONE = "This template does not exist."


@dataclass(frozen=True)
class TemplateChoice:
    """An approved template."""

    id: str
    name: str


@dataclass(frozen=True)
class TemplateValue:
    """A variable with what is filled in for it. `part` is the template and the variable: a new one is a new field."""

    number: str
    label: str
    value: str
    part: str


class TemplateSendState(rx.State):
    """The dialog in which a template is chosen and filled in."""

    is_open: bool = False
    choices: list[TemplateChoice] = []
    chosen: str = ""
    values: list[TemplateValue] = []
    preview: Preview = Preview()
    error: str = ""

    @rx.event
    async def load(self) -> None:
        """Another thread was opened."""
        await client(self)
        _clear(self)

    @rx.event
    async def set_open(self, is_open: bool) -> None:
        """Open the dialog with the first approved template, or close it."""
        person = await client(self)
        _clear(self)
        if not is_open or not wanted_thread(self):
            return
        async with session_of(person) as session:
            rows = await queries.list_templates(session, tenant_of(person), [TemplateState.APPROVED])
        self.is_open, self.choices = True, [TemplateChoice(str(row.id), row.name) for row in rows]
        if rows:
            await _try_choose(self, person, str(rows[0].id))

    @rx.event
    async def choose(self, template_id: str) -> None:
        """Another template, filled in from the lead."""
        await _try_choose(self, await client(self), template_id)

    @rx.event
    async def write(self, name: str, text: str) -> None:
        """What stands in for a variable; `name` is its number."""
        person = await client(self)
        self.values = [replace(one, value=text[:LONGEST]) if one.number == name else one for one in self.values]
        await _try_preview(self, person)

    @rx.event
    async def send(self, form: dict[str, Any]) -> None:
        """Send the template, at once or after the quiet hours."""
        person = await client(self)
        values = {one.number: str(form.get(f"value_{one.number}", one.value))[:LONGEST] for one in self.values}
        self.values = [replace(one, value=values[one.number]) for one in self.values]
        try:
            async with session_of(person) as session:
                thread, template = id_of(wanted_thread(self)), parse_id(self.chosen, GONE)
                now = form_text(form, "quiet", 8) == SEND_NOW
                await planned.send_template(session, person, thread, template, values, despite_quiet_hours=now)
            _clear(self)
        except PortalError as error:
            self.error = error.message


def _clear(state: TemplateSendState) -> None:
    state.is_open, state.choices, state.chosen, state.values = False, [], "", []
    state.preview, state.error = Preview(), ""


async def _try_choose(state: TemplateSendState, person: Person, template_id: str) -> None:
    state.error = ""
    try:
        async with session_of(person) as session:
            template = await queries.get_template(session, tenant_of(person), parse_id(template_id, GONE))
            known = await _known(session, person, wanted_thread(state))
    except PortalError as error:
        state.error = error.message
        return
    state.chosen = str(template.id)
    state.values = [
        TemplateValue(
            number, f"{{{{{number}}}}}", known.get(template.fills.get(number, ""), ""), f"{template.id}{number}"
        )
        for number in rules.variables(template.body)
    ]
    _show(state, template)


async def _try_preview(state: TemplateSendState, person: Person) -> None:
    try:
        async with session_of(person) as session:
            _show(state, await queries.get_template(session, tenant_of(person), parse_id(state.chosen, GONE)))
    except PortalError as error:
        state.error = error.message


def _show(state: TemplateSendState, template: TemplateRow) -> None:
    values = {one.number: " ".join(one.value.split()) for one in state.values}
    buttons = [(button.action, button.title) for button in template.buttons]
    state.preview = preview_of(rules.filled(template.body, values), template.media_url, buttons)


async def _known(session: Any, person: Person, thread: str) -> dict[str, str]:
    """What can be filled in by itself, by the words of `rules.FILLS`; nothing for a lead without a name."""
    row = await inbox.get_thread(session, tenant_of(person), id_of(thread))
    name = row.name or row.profile_name
    company = await tenant_name(session, tenant_of(person))
    return {"name": name, "first_name": first_name(name), "company": company, "sender": person.name}
