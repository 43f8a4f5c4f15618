"""What the inbox's handlers do. The state is a cache of the open page: every event reads the database again."""

from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import queries, service
from tenant_portal.inbox.queries import MESSAGES_PAGE, THREADS_PAGE
from tenant_portal.inbox.segments import count_segments
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui import live
from tenant_portal.ui.pages.inbox.bubbles import MessageItem, message_items
from tenant_portal.ui.pages.inbox.items import OpenThread, ThreadItem, open_thread, thread_item
from tenant_portal.ui.session_state import SessionState, client, form_text

FILTERS = ("all", "unread", *ChannelKind)
MOST_THREADS = 300
MOST_MESSAGES = 1000
LONGEST_BODY = 4000


class InboxState(rx.State):
    """The thread list and the open thread."""

    threads: list[ThreadItem] = []
    filter: str = "all"
    has_more: bool = False
    thread: OpenThread = OpenThread()
    messages: list[MessageItem] = []
    has_older: bool = False
    is_loaded: bool = False
    is_missing: bool = False
    notice: str = ""
    draft: str = ""
    draft_round: int = 0
    counter: str = ""
    _threads_shown: int = THREADS_PAGE
    _messages_shown: int = MESSAGES_PAGE
    _chosen: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened, or another thread on it."""
        person = await client(self)
        if _wanted(self) != self.thread.id:
            self.thread, self.messages, self.counter, self.notice = OpenThread(), [], "", ""
            self._messages_shown, self._chosen = MESSAGES_PAGE, ""
        await _read(self, person)
        self.is_loaded = True
        await live.join(self, person, InboxState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await _read(self, await client(self))

    @rx.event
    async def set_filter(self, value: str) -> None:
        """Show all threads, unread ones or those of one channel."""
        person = await client(self)
        if value in FILTERS:
            self.filter, self._threads_shown = value, THREADS_PAGE
            await _read(self, person)

    @rx.event
    async def load_more(self) -> None:
        """More threads at the end of the list."""
        person = await client(self)
        self._threads_shown = min(self._threads_shown + THREADS_PAGE, MOST_THREADS)
        await _read(self, person)

    @rx.event
    async def load_older(self) -> None:
        """Older messages at the top of the thread."""
        person = await client(self)
        self._messages_shown = min(self._messages_shown + MESSAGES_PAGE, MOST_MESSAGES)
        await _read(self, person)

    @rx.event
    async def choose_channel(self, kind: str) -> None:
        """Answer on the other channel of this lead."""
        person = await client(self)
        self._chosen = kind if kind in list(ChannelKind) else ""
        await _read(self, person)

    @rx.event
    async def measure(self, body: str) -> None:
        """How many SMS segments the text in the composer takes."""
        await client(self)
        self.counter = _counter(body[:LONGEST_BODY], self.thread.channel)

    @rx.event
    async def send(self, form: dict[str, Any]) -> None:
        """Put the text of the composer into the outbox. The browser has emptied it; it comes back if refused."""
        person = await client(self)
        body, self.notice, self.counter = form_text(form, "body", LONGEST_BODY), "", ""
        if not body.strip():
            return
        try:
            async with _session(person) as session:
                kind = ChannelKind(self._chosen) if self._chosen else None
                await service.queue_reply(session, person, _id(self.thread.id), body, kind)
            self.draft = ""
        except PortalError as error:
            self.notice, self.draft, self.draft_round = error.message, body, self.draft_round + 1
        await _read(self, person)

    @rx.event
    async def retry(self, message_id: str) -> None:
        """Send a failed message again."""
        person = await client(self)
        await _try(self, person, lambda session: service.retry(session, person, _id(message_id)))

    @rx.event
    async def fetch_again(self, media_id: str) -> None:
        """Try once more to fetch a file."""
        person = await client(self)
        await _try(self, person, lambda session: service.fetch_again(session, person, _id(media_id)))

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _try(state: InboxState, person: Person, change: Any) -> None:
    state.notice = ""
    try:
        async with _session(person) as session:
            await change(session)
    except PortalError as error:
        state.notice = error.message
    await _read(state, person)


async def _read(state: InboxState, person: Person) -> None:
    wanted = _wanted(state)
    async with _session(person) as session:
        if wanted:
            await _read_thread(state, session, person, wanted)
        await _read_list(state, session, person, wanted)
        unread = await queries.count_unread(session, _tenant(person))
    (await state.get_state(SessionState)).unread = unread


async def _read_list(state: InboxState, session: Any, person: Person, open_id: str) -> None:
    rows = await queries.list_threads(
        session,
        _tenant(person),
        unread_only=state.filter == "unread",
        channel=ChannelKind(state.filter) if state.filter in list(ChannelKind) else None,
        limit=state._threads_shown + 1,
    )
    state.has_more = len(rows) > state._threads_shown < MOST_THREADS
    items = [thread_item(row, open_id) for row in rows[: state._threads_shown]]
    # An assignment sends the whole list to the browser, also where nothing in it is new.
    if items != state.threads:
        state.threads = items


async def _read_thread(state: InboxState, session: Any, person: Person, wanted: str) -> None:
    tenant_id, shown = _tenant(person), state._messages_shown
    try:
        conversation_id = _id(wanted)
        await service.mark_read(session, person, conversation_id)
        row = await queries.get_thread(session, tenant_id, conversation_id)
        options = await service.reply_options(session, tenant_id, conversation_id)
    except NotFound:
        state.is_missing, state.thread, state.messages = True, OpenThread(), []
        return
    rows = await queries.list_messages(session, tenant_id, conversation_id, limit=shown + 1)
    items = message_items(rows[-shown:])
    state.is_missing, state.has_older = False, len(rows) > shown < MOST_MESSAGES
    state.thread = open_thread(row, options, ChannelKind(state._chosen) if state._chosen else None)
    if items != state.messages:
        state.messages = items


def _counter(body: str, channel: str) -> str:
    if channel != ChannelKind.SMS or not body.strip():
        return ""
    segments = count_segments(body.strip())
    plural = "" if segments.count == 1 else "s"
    return f"{segments.count} SMS segment{plural} · {segments.remaining} characters left"


def _wanted(state: InboxState) -> str:
    # Whatever stands in the address bar is the reader's word: it is looked up inside their own tenant only.
    wanted = getattr(state, "conversation_id", "")
    return wanted if isinstance(wanted, str) else ""


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("This conversation does not exist.") from None


def _tenant(person: Person) -> UUID:
    assert person.tenant_id is not None
    return person.tenant_id


def _session(person: Person) -> Any:
    return tenant_session(_tenant(person))
