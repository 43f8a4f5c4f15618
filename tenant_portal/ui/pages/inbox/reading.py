"""Fills the inbox's state from the database; `state` is always an InboxState, which imports this module."""

from typing import Any
from uuid import UUID

from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.inbox import notes, planned, queries, reading, service
from tenant_portal.inbox.queries import NEWEST_THREADS, View
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui.pages.inbox.bubbles import message_items
from tenant_portal.ui.pages.inbox.items import OpenThread, colleagues, open_thread, planned_item, thread_item
from tenant_portal.ui.session_state import SessionState

MOST_MESSAGES = 1000


async def read(state: Any, person: Person) -> None:
    """Everything the page shows, in one transaction."""
    wanted = wanted_thread(state)
    async with session_of(person) as session:
        members = await list_members(session, tenant_of(person))
        team = colleagues(members, person.user_id)
        if team != state.team:
            state.team = team
        if wanted:
            await _read_thread(state, session, person, wanted)
        await _read_list(state, session, person, wanted)
        counts = await queries.count_threads(session, tenant_of(person), person.user_id)
        unread = await queries.count_unread(session, tenant_of(person), person.user_id)
    shown = {view.value: count_text(getattr(counts, view.value)) for view in View}
    if shown != state.counts:
        state.counts = shown
    (await state.get_state(SessionState)).unread = unread


async def _read_list(state: Any, session: Any, person: Person, open_id: str) -> None:
    tenant_id, limit = tenant_of(person), state._threads_shown + 1
    if state.search:
        rows = await queries.find_threads(session, tenant_id, person.user_id, state.search)
    else:
        channel = ChannelKind(state.channel) if state.channel in list(ChannelKind) else None
        view = View(state.view)
        rows = await queries.list_threads(
            session, tenant_id, viewer=person.user_id, view=view, channel=channel, limit=limit
        )
    state.has_more = len(rows) > state._threads_shown < NEWEST_THREADS
    items = [thread_item(row, open_id) for row in rows[: state._threads_shown]]
    # An assignment sends the whole list to the browser, also where nothing in it is new.
    if items != state.threads:
        state.threads = items


async def _read_thread(state: Any, session: Any, person: Person, wanted: str) -> None:
    tenant_id, shown = tenant_of(person), state._messages_shown
    try:
        conversation_id = id_of(wanted)
        if state._is_visible:
            await reading.mark_read(session, person, [conversation_id])
        row = await queries.get_thread(session, tenant_id, conversation_id, person.user_id)
        options = await service.reply_options(session, tenant_id, conversation_id)
    except NotFound:
        state.is_missing, state.thread, state.messages, state.planned = True, OpenThread(), [], []
        return
    rows = await queries.list_messages(session, tenant_id, conversation_id, limit=shown + 1)
    state.is_missing, state.has_older = False, len(rows) > shown < MOST_MESSAGES
    # What stood between older messages comes with them.
    since = rows[-shown].id if len(rows) > shown else None
    beside = [
        *await notes.list_events(session, tenant_id, conversation_id, since),
        *await notes.list_notes(session, tenant_id, row.lead_id, since),
    ]
    items = message_items(rows[-shown:], beside)
    state.thread = open_thread(row, options, ChannelKind(state._chosen) if state._chosen else None)
    if items != state.messages:
        state.messages = items
    waiting = [
        planned_item(one, person.user_id) for one in await planned.list_planned(session, tenant_id, conversation_id)
    ]
    if waiting != state.planned:
        state.planned = waiting


def count_text(count: int) -> str:
    """Empty for none, and `99+` where counting stopped."""
    return "" if not count else f"{count}" if count < queries.COUNT_CAP else f"{queries.COUNT_CAP - 1}+"


def wanted_thread(state: Any) -> str:
    """The thread that the address names. It is the reader's word: it is looked up inside their own tenant only."""
    wanted = getattr(state, "conversation_id", "")
    return wanted if isinstance(wanted, str) else ""


def id_of(text: str) -> UUID:
    """NotFound for what is no id, as for one that nobody has."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("This conversation does not exist.") from None


def tenant_of(person: Person) -> UUID:
    """The tenant of a client's person."""
    assert person.tenant_id is not None
    return person.tenant_id


def session_of(person: Person) -> Any:
    """A transaction in the person's own tenant."""
    return tenant_session(tenant_of(person))
