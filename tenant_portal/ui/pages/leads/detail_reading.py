"""Fills the page of one lead."""

from dataclasses import dataclass
from typing import Any

from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.leads import merging, queries, timeline
from tenant_portal.leads.merging import MergeRow
from tenant_portal.leads.rules import display_name, format_number
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.pages.leads.items import (
    ChoiceItem,
    LeadItem,
    field_item,
    label_item,
    lead_item,
    member_choice,
    stage_choice,
    use_item,
)
from tenant_portal.ui.pages.leads.moments import moment_item


@dataclass(frozen=True)
class MergeItem:
    """Somebody who was merged into the lead of the page."""

    id: str
    name: str
    number: str
    who: str
    at: str


async def read_lead(state: Any, person: Person, shown: int) -> None:
    """Read the lead of the address bar into a LeadState, with `shown` moments of its timeline."""
    tenant_id = person.tenant_id
    assert tenant_id is not None
    async with tenant_session(tenant_id) as session:
        try:
            row = await queries.get_lead(session, tenant_id, parse_id(getattr(state, "lead_id", "")))
        except NotFound:
            _forget(state)
            return
        stages, members = await queries.list_stages(session, tenant_id), await list_members(session, tenant_id)
        labels, fields = await queries.list_labels(session, tenant_id), await queries.list_fields(session, tenant_id)
        moments = await timeline.list_moments(session, tenant_id, row.id, limit=shown + 1)
        merges = await merging.list_merges(session, tenant_id, row.id)
        thread, uses = row.conversation_id, []
        if thread is not None:
            uses = await queries.channels_used(session, tenant_id, thread)
        currency = await queries.get_currency(session, tenant_id)
    state.is_missing, state.lead = False, lead_item(row, currency)
    state.stages, state.members = [stage_choice(one) for one in stages], [member_choice(one) for one in members]
    if row.owner_id and str(row.owner_id) not in {one.value for one in state.members}:
        # Somebody who has left still owns it until it is given to somebody else.
        state.members = [*state.members, ChoiceItem(str(row.owner_id), f"{row.owner_name} (left)")]
    on = frozenset(label.id for label in row.labels)
    state.labels, state.fields = [label_item(one, on) for one in labels], [field_item(one, row) for one in fields]
    state.moments = [moment_item(one, state.lead.name, person.user_id) for one in moments[:shown]]
    state.has_older = len(moments) > shown
    state.uses, state.merges = [use_item(use) for use in uses], [merge_item(one) for one in merges]


def _forget(state: Any) -> None:
    state.is_missing, state.lead, state.has_older = True, LeadItem(), False
    for name in ("stages", "members", "labels", "fields", "moments", "uses", "merges", "candidates"):
        setattr(state, name, [])


def merge_item(row: MergeRow) -> MergeItem:
    """A merge that can be undone."""
    name = display_name(row.name, row.profile_name, row.address)
    return MergeItem(str(row.id), name, format_number(row.address), row.actor_name, row.merged_at.isoformat())
