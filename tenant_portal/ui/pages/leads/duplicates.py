"""Leads that may be one person, two by two."""

from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.leads import merging, queries
from tenant_portal.ui import live, routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    empty_state,
    notice_area,
    panel,
    skeleton_rows,
    text_link,
)
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import long_time
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.ids import parse_id
from tenant_portal.ui.pages.leads.items import LeadItem, lead_item
from tenant_portal.ui.pages.leads.views import view_links
from tenant_portal.ui.session_state import client

SHOWN = 20
REASONS = {"number": "Two spellings of one number", "name": "The same name"}


@dataclass(frozen=True)
class PairItem:
    """Two leads and why they may be one person."""

    reason: str
    first: LeadItem = field(default_factory=LeadItem)
    second: LeadItem = field(default_factory=LeadItem)


class DuplicatesState(rx.State):
    """The pairs that nobody has decided about."""

    pairs: list[PairItem] = []
    is_loaded: bool = False
    notice: str = ""
    tone: str = "good"

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        person = await client(self)
        self.notice = ""
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, DuplicatesState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def merge(self, lead_id: str, other_lead_id: str) -> None:
        """Put the second of a pair into the first."""
        person = await client(self)
        done = "Merged. It can be undone on the lead's page."
        await _try(self, person, lambda s: merging.merge(s, person, parse_id(lead_id), parse_id(other_lead_id)), done)

    @rx.event
    async def keep_apart(self, lead_id: str, other_lead_id: str) -> None:
        """They are two people."""
        person = await client(self)
        done = "Noted. These two are not proposed again."
        await _try(
            self, person, lambda s: merging.keep_apart(s, person, parse_id(lead_id), parse_id(other_lead_id)), done
        )

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _try(state: DuplicatesState, person: Person, change: Any, done: str) -> None:
    assert person.tenant_id is not None
    try:
        async with tenant_session(person.tenant_id) as session:
            await change(session)
        state.notice, state.tone = done, "good"
    except PortalError as error:
        state.notice, state.tone = error.message, "bad"
    await _read(state, person)


async def _read(state: DuplicatesState, person: Person) -> None:
    tenant_id = person.tenant_id
    assert tenant_id is not None
    pairs = []
    async with tenant_session(tenant_id) as session:
        currency = await queries.get_currency(session, tenant_id)
        for pair in await merging.suggest(session, tenant_id, limit=SHOWN):
            try:
                first = await queries.get_lead(session, tenant_id, pair.first_id)
                second = await queries.get_lead(session, tenant_id, pair.second_id)
            except NotFound:
                # Merged by somebody else since the pairs were read.
                continue
            pairs.append(PairItem(REASONS[pair.reason], lead_item(first, currency), lead_item(second, currency)))
    state.pairs = pairs


def duplicates_page() -> rx.Component:
    """Each pair with its two leads side by side."""
    return page(
        "Leads",
        view_links("duplicates"),
        notice_area(DuplicatesState.notice, DuplicatesState.tone, DuplicatesState.close_notice),
        rx.cond(
            DuplicatesState.is_loaded,
            rx.cond(
                DuplicatesState.pairs.length() > 0,
                rx.el.ul(rx.foreach(DuplicatesState.pairs, _pair), class_name="pairs"),
                panel(
                    empty_state(
                        "users",
                        "No duplicates found",
                        "Leads with the same name, or with one number in two spellings, are proposed here.",
                    )
                ),
            ),
            panel(skeleton_rows(4, "48px")),
        ),
        active=routes.LEADS,
        intro="Leads that may be one person. Merging keeps everything of both, and can be undone.",
    )


def _pair(item: rx.Var[PairItem]) -> rx.Component:
    merge = confirm_dialog(
        button("Merge", icon="merge", look="main"),
        title="Are these two one person?",
        text=item.second.name + ", " + item.second.number + ", goes into the lead on the left.",
        confirm="Merge",
        on_confirm=DuplicatesState.merge(item.first.id, item.second.id),
        look="main",
    )
    apart = button("Not the same person", on_click=DuplicatesState.keep_apart(item.first.id, item.second.id))
    return rx.el.li(
        panel(
            rx.el.div(_side(item.first), _side(item.second), class_name="pair"),
            rx.el.div(merge, apart, class_name="row row-wrap", margin_top="14px"),
            title=item.reason,
        ),
        key=item.first.id + item.second.id,
    )


def _side(item: rx.Var[LeadItem]) -> rx.Component:
    return rx.el.div(
        lead_avatar(item.initials, item.tint),
        rx.el.div(
            text_link(item.name, item.href),
            rx.el.div(item.number, class_name="lead-sub"),
            rx.el.div(item.source_name, ", ", long_time(item.created_at), class_name="lead-sub"),
            min_width="0",
        ),
        class_name="row pair-side",
    )
