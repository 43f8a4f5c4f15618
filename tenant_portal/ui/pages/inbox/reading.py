"""Fills the inbox's state from the database; `state` is always an InboxState, which imports this module."""

from typing import Any
from uuid import UUID

from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound
from tenant_portal.identity.queries import Person, list_members
from tenant_portal.inbox import notes, planned, queries, reading, service
from tenant_portal.inbox.queries import NEWEST_THREADS, View
from tenant_portal.inbox.search import HITS_PAGE, find_messages
from tenant_portal.leads.queries import LabelRow, labels_of, list_labels
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.inbox.bubbles import message_items
from tenant_portal.ui.pages.inbox.found_state import FoundState, hit_item
from tenant_portal.ui.pages.inbox.items import OpenThread, colleagues, open_thread, planned_item, thread_item
from tenant_portal.ui.pages.leads.items import label_item
from tenant_portal.ui.session_state import SessionState

MOST_MESSAGES = 1000


async def read(state: Any, person: Person) -> None:
    """Everything the page shows, in one transaction."""
    wanted = wanted_thread(state)
    async with session_of(person) as session:
        members = await list_members(session, tenant_of(person))
        _set(state, "team", colleagues(members, person.user_id))
        labels = await list_labels(session, tenant_of(person))
        found = await state.get_state(FoundState)
        _set(found, "labels", [label_item(row) for row in labels])
        if wanted:
            await _read_thread(state, found, session, person, wanted, labels)
        await _read_list(state, found, session, person, wanted)
        counts = await queries.count_threads(session, tenant_of(person), person.user_id)
        unread = await queries.count_unread(session, tenant_of(person), person.user_id)
    _set(state, "counts", {view.value: count_text(getattr(counts, view.value)) for view in View})
    (await state.get_state(SessionState)).unread = unread


def _set(state: Any, name: str, value: Any) -> None:
    # An assignment sends the value to the browser, also where nothing in it is new.
    if getattr(state, name) != value:
        setattr(state, name, value)


async def _read_hits(state: Any, found: Any, session: Any, person: Person) -> None:
    if state.search != found._searched:
        found._searched, found._hits_shown = state.search, HITS_PAGE
    limit = found._hits_shown
    rows = await find_messages(session, tenant_of(person), state.search, limit=limit + 1) if state.search else []
    _set(found, "hits", [hit_item(row, state.search) for row in rows[:limit]])
    _set(found, "has_more_hits", len(rows) > limit)


async def _read_list(state: Any, found: Any, session: Any, person: Person, open_id: str) -> None:
    tenant_id, limit = tenant_of(person), state._threads_shown + 1
    await _read_hits(state, found, session, person)
    if state.search:
        rows = await queries.find_threads(session, tenant_id, person.user_id, state.search)
    else:
        channel = ChannelKind(state.channel) if state.channel in list(ChannelKind) else None
        view = View(state.view)
        rows = await queries.list_threads(
            session,
            tenant_id,
            viewer=person.user_id,
            view=view,
            channel=channel,
            label_id=id_of(found.label_id) if found.label_id else None,
            limit=limit,
        )
    state.has_more = len(rows) > state._threads_shown < NEWEST_THREADS
    rows = rows[: state._threads_shown]
    labels = await labels_of(session, tenant_id, [row.lead_id for row in rows])
    _set(state, "threads", [thread_item(row, open_id, labels.get(row.lead_id, ())) for row in rows])


async def _read_thread(
    state: Any, found: Any, session: Any, person: Person, wanted: str, labels: list[LabelRow]
) -> None:
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
    before = await _place_before(found, session, tenant_id, conversation_id)
    rows = await queries.list_messages(session, tenant_id, conversation_id, before=before, limit=shown + 1)
    state.is_missing, state.has_older = False, len(rows) > shown < MOST_MESSAGES
    # What stood between older messages comes with them.
    since = rows[-shown].id if len(rows) > shown else None
    beside = [
        *await notes.list_events(session, tenant_id, conversation_id, since),
        *await notes.list_notes(session, tenant_id, row.lead_id, since),
    ]
    items = message_items(rows[-shown:], [one for one in beside if before is None or one.id < before])
    on = await labels_of(session, tenant_id, [row.lead_id])
    is_on = frozenset(label.id for label in on.get(row.lead_id, ()))
    _set(found, "thread_labels", [label_item(label, is_on) for label in labels])
    state.thread = open_thread(row, options, ChannelKind(state._chosen) if state._chosen else None)
    _set(state, "messages", items)
    waiting = await planned.list_planned(session, tenant_id, conversation_id)
    _set(state, "planned", [planned_item(one, person.user_id) for one in waiting])


async def _place_before(found: Any, session: Any, tenant_id: UUID, conversation_id: UUID) -> UUID | None:
    """Where the page of the thread ends that shows what was found; None for the newest page."""
    before, newer = None, 0
    if found._place:
        place = id_of(found._place)
        if await queries.thread_of(session, tenant_id, place) == conversation_id:
            before, newer = await queries.after_message(session, tenant_id, conversation_id, place)
        else:
            found._place = found.found_id = ""
    found.newer = count_text(newer)
    return before


def count_text(count: int) -> str:
    """Empty for none, and `99+` where counting stopped."""
    return "" if not count else f"{count}" if count < queries.COUNT_CAP else f"{queries.COUNT_CAP - 1}+"


def wanted_thread(state: Any) -> str:
    """The thread that the address names. It is the reader's word: it is looked up inside their own tenant only."""
    wanted = getattr(state, "conversation_id", "")
    return wanted if isinstance(wanted, str) else ""


def id_of(text: str) -> UUID:
    """NotFound for what is no id, as for one that nobody has."""
    return parse_id(text, "This conversation does not exist.")


def tenant_of(person: Person) -> UUID:
    """The tenant of a client's person."""
    assert person.tenant_id is not None
    return person.tenant_id


def session_of(person: Person) -> Any:
    """A transaction in the person's own tenant."""
    return tenant_session(tenant_of(person))
