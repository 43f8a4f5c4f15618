"""What the inbox's handlers do. The state is a cache of the open page: every event reads the database again."""

from typing import Any

import reflex as rx

from tenant_portal.errors import PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.inbox import drafts, planned, service
from tenant_portal.inbox.notes import add_note
from tenant_portal.inbox.presence import tell
from tenant_portal.inbox.queries import MESSAGES_PAGE, NEWEST_THREADS, THREADS_PAGE, View
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui import live
from tenant_portal.ui.pages.inbox.bubbles import MessageItem
from tenant_portal.ui.pages.inbox.colleagues import clock, collision, last_of_others, show_writers
from tenant_portal.ui.pages.inbox.items import SEND_NOW, Colleague, OpenThread, PlannedItem, ThreadItem, counter_text
from tenant_portal.ui.pages.inbox.reading import MOST_MESSAGES, id_of, read, session_of, wanted_thread
from tenant_portal.ui.presence import presence
from tenant_portal.ui.session_state import client, form_text

LONGEST_BODY = 4000


class InboxState(rx.State):
    """The thread list and the open thread."""

    threads: list[ThreadItem] = []
    view: str = View.OPEN.value
    channel: str = ""
    search: str = ""
    counts: dict[str, str] = {}
    team: list[Colleague] = []
    has_more: bool = False
    thread: OpenThread = OpenThread()
    messages: list[MessageItem] = []
    planned: list[PlannedItem] = []
    has_older: bool = False
    is_loaded: bool = False
    is_missing: bool = False
    notice: str = ""
    draft: str = ""
    draft_round: int = 0
    counter: str = ""
    writers: str = ""
    is_noting: bool = False
    note_error: str = ""
    _threads_shown: int = THREADS_PAGE
    _messages_shown: int = MESSAGES_PAGE
    _chosen: str = ""
    _is_visible: bool = False
    # What a colleague had answered last when the reader began to write, and whether the reader was told of a collision.
    _written_after: str | None = None
    _is_warned: bool = False
    # What has left the field: a keystroke that is told late must not bring it back as a draft.
    _sent: str = ""

    @rx.event
    async def load(self) -> None:
        """The page was opened, or another thread on it."""
        person = await client(self)
        if wanted_thread(self) != self.thread.id:
            self.thread, self.messages, self.counter, self.notice = OpenThread(), [], "", ""
            self._messages_shown, self._chosen, self.is_noting, self.note_error = MESSAGES_PAGE, "", False, ""
            self._written_after, self._is_warned, self.planned = None, False, []
        await read(self, person)
        await _take_up_draft(self, person)
        self.is_loaded = True
        show_writers(self, person)
        thread = id_of(self.thread.id) if self.thread.id else None
        await live.join(self, person, InboxState.refresh, thread=thread, on_presence=InboxState.see_writers)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client."""
        await read(self, await client(self))

    @rx.event
    async def look(self, is_visible: bool) -> None:
        """The tab has come to the front, where its thread is read, or has gone to the back."""
        person = await client(self)
        self._is_visible = is_visible
        if is_visible:
            await read(self, person)

    @rx.event
    async def set_view(self, value: str) -> None:
        """Show the threads of another view."""
        person = await client(self)
        if value in list(View):
            self.view, self.search, self._threads_shown = value, "", THREADS_PAGE
            await read(self, person)

    @rx.event
    async def set_channel(self, kind: str) -> None:
        """Show the threads of one channel, or of all."""
        person = await client(self)
        self.channel, self._threads_shown = kind if kind in list(ChannelKind) else "", THREADS_PAGE
        await read(self, person)

    @rx.event
    async def find(self, words: str) -> None:
        """Show the threads of leads whose name or number has these words."""
        person = await client(self)
        self.search = words.strip()[:100]
        await read(self, person)

    @rx.event
    async def load_more(self) -> None:
        """More threads at the end of the list."""
        person = await client(self)
        self._threads_shown = min(self._threads_shown + THREADS_PAGE, NEWEST_THREADS)
        await read(self, person)

    @rx.event
    async def load_older(self) -> None:
        """Older messages at the top of the thread."""
        person = await client(self)
        self._messages_shown = min(self._messages_shown + MESSAGES_PAGE, MOST_MESSAGES)
        await read(self, person)

    @rx.event
    async def choose_channel(self, kind: str) -> None:
        """Answer on the other channel of this lead."""
        person = await client(self)
        self._chosen = kind if kind in list(ChannelKind) else ""
        await read(self, person)

    @rx.event
    async def measure(self, body: str) -> None:
        """How many SMS segments the text in the composer takes; colleagues in this thread see that one is written."""
        person = await client(self)
        body = body[:LONGEST_BODY]
        if not self.thread.id or (self._sent and body.strip() == self._sent):
            return
        self.counter, self._sent = counter_text(body, self.thread.channel), ""
        async with session_of(person) as session:
            await drafts.keep_draft(session, person, id_of(self.thread.id), body)
        if not body.strip():
            return
        if self._written_after is None:
            self._written_after = last_of_others(self, person)
        thread = id_of(self.thread.id)
        if presence.is_due(person.user_id, thread, clock()):
            async with session_of(person) as session:
                await tell(session, person, thread, is_writing=True)

    @rx.event
    async def see_writers(self) -> None:
        """Somebody has begun or ended to write in this thread."""
        show_writers(self, await client(self))

    @rx.event
    async def send(self, form: dict[str, Any]) -> None:
        """Put the text of the composer into the outbox. The browser has emptied it; it comes back if refused.

        It comes back once, too, where a colleague is answering, or has done so since this text was begun.
        """
        person = await client(self)
        body, self.notice, self.counter = form_text(form, "body", LONGEST_BODY), "", ""
        if not body.strip():
            return
        warning = "" if self._is_warned else collision(self, person)
        try:
            if warning:
                self._is_warned = True
                raise PortalError(warning)
            async with session_of(person) as session:
                kind, thread = ChannelKind(self._chosen) if self._chosen else None, id_of(self.thread.id)
                now = form_text(form, "quiet", 8) == SEND_NOW
                await planned.hold(session, person, thread, body, kind, despite_quiet_hours=now)
                await drafts.keep_draft(session, person, thread, "")
                await tell(session, person, thread, is_writing=False)
            presence.stop(person.user_id, thread)
            self.draft, self._written_after, self._is_warned, self._sent = "", None, False, body.strip()
        except PortalError as error:
            self.notice, self.draft, self.draft_round = error.message, body, self.draft_round + 1
        await read(self, person)

    @rx.event
    async def write_note(self, form: dict[str, Any]) -> None:
        """A note for the team. The browser has emptied the field; the text comes back if it is refused."""
        person = await client(self)
        body, self.note_error = form_text(form, "note", LONGEST_BODY), ""
        try:
            async with session_of(person) as session:
                await add_note(session, person, id_of(self.thread.id), body)
            self.draft = ""
        except PortalError as error:
            self.note_error, self.draft, self.draft_round = error.message, body, self.draft_round + 1
        await read(self, person)

    @rx.event
    async def choose_noting(self, is_noting: bool) -> None:
        """Write a note, or an answer."""
        person = await client(self)
        self.is_noting, self.draft, self.note_error = is_noting, "", ""
        if not is_noting:
            await _take_up_draft(self, person)

    @rx.event
    async def retry(self, message_id: str) -> None:
        """Send a failed message again."""
        person = await client(self)
        await _try(self, person, lambda session: service.retry(session, person, id_of(message_id)))

    @rx.event
    async def fetch_again(self, media_id: str) -> None:
        """Try once more to fetch a file."""
        person = await client(self)
        await _try(self, person, lambda session: service.fetch_again(session, person, id_of(media_id)))

    @rx.event
    async def close_notice(self) -> None:
        """The reader has seen it."""
        await client(self)
        self.notice = ""


async def _take_up_draft(state: InboxState, person: Person) -> None:
    if state.thread.id and not state.is_noting:
        async with session_of(person) as session:
            state.draft = await drafts.get_draft(session, person, id_of(state.thread.id))
        state.counter, state._sent = counter_text(state.draft, state.thread.channel), ""


async def _try(state: InboxState, person: Person, change: Any) -> None:
    state.notice = ""
    try:
        async with session_of(person) as session:
            await change(session)
    except PortalError as error:
        state.notice = error.message
    await read(state, person)
